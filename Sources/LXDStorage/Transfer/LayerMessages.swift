internal import Foundation
internal import LXDAPI

/// What two servers of ours say to each other before and after the trees; each is one stream of JSON.
///
/// Source: the manifest. Target: the answer, then for a volume it wants the difference of, a listing of its own tree.
/// Source: the trees asked for, each a stream, lowest layer first. Target: the last word.
struct LayerManifest: Codable, Sendable {
    static let currentVersion = 1
    static let bytesMax = 96 << 20

    struct Layer: Codable, Sendable {
        /// Says what the layer and all below it hold, for good.
        var id: String
        /// What the source got these contents as.
        var mirror: String?
        /// It is the tree of this image.
        var image: String?
    }

    struct Entry: Codable, Sendable {
        /// nil: the volume itself, which comes last.
        var snapshot: String?
        /// Topmost first; empty for a volume that is a plain tree.
        var layers: [Layer]
        /// What a running instance writes goes along on top of the layers.
        var isLive: Bool
        /// The small files beside the root: `metadata.yaml`, `templates/…`.
        var files: [String: Data]
    }

    var version = LayerManifest.currentVersion
    var entries: [Entry]

    /// Decodes and checks what a peer sent.
    static func decode(_ bytes: [UInt8], snapshots: [String]) throws -> LayerManifest {
        guard let manifest = try? JSONDecoder().decode(LayerManifest.self, from: Data(bytes)) else {
            throw LXDError.badRequest("The other server's list of layers cannot be read")
        }
        guard manifest.version == currentVersion, manifest.entries.count == snapshots.count + 1,
            manifest.entries.dropLast().map(\.snapshot) == snapshots, let last = manifest.entries.last,
            last.snapshot == nil
        else { throw LXDError.badRequest("The other server sends other snapshots than were agreed on") }
        for entry in manifest.entries {
            guard entry.layers.count <= 128, entry.layers.allSatisfy({ DirLayers.isIdentifier($0.id) }),
                !entry.isLive || entry.snapshot == nil, entry.files.count <= 1024,
                entry.files.allSatisfy({ isFileName($0.key) && $0.value.count <= 16 << 20 })
            else { throw LXDError.badRequest("The other server's list of layers is not valid") }
        }
        return manifest
    }

    static func isFileName(_ name: String) -> Bool {
        if name == "metadata.yaml" || name == "backup.yaml" { return true }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "templates" else { return false }
        return !parts[1].isEmpty && !parts[1].hasPrefix(".") && parts[1].utf8.count <= 255
            && parts[1].utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
    }
}

/// What the target wants of each entry of the manifest.
struct LayerAnswer: Codable, Sendable {
    struct Wish: Codable, Sendable {
        /// So many of the topmost layers are missing.
        var missing: Int
        /// Instead of layers the target wants what differs from its own tree, whose listing follows.
        var wantsDifference: Bool
    }
    var wishes: [Wish]

    static func decode(_ bytes: [UInt8], for manifest: LayerManifest) throws -> LayerAnswer {
        guard let answer = try? JSONDecoder().decode(LayerAnswer.self, from: Data(bytes)),
            answer.wishes.count == manifest.entries.count,
            zip(answer.wishes, manifest.entries).allSatisfy({ (0...$1.layers.count).contains($0.missing) }),
            answer.wishes.dropLast().allSatisfy({ !$0.wantsDifference })
        else { throw LXDError.badRequest("The other server's answer cannot be read") }
        return answer
    }
}

extension TransferChannel {
    func send(json value: some Encodable) async throws { try await send(Array(try JSONEncoder().encode(value))) }
}
