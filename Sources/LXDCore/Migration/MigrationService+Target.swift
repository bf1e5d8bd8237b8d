package import LXDAPI
import LXDConfig
import LXDDatabase
import LXDStorage

/// What a request says about where a migrated instance comes from.
package struct MigrationSource: Sendable {
    /// Nil: the source comes to us.
    package let remote: RemoteOperation?
    package let secrets: [String: String]
    package let isRefresh: Bool
    /// It moves while it runs.
    package let isLive: Bool

    init(_ source: InstanceSource) throws {
        switch source.mode {
        case "pull": remote = try RemoteOperation(url: source.operation, certificatePEM: source.certificate)
        case "push": remote = nil
        default: throw LXDError.notImplemented("Mode \(goQuoted(source.mode)) not implemented")
        }
        isLive = source.live || source.secrets["criu"] != nil
        secrets = source.secrets
        isRefresh = source.refresh
        guard !isLive || !isRefresh else { throw LXDError.badRequest("A running instance can't be refreshed with its state") }
        if remote != nil {
            for name in isLive ? MigrationConnection.liveSocketNames : MigrationConnection.socketNames where secrets[name] == nil {
                throw LXDError.internalError("Missing \(name) secret")
            }
        }
    }
}

extension MigrationService {
    /// Starts receiving an instance from another server.
    ///
    /// - Returns: The operation; its metadata has the secrets that the source needs when it pushes.
    package func startReceiving(
        _ plan: CreatePlan, from source: MigrationSource, by requestor: EventLifecycleRequestor?
    ) async throws -> Operation {
        var plan = plan
        let key = plan.key
        var isRefresh = source.isRefresh
        if isRefresh {
            isRefresh =
                try await environment.store.read { try $0.instance(project: key.project, name: key.name) } != nil
        }
        if isRefresh {
            guard await !lifecycle.isRunning(key) else {
                throw LXDError.internalError("Failed getting exclusive access to instance: Instance is running")
            }
        } else {
            plan.row.config[VolatileKeys.applyTemplate] = source.isLive ? nil : "copy"
            // Files arrive with the ids that the container sees.
            plan.row.config["volatile.last_state.idmap"] = nil
            // What is refused is refused before anything is sent to another server.
            try await instances.checkInsert(plan.row, .importBackup)
            if source.isLive { try await requireLive(plan.row.project) }
        }
        let resources = InstanceResources.of([key.name])
        let (finalPlan, updates) = (plan, isRefresh)
        guard let remote = source.remote else {
            return try operations.startWebsocket(
                .instanceCreate, project: key.project, resources: resources, 
                sockets: source.isLive ? MigrationConnection.offeredLiveSocketNames : MigrationConnection.socketNames,
                isCancellable: true, requestor: requestor, metadata: { $0.mapValues { .string($0) } }
            ) { [self] handle in
                try await receive(finalPlan, source, isRefresh: updates, handle) {
                    try await MigrationConnection(of: handle, isLive: source.isLive)
                }
            }
        }
        return try operations.start(
            .instanceCreate, project: key.project, resources: resources, isCancellable: true, requestor: requestor
        ) { [self] handle in
            try await receive(finalPlan, source, isRefresh: updates, handle) { [dialer] in
                try await MigrationConnection(to: remote, secrets: source.secrets, through: dialer)
            }
        }
    }

    private func receive(
        _ plan: CreatePlan, _ source: MigrationSource, isRefresh: Bool, _ handle: OperationHandle,
        connect: @escaping @Sendable () async throws -> MigrationConnection
    ) async throws {
        do {
            if source.isLive {
                let rest = try await environment.locks.with(plan.key, .create) { try await createLive(plan, handle, connect) }
                return try await rest()
            }
            try await environment.locks.with(plan.key, isRefresh ? .copy : .create) {
                if isRefresh {
                    try await refresh(plan, handle, connect)
                } else {
                    try await create(plan, handle, connect)
                }
            }
        } catch let error as LXDError {
            throw error.wrapped("Error transferring instance data")
        }
    }

    private func create(
        _ plan: CreatePlan, _ handle: OperationHandle, _ connect: @Sendable () async throws -> MigrationConnection
    ) async throws {
        let instance = try await instances.insert(
            plan.row, baseImage: plan.row.config[VolatileKeys.baseImage] ?? "", .importBackup)
        try await withUndo(environment.logger) { undo in
            undo.add("instance \(instance.runtimeName)") { [environment] in
                try await environment.removeEverything(of: instance)
            }
            try await take(instance, isRefresh: false, handle, connect, choose: { $0 }) { [lifecycle, environment] in
                try await lifecycle.devicesJoined(instance)
                try await environment.store.write { tx in
                    for row in try tx.snapshots(instanceID: instance.row.id) {
                        try tx.setSnapshotPhase(id: row.id, .ready)
                    }
                    try tx.setInstancePhase(id: instance.row.id, .ready)
                }
            }
        }
        try await environment.writeBackupFile(instance.key)
        environment.announce(
            .instanceCreated, instance.key, by: handle.requestor,
            context: ["type": .string("container"), "storage-pool": .string(try instance.rootPool())])
    }

    private func refresh(
        _ plan: CreatePlan, _ handle: OperationHandle, _ connect: @Sendable () async throws -> MigrationConnection
    ) async throws {
        let instance = try await environment.load(plan.key)
        guard await !lifecycle.isRunning(plan.key) else {
            throw LXDError.internalError("Failed getting exclusive access to instance: Instance is running")
        }
        try await withUndo(environment.logger) { undo in
            undo.add("snapshots of \(instance.runtimeName)") { [environment] in
                try await environment.removeUnfinishedSnapshots(of: instance)
            }
            try await take(
                instance, isRefresh: true, handle, connect,
                choose: { [environment] offered in
                    let present = try await environment.store.read { try $0.snapshots(instanceID: instance.row.id) }
                    let changes = SnapshotChanges(
                        source: offered.map { ($0.name, $0.createdAt ?? 0) },
                        target: present.map { ($0.name, $0.createdAt.seconds) })
                    for row in present where changes.obsolete.contains(row.name) {
                        try await environment.removeSnapshot(row, of: instance)
                    }
                    return offered.filter { changes.missing.contains($0.name) }
                }
            ) { [environment] in
                try await environment.store.write { tx in
                    for row in try tx.snapshots(instanceID: instance.row.id) where row.phase == .creating {
                        try tx.setSnapshotPhase(id: row.id, .ready)
                    }
                    try tx.mergeInstanceConfig(id: instance.row.id, [VolatileKeys.applyTemplate: "copy"])
                }
            }
        }
        try await environment.writeBackupFile(instance.key)
    }

    /// Takes a running instance with its state, and lets it go on here.
    ///
    /// - Returns: What is left to do while it runs and can be used: its memory may still be on its way.
    private func createLive(
        _ plan: CreatePlan, _ handle: OperationHandle, _ connect: @Sendable () async throws -> MigrationConnection
    ) async throws -> @Sendable () async throws -> Void {
        let instance = try await instances.insert(
            plan.row, baseImage: plan.row.config[VolatileKeys.baseImage] ?? "", .importBackup)
        let rest: @Sendable () async throws -> Void
        do {
            let intake = try await intake(instance, isRefresh: false, choose: { $0 }, commit: {})
            let connection = try await connect()
            let live = LiveTarget(
                self, over: connection, intake, TransferReport(ProgressSink { handle.progress($0, $1) }))
            @Sendable func closing(_ body: () async throws -> Void) async throws {
                do { try await body() } catch {
                    await connection.close(after: error)
                    throw error
                }
            }
            try await closing { try await live.run(instance) }
            rest = {
                try await closing { try await live.finish() }
                await connection.close()
            }
        } catch {
            try await forgetArrival(instance)
            throw error
        }
        do { try await environment.writeBackupFile(instance.key) } catch {
            try await rest()
            throw error
        }
        environment.announce(
            .instanceCreated, instance.key, by: handle.requestor,
            context: ["type": .string("container"), "storage-pool": .string(try instance.rootPool())])
        environment.announce(.instanceStarted, instance.key, by: handle.requestor)
        return rest
    }

    private func intake(
        _ instance: LoadedInstance, isRefresh: Bool,
        choose: @escaping @Sendable ([MigrationSnapshot]) async throws -> [MigrationSnapshot],
        commit: @escaping @Sendable () async throws -> Void
    ) async throws -> MigrationIntake {
        let poolName = try instance.rootPool()
        return MigrationIntake(
            pool: try await environment.pools.driver(poolName),
            poolConfig: try await environment.store.read { try $0.storagePool(poolName)?.config ?? [:] },
            volume: try environment.volume(instance.key), isRefresh: isRefresh,
            hasImage: environment.imagesVisible(in: instance.project),
            choose: choose,
            prepare: { [instances] snapshots, index in
                try await instances.insertArriving(snapshots, of: instance, index, isRefresh: isRefresh)
            },
            commit: commit)
    }

    /// Connects and takes what the source sends.
    private func take(
        _ instance: LoadedInstance, isRefresh: Bool, _ handle: OperationHandle,
        _ connect: @Sendable () async throws -> MigrationConnection,
        choose: @escaping @Sendable ([MigrationSnapshot]) async throws -> [MigrationSnapshot],
        commit: @escaping @Sendable () async throws -> Void
    ) async throws {
        let intake = try await intake(instance, isRefresh: isRefresh, choose: choose, commit: commit)
        let connection = try await connect()
        do {
            try await intake.receive(over: connection, TransferReport(ProgressSink { handle.progress($0, $1) }))
        } catch {
            await connection.close(after: error)
            throw error
        }
        await connection.close()
    }
}

/// Which snapshots a refresh has to fetch and which to remove: those that are not there, and those of one name and
/// another time. Times are compared in seconds: more does not travel.
struct SnapshotChanges: Equatable {
    let missing: Set<String>
    let obsolete: Set<String>

    init(source: [(name: String, seconds: Int64)], target: [(name: String, seconds: Int64)]) {
        let wanted = Dictionary(source.map { ($0.name, $0.seconds) }) { first, _ in first }
        let present = Dictionary(target.map { ($0.name, $0.seconds) }) { first, _ in first }
        missing = Set(wanted.filter { present[$0.key] != $0.value }.keys)
        obsolete = Set(present.filter { wanted[$0.key] != $0.value }.keys)
    }
}

extension InstanceService {
    /// Throws what ``insert(_:baseImage:_:)`` would throw now.
    func checkInsert(_ row: InstanceRow, _ way: ConfigGate.Way) async throws {
        do {
            try await environment.store.read { [gate] tx in
                guard try tx.instance(project: row.project, name: row.name) == nil else {
                    throw LXDError.conflict("Instance \(goQuoted(row.name)) already exists")
                }
                _ = try gate.admit(row, replacing: nil, way, tx)
            }
        } catch {
            throw LXDError.from(error).wrapped("Failed creating instance record")
        }
    }

    /// Writes the rows of snapshots that arrive with an instance, and of their volumes.
    ///
    /// What they hold becomes the instance's own when one is restored, so it is checked like the instance's.
    func insertArriving(
        _ snapshots: [MigrationSnapshot], of instance: LoadedInstance, _ index: MigrationIndex, isRefresh: Bool
    ) async throws {
        try await environment.store.write { tx in
            let volume = try tx.storageVolume(
                pool: instance.rootPool(), project: instance.project, kind: .container, name: instance.name)
            if var volume, !isRefresh {
                volume.config = Self.knownVolumeKeys(index.volumeConfig, of: instance.name)
                try tx.updateStorageVolume(volume)
            }
            for snapshot in snapshots {
                let row = try snapshot.row(of: instance)
                do {
                    try InstanceKeys.validate(row.config)
                    try tx.admitToProject(snapshot: row.config, row.devices, of: instance)
                } catch {
                    throw LXDError.from(error).wrapped(
                        "Failed creating instance snapshot record \(goQuoted(instance.name + "/" + row.name))")
                }
                try tx.insertSnapshot(row)
                guard let volume else { continue }
                let described = index.volumeSnapshot(snapshot.name)
                var copy = VolumeSnapshotRow(volumeID: volume.id, name: snapshot.name)
                copy.config = Self.knownVolumeKeys(described?.config ?? index.volumeConfig, of: instance.name)
                copy.createdAt = row.createdAt
                try tx.insertStorageVolumeSnapshot(copy)
            }
        }
    }

    /// Keys of the drivers of other pools mean nothing here.
    static func knownVolumeKeys(_ config: [String: String], of volume: String) -> [String: String] {
        config.filter { (try? VolumeKeys.validate([$0.key: $0.value], volume: volume, isCustom: false)) != nil }
    }
}

extension InstanceEnvironment {
    /// Tells whether a project has an image, so that a copy may share what the pool keeps of it.
    func imagesVisible(in project: String) -> @Sendable (_ fingerprint: String) async -> Bool {
        { [store] fingerprint in
            // A failing database is found out by whoever writes next.
            (try? await store.read { tx in
                try tx.image(project: tx.effectiveProject(project, .images), fingerprint: fingerprint) != nil
            }) ?? false
        }
    }

    /// Removes a snapshot's volume and rows.
    func removeSnapshot(_ snapshot: SnapshotRow, of instance: LoadedInstance) async throws {
        try await store.writeForRemoval { try $0.setSnapshotPhase(id: snapshot.id, .deleting) }
        try await pools.driver(instance.rootPool()).delete(volume(instance.key, snapshot: snapshot.name))
        try await store.writeForRemoval { try $0.removeSnapshotRows(snapshot, of: instance) }
    }

    /// Removes the snapshots that a copy had begun to add.
    func removeUnfinishedSnapshots(of instance: LoadedInstance) async throws {
        let rows = try await store.read {
            try $0.snapshots(instanceID: instance.row.id).filter { $0.phase == .creating }
        }
        for row in rows.reversed() { try await removeSnapshot(row, of: instance) }
    }
}
