import LXDAPI
import LXDLinux
import LXDRuntimePlan

/// What two servers of ours tell each other before a running instance moves: the source in its offer, the target in its answer.
///
/// One field of the header (4201), which LXD passes over. A peer whose header has none cannot do what is needed.
struct LiveTerms: Sendable, Equatable {
    static let currentVersion: Int64 = 1

    var version = currentVersion
    /// Of criu: `4.2.1`.
    var criuVersion = ""
    /// The architecture of the kernel: `x86_64`.
    var machine = ""
    /// Where each controller is: `cpu=1 memory=2`.
    var cgroupLayout = ""
    /// Ids of the processes in the images.
    var idMap: [MigrationIDRange] = []
    /// What the processes have in memory now.
    var memoryBytes: Int64 = 0
    /// criu's description of the source's processor.
    var processor: [UInt8] = []
    /// The move's own name and secret, by which the target may ask for the decision.
    var id = ""
    var secret = ""
    /// URLs of the source.
    var peers: [String] = []
    /// Of the source, PEM.
    var certificate = ""
    /// Volatile keys that the running instance depends on, such as addresses of its interfaces.
    var volatile: [String: String] = [:]
    /// Memory follows the instance when it runs at the target. In an answer: it can.
    var isPostCopy = false

    init() {}

    init(decoding bytes: ArraySlice<UInt8>) throws(LXDError) {
        var reader = ProtoReader(bytes)
        version = 0
        while let (field, value) = try reader.next() {
            switch field {
            case 1: version = try value.integer
            case 2: criuVersion = try value.text
            case 3: machine = try value.text
            case 4: cgroupLayout = try value.text
            case 5: idMap.append(try MigrationIDRange(decoding: value.content))
            case 6: memoryBytes = try value.integer
            case 7: processor = Array(try value.content)
            case 8: id = try value.text
            case 9: secret = try value.text
            case 10: peers.append(try value.text)
            case 11: certificate = try value.text
            case 12:
                let text = try value.text
                guard let sign = text.firstIndex(of: "=") else { throw ProtoReader.malformed }
                volatile[String(text[..<sign])] = String(text[text.index(after: sign)...])
            case 13: isPostCopy = try value.flag
            default: continue
            }
        }
    }

    var message: ProtoWriter {
        var writer = ProtoWriter()
        writer.add(1, version)
        writer.add(2, criuVersion)
        writer.add(3, machine)
        writer.add(4, cgroupLayout)
        for range in idMap { writer.add(5, range.message) }
        writer.add(6, memoryBytes)
        if !processor.isEmpty { writer.add(7, processor) }
        writer.add(8, id)
        writer.add(9, secret)
        for peer in peers { writer.add(10, peer) }
        writer.add(11, certificate)
        for (key, value) in volatile.sorted(by: { $0.key < $1.key }) { writer.add(12, key + "=" + value) }
        if isPostCopy { writer.add(13, true) }
        return writer
    }

    // MARK: What a target makes of an offer

    /// Compares a source's terms with our own.
    ///
    /// - Throws: What keeps the instance from running here, in a sentence.
    func check(against own: LiveTerms) throws(LXDError) {
        guard version == Self.currentVersion else {
            throw .badRequest("The other server moves running instances in another way (version \(version))")
        }
        guard machine == own.machine else {
            throw .badRequest("The instance runs on \(machine) and can't go on on \(own.machine)")
        }
        guard !Self.isOlder(own.criuVersion, than: criuVersion) else {
            throw .badRequest("Live migration needs criu \(criuVersion) or newer on the target (found \(own.criuVersion))")
        }
        guard cgroupLayout == own.cgroupLayout else {
            throw .badRequest(
                "The control groups of the two servers differ: \(cgroupLayout) on the source, \(own.cgroupLayout) on the target")
        }
        guard !id.isEmpty, id.utf8.count <= 64, !secret.isEmpty, secret.utf8.count <= 128, peers.count <= 64,
            certificate.utf8.count <= 64 << 10, volatile.count <= 1024
        else { throw ProtoReader.malformed }
        guard !peers.isEmpty else {
            throw .badRequest(
                "Live migration needs the source server to listen on the network too: set core.https_address there")
        }
    }

    static func isOlder(_ version: String, than other: String) -> Bool {
        func numbers(_ text: String) -> [Int] { text.split(separator: ".").map { Int($0) ?? 0 } }
        return numbers(version).lexicographicallyPrecedes(numbers(other))
    }

    /// The ids as a plan has them.
    var idMapEntries: [IDMapEntry] {
        get throws { try idMap.map { try $0.entry } }
    }
}

extension LiveTerms {
    /// What is so on this host.
    static func ofHost(criuVersion: String, limits: HostLimits) -> LiveTerms {
        var terms = LiveTerms()
        terms.criuVersion = criuVersion
        terms.machine = Machine.name
        terms.cgroupLayout = limits.controllers.sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value == .v1 ? 1 : 2)" }.joined(separator: " ")
        return terms
    }
}

enum Machine {
    static var name: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "aarch64"
        #else
            "unknown"
        #endif
    }
}
