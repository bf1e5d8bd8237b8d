package import LXDAPI
import LXDConfig
import LXDDatabase
import LXDRuntimePlan
import LXDStorage

/// How other servers reach and know this one.
package struct PeerIdentity: Sendable {
    let certificatePEM: String
    /// `HOST:PORT` each; none while the server does not listen on the network.
    let addresses: @Sendable () async -> [String]

    package init(certificatePEM: String, addresses: @escaping @Sendable () async -> [String]) {
        self.certificatePEM = certificatePEM
        self.addresses = addresses
    }
}

/// Copies and moves of instances between servers.
package final class MigrationService: Sendable {
    let environment: InstanceEnvironment
    let instances: InstanceService
    let lifecycle: InstanceLifecycle
    let operations: Operations
    let dialer: any OperationDialer
    let decisions: LiveDecisions
    let identity: PeerIdentity
    let faults: MigrationFaults
    let warnings: WarningService
    let memoryAhead = MemoryAheadNote()

    package init(
        environment: InstanceEnvironment, instances: InstanceService, lifecycle: InstanceLifecycle,
        operations: Operations,
        dialer: any OperationDialer, identity: PeerIdentity, faults: MigrationFaults,
        warnings: WarningService
    ) {
        self.environment = environment
        self.instances = instances
        self.lifecycle = lifecycle
        self.operations = operations
        self.dialer = dialer
        self.identity = identity
        self.faults = faults
        self.warnings = warnings
        decisions = LiveDecisions(store: environment.store, dialer: dialer, logger: environment.logger)
        operations.answer(at: decisions)
    }

    // MARK: Source

    /// What is asked of a source.
    package struct SourceRequest: Sendable {
        package var instance: InstanceKey
        /// Send this snapshot, as an instance of its own.
        package var snapshot: String?
        /// The running state is to go along.
        package var isLive = false
        package var instanceOnly = false
        package var isAllowInconsistent = false
        /// Push there; nil: the target comes and pulls.
        package var target: InstancePostTarget?

        package init(_ instance: InstanceKey, snapshot: String? = nil) {
            self.instance = instance
            self.snapshot = snapshot
        }
    }

    /// Starts sending an instance or a snapshot to another server.
    ///
    /// - Returns: The operation; its metadata has the secrets that the target needs when it pulls.
    package func startSending(_ request: SourceRequest, by requestor: EventLifecycleRequestor?) async throws
        -> Operation
    {
        let kind = request.snapshot == nil ? OperationKind.instanceMigrate : .snapshotTransfer
        _ = try await offer(of: request)  // What can be refused is refused before an operation starts.
        var isLive = false
        if request.isLive, request.snapshot == nil {
            isLive = await lifecycle.isRunning(request.instance)
        }
        if isLive { _ = try await liveTerms(of: environment.load(request.instance)) }
        var request = request
        request.isLive = isLive
        let asked = request
        let project = request.instance.project
        let resources = InstanceResources.of([request.instance.name])
        guard let target = request.target else {
            return try operations.startWebsocket(
                kind, project: project, resources: resources, 
                sockets: isLive ? MigrationConnection.offeredLiveSocketNames : MigrationConnection.socketNames, isCancellable: true,
                requestor: requestor, metadata: { $0.mapValues { .string($0) } }
            ) { [self] handle in
                try await send(asked, over: MigrationConnection(of: handle, isLive: asked.isLive), handle)
            }
        }
        guard (target.secrets["criu"] != nil) == isLive else {
            throw LXDError.badRequest(
                isLive
                    ? "The target server can't take a running instance; copy or move it with --stateless"
                    : "The target server expects a running instance, and this one doesn't run")
        }
        let remote = try RemoteOperation(url: target.operation, certificatePEM: target.certificate)
        let connection = try await MigrationConnection(to: remote, secrets: target.secrets, through: dialer)
        do {
            return try operations.start(
                kind, project: project, resources: resources, isCancellable: true, requestor: requestor
            ) { [self] handle in
                try await send(asked, over: connection, handle)
            }
        } catch {
            await connection.close(after: error)
            throw error
        }
    }

    private func send(_ request: SourceRequest, over connection: MigrationConnection, _ handle: OperationHandle)
        async throws
    {
        do {
            try await environment.locks.with(request.instance, .copy) {
                let report = TransferReport(ProgressSink { handle.progress($0, $1) })
                guard !request.isLive else {
                    try await noteMemoryAhead(request.instance, handle)
                    return try await sendLive(request, over: connection, report)
                }
                try await offer(of: request).send(over: connection, report)
            }
        } catch {
            await connection.close(after: error)
            throw error
        }
        await connection.close()
    }

    /// What an instance or a snapshot has to offer.
    func offer(of request: SourceRequest) async throws -> MigrationOffer {
        let key = request.instance
        let isInstanceOnly = request.instanceOnly || request.snapshot != nil
        let (instance, snapshots, backup, poolConfig) = try await environment.store.read { tx in
            let instance = try tx.loadInstance(key)
            let snapshots = try tx.snapshots(instanceID: instance.row.id).filter { $0.phase == .ready }
            if let name = request.snapshot, !snapshots.contains(where: { $0.name == name }) {
                throw LXDError.notFound("Instance snapshot not found")
            }
            return (
                instance, isInstanceOnly ? [] : snapshots,
                try tx.backupConfig(instance, status: .stopped, withSnapshots: true, only: request.snapshot),
                try tx.storagePool(instance.rootPool())?.config ?? [:]
            )
        }
        var header = MigrationHeader()
        header.predump = false
        header.snapshots = snapshots.map { MigrationSnapshot($0, of: instance) }
        header.snapshotNames = snapshots.map(\.name)
        var index = MigrationIndex(backup)
        index.keepSnapshots(header.snapshotNames)
        let isRunning = await lifecycle.isRunning(key)
        return MigrationOffer(
            header: header, index: index, pool: try await environment.pools.driver(instance.rootPool()),
            poolConfig: poolConfig, volume: try environment.volume(key, snapshot: request.snapshot),
            isRunning: isRunning && request.snapshot == nil, isAllowInconsistent: request.isAllowInconsistent)
    }
}

extension Transaction {
    /// What the index of a migration says of an instance, or of one of its snapshots as the instance it will be.
    fileprivate func backupConfig(
        _ instance: LoadedInstance, status: StatusCode, withSnapshots: Bool, only snapshot: String?
    ) throws -> BackupConfig {
        var config = try backupConfig(instance, status: status, withSnapshots: withSnapshots)
        if let snapshot {
            let volumeConfig = config.volumeSnapshots.first { $0.name == snapshot }?.config
            config.volume?.config = volumeConfig ?? [:]
            config.snapshots = []
            config.volumeSnapshots = []
        }
        return config
    }
}

extension MigrationSnapshot {
    init(_ row: SnapshotRow, of instance: LoadedInstance) {
        name = row.name
        config = row.config
        devices = row.devices
        profiles = instance.row.profiles
        isEphemeral = instance.row.ephemeral
        architecture = Int64(instance.row.architecture)
        isStateful = row.stateful
        createdAt = row.createdAt.seconds
        lastUsedAt = (instance.row.lastUsedAt ?? .epoch).seconds
        expiresAt = (row.expiresAt ?? .zero).seconds
    }

    /// The row of a snapshot that has arrived with an instance.
    ///
    /// - Parameter own: What stands for the snapshot's configuration when an old server sent only its name.
    func row(of target: LoadedInstance) throws -> SnapshotRow {
        let isBare = createdAt == nil && config.isEmpty && devices.isEmpty
        var row = SnapshotRow(
            instanceID: target.row.id, name: name,
            createdAt: createdAt.map { LXDTime(seconds: $0) } ?? target.row.createdAt)
        row.config = isBare ? target.row.config : config
        row.devices = isBare ? target.row.devices : devices
        if let root = rootDisk(row.devices) { row.devices[root.name]?["pool"] = try target.rootPool() }
        if let expiresAt, expiresAt > 0 { row.expiresAt = LXDTime(seconds: expiresAt) }
        row.phase = .creating
        return row
    }
}

extension MigrationIDRange {
    /// - Throws: `badRequest` for numbers that are no ids.
    var entry: IDMapEntry {
        get throws(LXDError) {
            guard let host = UInt32(exactly: hostID), let inside = UInt32(exactly: namespaceID),
                let count = UInt32(exactly: range), count > 0
            else { throw .badRequest("The other server sent an invalid id map") }
            return IDMapEntry(isUID: isUID, isGID: isGID, hostID: host, namespaceID: inside, range: count)
        }
    }
}
