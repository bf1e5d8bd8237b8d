import LXDAPI
import LXDClient

/// Brings a volume to another name, pool, project or server.
struct VolumeTransfer {
    private let session: Session
    private let mode: String
    private let volume: StorageVolume
    private let source: (pool: String, server: ServerConnection)
    private let destination: (pool: String, name: String, server: ServerConnection)

    /// - Parameters:
    ///   - words: Source and destination as the person names them.
    ///   - project: The project of the destination; empty for that of its remote.
    init(
        _ words: [String], _ member: String, _ destinationMember: String, _ project: String, _ mode: String,
        _ session: Session
    ) async throws {
        self.session = session
        self.mode = mode.isEmpty ? "pull" : mode
        let from = try session.named(words[0], orFail: "Missing source volume name")
        let to = try session.resource(words[1])
        guard let (sourcePool, sourceName) = from.name.split(once: "/") else {
            throw CommandFailure("No storage pool for source volume specified")
        }
        guard let (destinationPool, destinationName) = to.name.split(once: "/") else {
            throw CommandFailure("No storage pool for target volume specified")
        }
        let staysHere = from.remote == to.remote
        guard staysHere || destinationMember.isEmpty else {
            throw CommandFailure("Cannot use --destination-target when copying to another remote")
        }
        let server = from.server.using(target: member)
        let parts = sourceName.split(once: "/")
        var volume = try await server.storageVolume(sourcePool, "custom", parts?.head ?? sourceName).value
        if let snapshotName = parts?.tail {
            let snapshot = try await server.volumeSnapshot(sourcePool, "custom", volume.name, snapshotName).value
            volume.name = sourceName
            volume.config = snapshot.config
            volume.description = snapshot.description
        }
        self.volume = volume
        let location = try await server.isClustered() ? volume.location : ""
        source = (sourcePool, server.using(target: member.isEmpty ? location : member))
        var target = to.server
        if staysHere { target = target.using(target: destinationMember.isEmpty ? location : destinationMember) }
        if !project.isEmpty { target = target.using(project: project) }
        destination = (destinationPool, destinationName, target)
    }

    private var isLocal: Bool {
        source.server.isSameServer(as: destination.server) && source.server.target == destination.server.target
    }

    func copy(volumeOnly: Bool, refresh: Bool, progressText: String) async throws {
        let request = StorageVolumesPost.with {
            $0.writable = .with {
                $0.config = volume.config
                $0.description = volume.description
            }
            $0.name = destination.name
            $0.type = volume.type
            $0.contentType = volume.contentType
            $0.source.name = volume.name
            $0.source.type = "copy"
            $0.source.pool = source.pool
            $0.source.volumeOnly = volumeOnly
            $0.source.refresh = refresh
        }
        let (from, to) = (source, destination)
        if isLocal {
            let operation = try await to.server.copyStorageVolume(
                to.pool,
                .with {
                    $0 = request
                    if to.server.project != from.server.project {
                        $0.source.project = from.server.project.isEmpty ? "default" : from.server.project
                    }
                })
            try await session.wait(operation, showing: session.renderer(progressText))
            return
        }
        let transfer = ServerTransfer(
            session: session, mode: mode, from: from.server, to: to.server, progressText: progressText,
            pullFailure: "Failed storage volume creation", pushFailure: "Failed storage volume migration")
        let name = volume.name
        _ = try await transfer.run { source in
            try await to.server.copyStorageVolume(
                to.pool,
                .with {
                    $0 = request
                    $0.source.type = "migration"
                    $0.source.mode = source.mode
                    $0.source.operation = source.operation
                    $0.source.secrets = source.secrets
                    $0.source.certificate = source.certificate
                })
        } send: { target in
            try await from.server.moveStorageVolume(
                from.pool, "custom", name,
                .with {
                    $0.migration = true
                    $0.name = name
                    $0.pool = from.pool
                    $0.volumeOnly = volumeOnly
                    $0.target = target.map { target in
                        .with {
                            $0.operation = target.operation
                            $0.secrets = target.secrets
                            $0.certificate = target.certificate
                        }
                    }
                })
        }
    }

    /// A server moves its own volumes itself; anything else is a copy, and the source is deleted when that has worked.
    func move() async throws {
        let progressText = "Moving the storage volume: %s"
        if isLocal {
            let operation = try await source.server.moveStorageVolume(
                source.pool, volume.type, volume.name,
                .with {
                    $0.name = destination.name
                    $0.pool = destination.pool
                    if destination.server.project != source.server.project { $0.project = destination.server.project }
                })
            try await session.wait(operation, showing: session.renderer(progressText))
            return
        }
        try await copy(volumeOnly: false, refresh: false, progressText: progressText)
        try await addingContext("Failed deleting source volume after copy") {
            if let (parent, snapshot) = volume.name.split(once: "/") {
                try await source.server.deleteVolumeSnapshot(source.pool, volume.type, parent, snapshot).wait()
            } else {
                try await source.server.deleteStorageVolume(source.pool, volume.type, volume.name)
            }
        }
    }
}
