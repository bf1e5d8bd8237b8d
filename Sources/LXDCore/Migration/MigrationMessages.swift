import LXDAPI

/// What both servers say on the control websocket before contents travel: what is offered, and what is taken of it.
///
/// LXD's protobuf message (proto2), field numbers and all. Fields from 4200 on are ours; LXD passes over them.
struct MigrationHeader: Sendable, Equatable {
    /// How volumes travel, by LXD's numbers.
    enum Transport: Int64, Sendable {
        case rsync = 0
        case btrfs = 1
        case zfs = 2
        case rbd = 3
        case blockAndRsync = 4
    }
    /// How the state of a running container travels.
    enum StateTransfer: Int64, Sendable {
        case rsync = 0
        case pageServer = 1
        /// Not at all, but the container runs, and its volume is sent a second time at the end.
        case none = 2
    }

    /// Nil: a transport that this version does not know.
    var transport: Transport? = .rsync
    var stateTransfer: StateTransfer?
    /// Ids on the source's disk; empty: they are as the container sees them.
    var idMap: [MigrationIDRange] = []
    var snapshotNames: [String] = []
    var snapshots: [MigrationSnapshot] = []
    var predump: Bool?
    /// Nil: the peer said nothing about them.
    var rsyncFeatures: [String]?
    var refresh: Bool?
    var btrfsFeatures: [String]?
    var indexHeaderVersion: Int64?
    /// Ours: what moving a running instance takes.
    var live: LiveTerms?
    /// Ours: names of formats that the source's pool can send; in an answer the one that is taken.
    var formats: [String] = []

    init() {}

    init(decoding bytes: [UInt8]) throws(LXDError) {
        var reader = ProtoReader(bytes[...])
        var hasTransport = false
        while let (field, value) = try reader.next() {
            switch field {
            case 1:
                transport = Transport(rawValue: try value.integer)
                hasTransport = true
            case 2: stateTransfer = StateTransfer(rawValue: try value.integer)
            case 3: idMap.append(try MigrationIDRange(decoding: value.content))
            case 4: snapshotNames.append(try value.text)
            case 5: snapshots.append(try MigrationSnapshot(decoding: value.content))
            case 7: predump = try value.flag
            case 8: rsyncFeatures = try Self.features(value.content, Self.rsyncFeatureNames)
            case 9: refresh = try value.flag
            case 12: btrfsFeatures = try Self.features(value.content, Self.btrfsFeatureNames)
            case 13: indexHeaderVersion = try value.integer
            case 4200: formats.append(try value.text)
            case 4201: live = try LiveTerms(decoding: value.content)
            default: continue
            }
        }
        guard hasTransport else { throw ProtoReader.malformed }
    }

    var encoded: [UInt8] {
        var writer = ProtoWriter()
        writer.add(1, (transport ?? .rsync).rawValue)
        if let stateTransfer { writer.add(2, stateTransfer.rawValue) }
        for range in idMap { writer.add(3, range.message) }
        for name in snapshotNames { writer.add(4, name) }
        for snapshot in snapshots { writer.add(5, snapshot.message) }
        if let predump { writer.add(7, predump) }
        if let rsyncFeatures { writer.add(8, Self.message(rsyncFeatures, Self.rsyncFeatureNames)) }
        if let refresh { writer.add(9, refresh) }
        if let btrfsFeatures { writer.add(12, Self.message(btrfsFeatures, Self.btrfsFeatureNames)) }
        if let indexHeaderVersion { writer.add(13, indexHeaderVersion) }
        for format in formats { writer.add(4200, format) }
        if let live { writer.add(4201, live.message) }
        return writer.bytes
    }

    /// By field number, from 1.
    private static let rsyncFeatureNames = ["xattrs", "delete", "compress", "bidirectional"]
    private static let btrfsFeatureNames = ["migration_header", "header_subvolumes", "header_subvolume_uuids"]

    private static func features(_ bytes: ArraySlice<UInt8>, _ names: [String]) throws(LXDError) -> [String] {
        var reader = ProtoReader(bytes)
        var found: [Int: Bool] = [:]
        while let (field, value) = try reader.next() { found[field] = try value.flag }
        return names.enumerated().filter { found[$0.offset + 1] == true }.map(\.element)
    }

    private static func message(_ features: [String], _ names: [String]) -> ProtoWriter {
        var message = ProtoWriter()
        for (index, name) in names.enumerated() { message.add(index + 1, features.contains(name)) }
        return message
    }
}

/// A range of ids: the ids from `namespaceID` on inside the container are those from `hostID` on on the source's disk.
struct MigrationIDRange: Sendable, Equatable {
    var isUID = false
    var isGID = false
    var hostID: Int64 = 0
    var namespaceID: Int64 = 0
    var range: Int64 = 0

    init(decoding bytes: ArraySlice<UInt8>) throws(LXDError) {
        var reader = ProtoReader(bytes)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: isUID = try value.flag
            case 2: isGID = try value.flag
            case 3: hostID = try value.integer
            case 4: namespaceID = try value.integer
            case 5: range = try value.integer
            default: continue
            }
        }
    }

    init(isUID: Bool, isGID: Bool, hostID: Int64, namespaceID: Int64, range: Int64) {
        self.isUID = isUID
        self.isGID = isGID
        self.hostID = hostID
        self.namespaceID = namespaceID
        self.range = range
    }

    var message: ProtoWriter {
        var writer = ProtoWriter()
        writer.add(1, isUID)
        writer.add(2, isGID)
        writer.add(3, hostID)
        writer.add(4, namespaceID)
        writer.add(5, range)
        return writer
    }
}

/// A snapshot as it travels: its own configuration then. Times are whole seconds since 1970.
struct MigrationSnapshot: Sendable, Equatable {
    var name = ""
    var config: [String: String] = [:]
    var devices: [String: [String: String]] = [:]
    var profiles: [String] = []
    var isEphemeral = false
    var architecture: Int64 = 0
    var isStateful = false
    var createdAt: Int64?
    var lastUsedAt: Int64?
    var expiresAt: Int64?

    init() {}

    init(decoding bytes: ArraySlice<UInt8>) throws(LXDError) {
        var reader = ProtoReader(bytes)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: name = try value.text
            case 2:
                let (key, text) = try Self.pair(value.content)
                config[key] = text
            case 3: profiles.append(try value.text)
            case 4: isEphemeral = try value.flag
            case 5:
                let (name, properties) = try Self.device(value.content)
                devices[name] = properties
            case 6: architecture = try value.integer
            case 7: isStateful = try value.flag
            case 8: createdAt = try value.integer
            case 9: lastUsedAt = try value.integer
            case 10: expiresAt = try value.integer
            default: continue
            }
        }
    }

    var message: ProtoWriter {
        var writer = ProtoWriter()
        writer.add(1, name)
        for (key, value) in config.sorted(by: { $0.key < $1.key }) { writer.add(2, Self.pair(key, value)) }
        for profile in profiles { writer.add(3, profile) }
        writer.add(4, isEphemeral)
        for (name, properties) in devices.sorted(by: { $0.key < $1.key }) {
            var device = ProtoWriter()
            device.add(1, name)
            for (key, value) in properties.sorted(by: { $0.key < $1.key }) { device.add(2, Self.pair(key, value)) }
            writer.add(5, device)
        }
        writer.add(6, architecture)
        writer.add(7, isStateful)
        if let createdAt { writer.add(8, createdAt) }
        if let lastUsedAt { writer.add(9, lastUsedAt) }
        if let expiresAt { writer.add(10, expiresAt) }
        return writer
    }

    private static func pair(_ key: String, _ value: String) -> ProtoWriter {
        var writer = ProtoWriter()
        writer.add(1, key)
        writer.add(2, value)
        return writer
    }

    private static func pair(_ bytes: ArraySlice<UInt8>) throws(LXDError) -> (String, String) {
        var reader = ProtoReader(bytes)
        var (key, text) = ("", "")
        while let (field, value) = try reader.next() {
            if field == 1 { key = try value.text }
            if field == 2 { text = try value.text }
        }
        return (key, text)
    }

    private static func device(_ bytes: ArraySlice<UInt8>) throws(LXDError) -> (String, [String: String]) {
        var reader = ProtoReader(bytes)
        var name = ""
        var properties: [String: String] = [:]
        while let (field, value) = try reader.next() {
            if field == 1 { name = try value.text }
            if field == 2 {
                let (key, text) = try pair(value.content)
                properties[key] = text
            }
        }
        return (name, properties)
    }
}

/// How it ended: sent by the target at the end, by either side when it cannot go on.
struct MigrationControl: Sendable, Equatable {
    /// Ours: what is said on the way, when a running instance moves; LXD passes over it.
    enum Step: String, Sendable {
        /// Nothing new.
        case alive
        /// Of the target: the instance is restored and stands still.
        case ready
        /// Of the source: it is decided, the instance is the target's.
        case go
        /// Of the target: the instance is plugged in here and about to run.
        case plugged
        /// Of the source, asked for its decision: there is none yet.
        case undecided
        /// The same: the instance stayed with the source.
        case kept
    }

    var isSuccess: Bool
    var message: String
    var step: Step?

    init(isSuccess: Bool, message: String = "") {
        self.isSuccess = isSuccess
        self.message = message
    }

    init(_ step: Step) {
        self.init(isSuccess: true)
        self.step = step
    }

    init(decoding bytes: [UInt8]) throws(LXDError) {
        var reader = ProtoReader(bytes[...])
        var success: Bool?
        message = ""
        while let (field, value) = try reader.next() {
            if field == 1 { success = try value.flag }
            if field == 2 { message = try value.text }
            if field == 4200 { step = Step(rawValue: try value.text) ?? .alive }
        }
        guard let success else { throw ProtoReader.malformed }
        isSuccess = success
    }

    var encoded: [UInt8] {
        var writer = ProtoWriter()
        writer.add(1, isSuccess)
        writer.add(2, message)
        if let step { writer.add(4200, step.rawValue) }
        return writer.bytes
    }
}
