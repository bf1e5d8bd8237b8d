import Foundation
import LXDAPI
import LXDAuth
import LXDCore
import LXDDatabase
import LXDDevices
import LXDImageServers
import LXDImages
import LXDLinux
import LXDNetwork
import LXDRuntime
import LXDServer
import LXDStorage
import Logging

/// All objects of the daemon and how they hang together. Nothing here decides anything.
final class DaemonGraph: Sendable {
    let api: APIServer
    let listeners: Listeners

    private let logger: Logger
    private let store: Store
    private let events: Events
    private let operations: Operations
    private let trust: TrustDirectory
    private let warnings: WarningService
    private let server: ServerService
    private let storage: StorageService
    private let networks: NetworkService
    private let images: ImageService
    private let imageMaintenance: ImageMaintenance
    private let snapshots: SnapshotService
    private let backups: BackupService
    private let volumeBackups: VolumeBackupService
    private let volumes: VolumeService
    private let instances: InstanceService
    private let lifecycle: InstanceLifecycle
    private let migrations: MigrationService
    private let runtime: ContainerRuntime
    private let checkpoints: CheckpointSupport
    private let timers = Timers()

    init(paths: DaemonPaths, events: Events, logger: Logger, control: Control, isVerbose: Bool) async throws {
        self.logger = logger
        self.events = events
        let identity = try KeyPair.loadOrMake(.server, name: "server", in: paths.root, addsHosts: true)
        let fingerprint = try CertificateFacts(pem: identity.certificatePEM).fingerprint
        do {
            store = try Store(path: paths.databaseFile)
        } catch {
            throw LXDError.internalError("Failed to open the database \(paths.databaseFile): \(error)", cause: error)
        }
        let announce = Announcer { project, event in events.publish(lifecycle: event, project: project) }
        operations = Operations(events: events, logger: logger)
        let authority = try CertificateAuthority.load(from: paths.root)
        if authority != nil { logger.info("LXD is in CA mode, only CA-signed certificates will be allowed") }
        trust = TrustDirectory(authority: authority)
        warnings = WarningService(store: store, announce: announce)

        let archive = try ArchiveTool.located()
        let links = LinkFolders(containers: paths.containers, snapshots: paths.snapshots)
        let btrfsVersion = await BtrfsDriver.probe()
        storage = StorageService(store: store, warnings: warnings, announce: announce, logger: logger) { pool in
            let (name, place) = (try PoolName(pool.name), paths.storagePool(pool.name))
            switch pool.driver {
            case DirDriver.name: return DirDriver(name: name, path: place, links: links, archive: archive, log: logger)
            case BtrfsDriver.name where btrfsVersion != nil:
                return BtrfsDriver(
                    name: name, path: place, disks: paths.disks, links: links, config: pool.config, archive: archive, log: logger)
            default: throw LXDError.badRequest("Error loading \(goQuoted(pool.driver)) driver: unknown storage driver")
            }
        }
        images = ImageService(
            store: store, storage: storage, announce: announce, paths: paths, reader: ImageReader(tool: archive),
            servers: ImageServers(
                userAgent: "LXD \(serverVersion)", environment: ProcessInfo.processInfo.environment,
                cache: StreamCache(directory: paths.cache, lifetimeSeconds: 3600)), logger: logger)
        imageMaintenance = ImageMaintenance(images: images, operations: operations, logger: logger)
        let networkEnvironment = try NetworkEnvironment(
            directory: paths.networks, addressSeed: fingerprint, logger: logger, isVerbose: isVerbose)
        networks = NetworkService(
            store: store, environment: networkEnvironment, warnings: warnings, announce: announce, logger: logger)

        runtime = try ContainerRuntime(
            helperPath: Programs.helper(), stateDirectory: paths.containers, runDirectory: paths.run + "/containers", logger: logger)
        let features = try await runtime.features()
        let cgroups = try CgroupTree()
        let host = StartHost.probe(paths: paths, tree: cgroups, logLevel: isVerbose ? "debug" : "warn")
        let facts = HostFacts()
        let environment = InstanceEnvironment(
            store: store, paths: paths, pools: storage, images: images, announce: announce, logger: logger,
            hostIDs: IDMapSet.HostRange.probe(), hostLimits: host.limits)
        checkpoints = CheckpointSupport(
            helperPath: try Programs.helper(), folder: paths.run + "/criu-selftest", cacheDirectory: paths.run + "/containers",
            hostIDs: environment.hostIDs, logger: logger)
        let engine = RuntimeEngine(runtime, checkpoints: checkpoints)
        let devices = DeviceHost(
            store: store, paths: paths,
            environment: DeviceEnvironment(
                networks: ManagedNetworks(networks: networks, firewall: networkEnvironment.firewall, logger: logger),
                storage: CustomVolumes(store: store, pools: storage)), engine: engine)
        lifecycle = InstanceLifecycle(
            environment: environment, engine: engine, devices: devices, templates: InstanceTemplates(), host: host)
        let gate = ConfigGate(
            devices: devices, hostIDs: environment.hostIDs,
            architectures: try facts.architectures.map { try Architectures.named($0).id },
            isUnprivilegedOnly: isTrue(ProcessInfo.processInfo.environment["LXD_UNPRIVILEGED_ONLY"]))
        instances = InstanceService(environment: environment, gate: gate, lifecycle: lifecycle)
        snapshots = SnapshotService(environment: environment, instances: instances, lifecycle: lifecycle)
        let snapshotsAtStart = snapshots
        lifecycle.beforeStart { try await snapshotsAtStart.createAtStart($0) }

        server = ServerService(
            store: store, announce: announce, facts: facts, certificatePEM: identity.certificatePEM,
            certificateFingerprint: fingerprint, version: serverVersion, hostFeatures: features, checkpoints: checkpoints,
            storageDrivers: ([(DirDriver.name, "1")] + (btrfsVersion.map { [(BtrfsDriver.name, $0)] } ?? [])).map { name, version in
                .with {
                    $0.name = name
                    $0.version = version
                }
            }, daemonVolumes: DaemonVolumes(store: store, storage: storage, paths: paths))
        let server = server
        backups = BackupService(
            environment: environment, instances: instances, lifecycle: lifecycle, archive: BackupArchive(tool: archive)
        ) { server.config["backups.compression_algorithm"] ?? "gzip" }
        let publisher = ImagePublisher(
            environment: environment, lifecycle: lifecycle, images: images, packer: ImagePacker(tool: archive)
        ) { server.config["images.compression_algorithm"] ?? "gzip" }
        let lifecycle = lifecycle
        let migrations = MigrationService(
            environment: environment, instances: instances, lifecycle: lifecycle, operations: operations, dialer: PeerDialer(),
            identity: PeerIdentity(certificatePEM: identity.certificatePEM) { await server.networkAddresses() },
            faults: MigrationFaults(environment: ProcessInfo.processInfo.environment, logger: logger), warnings: warnings)
        self.migrations = migrations
        volumes = VolumeService(store: store, storage: storage, announce: announce) { await lifecycle.isRunning($0) }
        let volumes = volumes
        volumeBackups = VolumeBackupService(
            volumes: volumes, archive: BackupArchive(tool: archive), paths: paths, logger: logger
        ) { server.config["backups.compression_algorithm"] ?? "gzip" }
        let certificates = CertificateService(
            store: store, trust: trust, operations: operations, settings: server, announce: announce,
            hashing: BlockingPool(threadCountMax: 2))

        let reader = runtime
        api = APIServer(
            groups: [
                ServerRoutes(server: server, resources: HostResources(machine: facts.machine)),
                ProfileRoutes(profiles: ProfileService(store: store, instances: instances, announce: announce)),
                ProjectRoutes(
                    projects: ProjectService(store: store, announce: announce) { [trust, store] in
                        _ = try await trust.reload(from: store)
                    }, operations: operations),
                ImageRoutes(images: images, publisher: publisher, operations: operations),
                ImageAliasRoutes(images: images),
                NetworkRoutes(networks: networks),
                StoragePoolRoutes(storage: storage),
                StorageVolumeRoutes(
                    volumes: volumes,
                    migrations: VolumeMigrations(
                        volumes: volumes, operations: operations, dialer: PeerDialer(), logger: logger),
                    backups: volumeBackups, operations: operations),
                StorageVolumeBackupRoutes(volumes: volumes, backups: volumeBackups, operations: operations),
                WarningRoutes(warnings: warnings),
                CertificateRoutes(certificates: certificates),
                EventRoutes(events: events),
                OperationRoutes(operations: operations),
                InstanceRoutes(
                    instances: instances, snapshots: snapshots, backups: backups, lifecycle: lifecycle,
                    migrations: migrations, operations: operations),
                InstanceStateRoutes(instances: instances, lifecycle: lifecycle, operations: operations),
                InstanceSnapshotRoutes(snapshots: snapshots, migrations: migrations, operations: operations),
                InstanceBackupRoutes(backups: backups, operations: operations),
                InstanceMetadataRoutes(metadata: InstanceMetadataService(environment: environment)),
                InstanceExecRoutes(
                    exec: ExecService(environment: environment, runtime: runtime, operations: operations),
                    console: ConsoleService(environment: environment, runtime: runtime, operations: operations)),
                InstanceFileRoutes(files: FileService(environment: environment, runtime: runtime)),
                InstanceLogRoutes(logs: InstanceLogService(environment: environment)),
                MetricsRoutes(
                    metrics: MetricsService(environment: environment, lifecycle: lifecycle, operations: operations) { names in
                        await BlockingPool.shared.run { reader.metrics(of: names) }
                    }),
                InternalRoutes(control: control, store: store, warnings: warnings),
            ], trust: trust, logger: logger)
        listeners = try Listeners(api: api, identity: identity, authority: authority, trust: trust, logger: logger)
    }

    /// Makes everything ready that requests need: pools, networks, what runs already.
    func start() async throws {
        for name in try await trust.reload(from: store) {
            logger.warning("A trusted certificate cannot be read and is not trusted", metadata: ["name": "\(name)"])
        }
        let effects = ConfigEffects(listeners: listeners, images: imageMaintenance)
        try await server.start(effects: effects)
        await effects.configChanged(server.config)
        let store = store
        try await storage.start { pool in try await KnownVolumes.of(pool, store) }
        try await networks.start()
        let committed = try await migrations.committedNames()
        try runtime.settle { committed.contains($0) }
        _ = try await runtime.reconnect()
        let lifecycle = lifecycle
        await instances.removeUnfinished(except: migrations.recover()) { await lifecycle.devicesLeft($0) }
        await lifecycle.reconcile()
        try await images.removeLeftovers()
        await backups.clearUp()
        await volumeBackups.clearUp()
        for endpoint in NetworkEndpoint.allCases {
            do {
                try await listeners.listen(endpoint, on: server.address(of: endpoint))
            } catch {
                logger.error("Cannot serve the network", metadata: ["key": "\(endpoint.rawValue)", "err": "\(error)"])
            }
        }
        checkpoints.begin()
        timers.run { await lifecycle.watch() }
        let migrations = migrations
        timers.run { await migrations.resolve() }
        startTimers()
    }

    /// Starts the instances that are to run.
    func startInstances() async {
        let warnings = warnings
        let logger = logger
        await lifecycle.startAfterBoot { instance, reason in
            do {
                try await warnings.raise(
                    .instanceAutostartFailure, reason, project: instance.project, entity: .instance, id: instance.row.id)
            } catch {
                logger.error("Failed to keep a warning", metadata: ["err": "\(error)"])
            }
        }
    }

    private func startTimers() {
        let warnings = warnings
        let snapshots = snapshots
        let (volumes, backups, volumeBackups) = (volumes, backups, volumeBackups)
        let logger = logger
        timers.every(.seconds(60)) {
            await snapshots.takeScheduled(at: .now())
            await snapshots.deleteExpired()
            await volumes.keepSchedules(at: .now(), logger: logger)
        }
        timers.every(.seconds(3600)) {
            await backups.deleteExpired()
            await volumeBackups.deleteExpired()
        }
        let networks = networks
        let lifecycle = lifecycle
        timers.every(.seconds(2)) { await lifecycle.repairNetworkDevices(of: networks.repair()) }
        let imageMaintenance = imageMaintenance
        timers.run { await imageMaintenance.run() }
        timers.every(.seconds(86_400)) {
            do {
                try await warnings.pruneResolved(now: .now())
            } catch {
                logger.error("Failed to prune warnings", metadata: ["err": "\(error)"])
            }
        }
    }

    /// Ends everything but the answers to those who wait for the end.
    func stop(wish: Signals.Wish, force: Bool) async {
        timers.cancel()
        // A host that goes down may want the state of its instances kept.
        if wish == .leave { await checkpoints.end() }
        let timeout = Int64(server.config["core.shutdown_timeout"] ?? "") ?? 5
        await operations.shutdown(atMost: force ? .zero : .seconds(timeout * 60))
        switch wish {
        case .leave:
            networks.abandon()
        case .powerOff:
            await lifecycle.stopForShutdown()
            await checkpoints.end()
            await networks.stop()
        }
        events.shutdown()
    }

    func close() async throws { try store.close() }
}

/// Work that repeats or goes on while the daemon runs.
final class Timers: Sendable {
    private let tasks = TaskList()

    func run(_ body: @escaping @Sendable () async -> Void) { tasks.add(Task { await body() }) }

    func every(_ interval: Duration, _ body: @escaping @Sendable () async -> Void) {
        run {
            // Beats do not drift: what is due in a certain minute shall not miss it.
            var next = ContinuousClock.now
            while !Task.isCancelled {
                next = max(next + interval, .now)
                do { try await Task.sleep(until: next) } catch { return }
                await body()
            }
        }
    }

    func cancel() { tasks.cancelAll() }
}
