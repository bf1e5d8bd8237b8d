import FoundationEssentials
import LXDAPI
import LXDDatabase

/// The frame that goes before the contents: everything that describes what is sent, in JSON with LXD's Go names.
struct MigrationIndex: WireValue, Equatable {
    /// Longest frame that is read.
    static let bytesMax = 64 << 20

    struct Config: WireValue, Equatable {
        @OmitEmpty var container: Instance?
        @OmitEmpty var snapshots: [InstanceSnapshot]
        @OmitEmpty var pool: StoragePool?
        @OmitEmpty var profiles: [Profile]
        @OmitEmpty var volume: StorageVolume?
        @OmitEmpty var volumeSnapshots: [StorageVolumeSnapshot]

        init() {}

        private enum CodingKeys: String, CodingKey {
            case container = "Container"
            case snapshots = "Snapshots"
            case pool = "Pool"
            case profiles = "Profiles"
            case volume = "Volume"
            case volumeSnapshots = "VolumeSnapshots"
        }
    }

    @Zero var config: Config?

    init() {}

    /// What the backup file of an instance says.
    init(_ backup: BackupConfig) {
        config = .with {
            $0.container = backup.container
            $0.snapshots = backup.snapshots
            $0.pool = backup.pool
            $0.profiles = backup.profiles
            $0.volume = backup.volume
            $0.volumeSnapshots = backup.volumeSnapshots
        }
    }

    private enum CodingKeys: String, CodingKey { case config }

    /// The volume's configuration on the source.
    var volumeConfig: [String: String] { config?.volume?.config ?? [:] }

    func volumeSnapshot(_ name: String) -> StorageVolumeSnapshot? { config?.volumeSnapshots.first { $0.name == name } }

    /// Leaves out the snapshots that are not sent.
    mutating func keepSnapshots(_ names: [String]) { config?.volumeSnapshots.removeAll { !names.contains($0.name) } }
}

/// The target's word that it has read the frame.
struct MigrationIndexReceipt: WireValue, Equatable {
    static let bytesMax = 1 << 20

    @Zero var statusCode: Int
    @Zero var error: String
    @Zero var refresh: Bool?

    init() {}

    private enum CodingKeys: String, CodingKey {
        case statusCode = "StatusCode"
        case error = "Error"
        case refresh = "Refresh"
    }
}

extension SocketChannel {
    func send(_ index: MigrationIndex) async throws {
        try await write(Array(LXDJSON.encode(index)))
        try await finish()
        let receipt: MigrationIndexReceipt = try LXDJSON.decode(
            from: await readStream(limit: MigrationIndexReceipt.bytesMax))
        guard receipt.statusCode == 200 else {
            throw LXDError.internalError("Failed negotiating migration options: \(receipt.error)")
        }
    }

    func receiveIndex(isRefresh: Bool) async throws -> MigrationIndex {
        let bytes = try await readStream(limit: MigrationIndex.bytesMax)
        let index: MigrationIndex
        do { index = try LXDJSON.decode(from: bytes) } catch {
            throw LXDError.from(error).wrapped("Failed decoding migration index header")
        }
        try await write(
            Array(
                LXDJSON.encode(
                    MigrationIndexReceipt.with {
                        $0.statusCode = 200
                        $0.refresh = isRefresh
                    })))
        try await finish()
        return index
    }
}
