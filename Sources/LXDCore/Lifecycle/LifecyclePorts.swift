package import LXDAPI
package import LXDDevices
package import LXDRuntime
package import LXDRuntimePlan
package import SystemPackage

/// A container that ended.
package struct EngineExit: Sendable, Hashable {
    package let name: String
    /// It asked to be started again.
    package let isReboot: Bool

    package init(name: String, isReboot: Bool) {
        self.name = name
        self.isReboot = isReboot
    }
}

/// What runs containers, by their runtime names.
package protocol ContainerEngine: Sendable {
    /// A start is being prepared.
    func expectStart()
    /// All of a start or nothing of it.
    func start(_ plan: RuntimePlan) async throws
    /// Asks init to end and waits for it; nil: for ever.
    func shutdown(_ name: String, timeout: Duration?) async throws
    /// Ends it at once. One that does not run is no error.
    func kill(_ name: String) async throws
    func freeze(_ name: String) async throws
    func unfreeze(_ name: String) async throws
    func status(_ name: String) async -> StatusCode
    /// Those that are not stopped.
    func statuses() async -> [String: StatusCode]
    /// CPU, memory, network, processes and pid; nil if it does not run.
    func usage(_ name: String) async -> InstanceState?
    /// The same of many; those that do not run are left out.
    func usages(_ names: [String]) async -> [String: InstanceState]
    func setCgroup(_ name: String, _ setting: CgroupSetting) async throws
    /// What devices come into and leave.
    func hotplugTarget(_ name: String, idmap: [IDMapEntry]) async throws -> any HotplugTarget
    /// - Throws: `notImplemented` with the reason where checkpoints do not work on this host.
    func requireCheckpoints() async throws
    /// The version of criu; throws like ``requireCheckpoints()``.
    func checkpointVersion() async throws -> String
    /// Bytes that its processes have in memory for themselves; 0 if it does not run.
    func memory(_ name: String) async -> Int64
    /// Whether a running container was started so that it can be checkpointed.
    func isCheckpointable(_ name: String) async -> Bool
    /// What in it cannot be written down, each in a sentence.
    func checkpointObstacles(_ name: String) async throws -> [String]
    /// Why memory can't be brought after an instance runs, or be sent ahead; nil when it can.
    func postCopyRefusal() async -> String?
    func preCopyRefusal() async -> String?
    func checkpoint(
        _ name: String, configurationPath: String, imageDirectory: String, keepsRunning: Bool, isPostCopy: Bool
    ) async throws -> CheckpointSession
    /// - Parameter pages: Where its memory comes from while it runs, taken over; nil when the images have it all.
    func restore(_ plan: RuntimePlan, imageDirectory: String, pages: FileDescriptor?) async throws -> RestoreSession
    /// Containers that ended, whoever ended them.
    var exits: AsyncStream<EngineExit> { get }
}

extension ContainerEngine {
    package func usages(_ names: [String]) async -> [String: InstanceState] {
        var usages: [String: InstanceState] = [:]
        for name in names { usages[name] = await usage(name) }
        return usages
    }
}

/// An engine without checkpoints.
extension ContainerEngine {
    package func requireCheckpoints() async throws { throw LXDError.notImplemented("Live migration isn't supported") }
    package func checkpointVersion() async throws -> String { throw LXDError.notImplemented("Live migration isn't supported") }
    package func memory(_ name: String) async -> Int64 { 0 }
    package func isCheckpointable(_ name: String) async -> Bool { false }
    package func checkpointObstacles(_ name: String) async throws -> [String] { [] }
    package func postCopyRefusal() async -> String? { "live migration isn't supported" }
    package func preCopyRefusal() async -> String? { "live migration isn't supported" }
    package func checkpoint(
        _ name: String, configurationPath: String, imageDirectory: String, keepsRunning: Bool, isPostCopy: Bool
    ) async throws -> CheckpointSession { throw LXDError.notImplemented("Live migration isn't supported") }
    package func restore(_ plan: RuntimePlan, imageDirectory: String, pages: FileDescriptor?) async throws -> RestoreSession {
        throw LXDError.notImplemented("Live migration isn't supported")
    }
}

/// What LXDDevices does for instances. Volatile keys are whole; nil removes one.
package protocol InstanceDevices: Sendable {
    /// Volatile keys to be stored before a start, so that what it leaves can be found after a crash.
    func prepare(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> [String: String?]
    /// Puts up on the host what the device needs and says what it adds to the container.
    func start(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> DeviceParts
    /// Takes it down; safe to run twice and without a start.
    func stop(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> [String: String?]
    /// The device became part of the instance, running or not.
    func joined(_ name: String, _ config: [String: String], _ instance: LoadedInstance) async throws
    /// It leaves the instance, or the instance is deleted.
    func left(_ name: String, _ config: [String: String], _ instance: LoadedInstance) async throws
    /// Starts it for a container that runs and brings it in.
    func attach(_ name: String, _ config: [String: String], to instance: LoadedInstance) async throws -> [String: String?]
    func detach(_ name: String, _ config: [String: String], from instance: LoadedInstance) async throws -> [String: String?]
    /// Changes a device in place.
    func update(
        _ name: String, from old: [String: String], to new: [String: String], of instance: LoadedInstance, isRunning: Bool
    ) async throws
    /// The keys that can change in place.
    func liveKeys(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> Set<String>
    /// Puts right on the host what others took away from a device of a running container.
    func repair(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws
    /// An instance has another name now: leases and the like follow.
    func renamed(_ instance: LoadedInstance, from old: InstanceKey) async throws
}

/// Writes the files that an image's templates describe.
package protocol TemplateApplier: Sendable {
    /// - Parameter triggers: In order: `create`, `copy`, `rename`, `start`.
    func apply(_ triggers: [String], to instance: LoadedInstance, rootfs: RootFilesystem, directory: String) async throws
}
