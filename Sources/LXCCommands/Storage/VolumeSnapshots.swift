import LXDAPI
import LXDClient

struct VolumeSnapshot: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "Snapshot storage volumes", usage: "[<remote>:]<pool> <volume> [<snapshot>]")
    static let argumentCount = 2...3
    static let examples = """
        lxc storage volume snapshot default data before-upgrade
            Keep a volume as it is now.
        """

    @Flag(help: "Ignore any configured auto-expiry for the storage volume") var noExpiry = false
    @Flag(help: "If the snapshot name already exists, delete and create a new one") var reuse = false
    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], target: target, session)
        guard volume.type == "custom" else { throw CommandFailure("Only \"custom\" volumes can be snapshotted") }
        _ = try await volume.load()
        let name = arguments.count > 2 ? arguments[2] : ""
        if reuse, !name.isEmpty, await exists(name, volume) {
            try await volume.server.deleteVolumeSnapshot(volume.pool, volume.type, volume.name, name).wait()
        }
        let request = StorageVolumeSnapshotsPost.with {
            $0.name = name
            if noExpiry { $0.expiresAt = .zero }
        }
        try await volume.server.createVolumeSnapshot(volume.pool, volume.type, volume.name, request).wait()
    }

    /// A snapshot that cannot be read is treated as absent: creating it then says why.
    private func exists(_ name: String, _ volume: VolumeReference) async -> Bool {
        (try? await volume.loadSnapshot(name)) != nil
    }
}

struct VolumeRestore: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Restore storage volume snapshots",
        usage: "[<remote>:]<pool> <volume> <snapshot>")
    static let argumentCount = 3...3
    static let examples = """
        lxc storage volume restore default data before-upgrade
            Bring a volume back to what it was.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: StorageGroup.missingName)
        let server = resource.server.using(target: target)
        let current = try await server.storageVolume(resource.name, "custom", arguments[1])
        try await server.updateStorageVolume(
            resource.name, "custom", arguments[1], .with { $0.restore = arguments[2] }, etag: current.etag)
    }
}

struct VolumeRename: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Rename storage volumes and storage volume snapshots",
        usage: "[<remote>:]<pool> <old name>[/<old snapshot name>] <new name>[/<new snapshot name>]",
        discussion: "Rename storage volumes")
    static let argumentCount = 3...3
    static let examples = """
        lxc storage volume rename default data archive
            Give a volume another name.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], target: target, session)
        guard let snapshot = volume.snapshot else {
            try await volume.server.renameStorageVolume(volume.pool, volume.type, volume.name, to: arguments[2])
            return session.say("Renamed storage volume from \"\(volume.name)\" to \"\(arguments[2])\"")
        }
        let parts = arguments[2].split(once: "/")
        guard (parts?.head ?? arguments[2]) == volume.name else {
            throw CommandFailure("Invalid new snapshot name, parent volume must be the same as source")
        }
        guard let newName = parts?.tail else { throw CommandFailure("Invalid new snapshot name") }
        try await volume.server.renameVolumeSnapshot(volume.pool, volume.type, volume.name, snapshot, to: newName)
            .wait()
        Standard.output("Renamed storage volume from \"\(volume.fullName)\" to \"\(newName)\"\n")
    }
}
