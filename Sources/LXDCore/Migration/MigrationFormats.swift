import LXDAPI
import LXDStorage

/// Which way volumes travel: what a source offers, and what both sides make of the other's words. Pure.
///
/// LXD names one preferred transport in its header, and rsync is what everybody can. Two servers of ours agree by names
/// in a field that LXD passes over; the header then still says rsync.
struct MigrationFormats: Sendable {
    /// The name by which the exchange of layers is offered.
    static let layersName = "layers-1"
    /// What a server from before the negotiation of features (LXD 3.7) can do.
    private static let oldFeatures = ["xattrs", "delete", "compress"]

    /// What the pool can, best first.
    let methods: [TransferMethod]

    /// - Parameter poolConfig: `rsync.compression` may turn compression off.
    init(_ methods: [TransferMethod], poolConfig: [String: String]) {
        let isCompressed = !["false", "0", "no", "off"].contains((poolConfig["rsync.compression"] ?? "").lowercased())
        self.methods = methods.map { method in
            guard case .rsync(let features) = method, !isCompressed else { return method }
            return .rsync(features: features.filter { $0 != "compress" })
        }
    }

    /// Fills in a source's offer.
    func offer(in header: inout MigrationHeader) {
        header.transport = .rsync
        for method in methods.reversed() {
            switch method {
            case .rsync(let features): header.rsyncFeatures = features
            case .layers: header.formats = [Self.layersName]
            case .btrfs(let features):
                header.transport = .btrfs
                header.btrfsFeatures = features
            }
        }
    }

    /// What a target takes of an offer: the best of its own methods that the source has too.
    ///
    /// - Throws: In LXD's words when there is none.
    func choose(from offer: MigrationHeader, isRefresh: Bool) throws(LXDError) -> TransferMethod {
        for method in methods {
            switch method {
            case .layers where offer.formats.contains(Self.layersName): return .layers
            case .btrfs(let ours) where offer.transport == .btrfs:
                let common = ours.filter((offer.btrfsFeatures ?? []).contains)
                // Without them a source cannot tell which subvolume the target has.
                if isRefresh, !common.contains("header_subvolume_uuids") { continue }
                return .btrfs(features: common)
            case .rsync(let ours): return .rsync(features: Self.common(ours, offer.rsyncFeatures))
            default: continue
            }
        }
        throw Self.noMatch
    }

    /// Fills in a target's answer.
    func answer(_ method: TransferMethod, in header: inout MigrationHeader) {
        header.transport = .rsync
        switch method {
        case .rsync(let features): header.rsyncFeatures = features
        case .layers: header.formats = [Self.layersName]
        case .btrfs(let features):
            header.transport = .btrfs
            header.btrfsFeatures = features
        }
    }

    /// What a source makes of the answer.
    ///
    /// - Throws: In LXD's words when the target wants what was not offered.
    func agreed(by answer: MigrationHeader) throws(LXDError) -> TransferMethod {
        for method in methods {
            switch method {
            case .layers where answer.formats == [Self.layersName]: return .layers
            case .btrfs(let ours) where answer.formats.isEmpty && answer.transport == .btrfs:
                return .btrfs(features: ours.filter((answer.btrfsFeatures ?? []).contains))
            case .rsync(let ours) where answer.formats.isEmpty && answer.transport == .rsync:
                return .rsync(features: Self.common(ours, answer.rsyncFeatures))
            default: continue
            }
        }
        throw Self.noMatch
    }

    private static func common(_ ours: [String], _ theirs: [String]?) -> [String] {
        let known = theirs.flatMap { $0.contains("bidirectional") ? $0 : nil } ?? oldFeatures
        return ours.filter(known.contains)
    }

    private static let noMatch = LXDError.internalError(
        "Failed to negotiate migration type: No matching migration types found")
}
