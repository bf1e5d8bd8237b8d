package import LXDAPI
package import LXDDatabase
package import LXDStorage
package import Logging

/// Gives the driver of a storage pool.
package protocol InstancePools: Sendable {
    /// - Throws: `notFound` if there is no such pool; `unavailable` if it is not usable now.
    func driver(_ pool: String) async throws -> any PoolDriver
}

/// What instances need of images.
package protocol InstanceImages: Sendable {
    /// Makes the image known to the pool: unpacks it there the first time.
    func prepare(_ fingerprint: String, in pool: any PoolDriver, progress: ProgressSink) async throws
    /// Fetches an image from another server, or finds the cached one.
    func fetch(_ source: InstanceSource, type: InstanceType, project: String, progress: ProgressSink) async throws -> ImageRow
}

/// Where a long step says how far it is: a key of the operation's metadata and its text.
package struct ProgressSink: Sendable {
    private let report: @Sendable (_ key: String, _ text: String) -> Void
    package init(_ report: @escaping @Sendable (_ key: String, _ text: String) -> Void) { self.report = report }
    package func callAsFunction(_ key: String, _ text: String) { report(key, text) }
    package static let none = ProgressSink { _, _ in }
}

/// What all services that deal with instances share: stores, mechanisms and locks, no state of its own.
package struct InstanceEnvironment: Sendable {
    package let store: Store
    package let paths: DaemonPaths
    package let pools: any InstancePools
    package let images: any InstanceImages
    package let announce: Announcer
    package let logger: Logger
    package let hostIDs: IDMapSet.HostRange
    package let hostLimits: HostLimits
    package let locks = KeyedLocks<InstanceKey>()

    package init(
        store: Store, paths: DaemonPaths, pools: any InstancePools, images: any InstanceImages, announce: Announcer,
        logger: Logger, hostIDs: IDMapSet.HostRange, hostLimits: HostLimits
    ) {
        self.store = store
        self.paths = paths
        self.pools = pools
        self.images = images
        self.announce = announce
        self.logger = logger
        self.hostIDs = hostIDs
        self.hostLimits = hostLimits
    }

    /// The instance as it is now.
    package func load(_ key: InstanceKey) async throws -> LoadedInstance {
        try await store.read { try $0.loadInstance(key) }
    }

    /// Sets volatile keys of an instance, or removes those with `nil`.
    package func setVolatile(_ instance: LoadedInstance, _ changes: [String: String?]) async throws {
        guard !changes.isEmpty else { return }
        try await store.write { try $0.mergeInstanceConfig(id: instance.row.id, changes) }
    }

    package func announce(
        _ action: LifecycleAction, _ key: InstanceKey, by requestor: EventLifecycleRequestor?,
        context: [String: JSONValue] = [:]
    ) {
        announce(
            action, ResourcePath.of("instances", key.name, project: key.project), project: key.project,
            by: requestor, context: context)
    }

    package func volume(_ key: InstanceKey, snapshot: String? = nil) throws -> Volume {
        try Volume.container(key.runtimeName, snapshot: snapshot)
    }

    /// The directory on the host that belongs to an instance: `rootfs`, `metadata.yaml`, `templates`, `backup.yaml`.
    package func directory(of instance: LoadedInstance) async throws -> String {
        try await pools.driver(instance.rootPool()).mountPath(volume(instance.key))
    }
}

extension StorageService: InstancePools {
    package func driver(_ pool: String) async throws -> any PoolDriver { try await driver(for: pool) }
}
