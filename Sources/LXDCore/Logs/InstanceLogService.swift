package import LXDAPI
internal import LXDLinux
internal import SystemPackage

/// The log files of instances; also of those whose creation failed.
package final class InstanceLogService: Sendable {
    private let environment: InstanceEnvironment
    private static let bytesMax = 64 << 20

    package init(environment: InstanceEnvironment) { self.environment = environment }

    /// Paths of an instance's logs.
    package func list(_ key: InstanceKey) throws -> [String] {
        try Self.check(key)
        let names: [String]
        do {
            names = try directory(key).list()
        } catch Errno.noSuchFileOrDirectory {
            throw LXDError.notFound(
                "open \(environment.paths.instanceLogs(key.runtimeName)): no such file or directory")
        }
        return names.filter(Self.isLog).map { "/1.0/instances/\(key.name)/logs/\($0)" }
    }

    package func read(_ key: InstanceKey, _ file: String, by requestor: EventLifecycleRequestor?) async throws
        -> [UInt8]
    {
        _ = try await environment.load(key)
        try Self.check(file)
        do {
            let bytes = try directory(key).read(file, limit: Self.bytesMax)
            announce(.instanceLogRetrieved, key, file, requestor)
            return bytes
        } catch Errno.noSuchFileOrDirectory {
            throw LXDError.notFound(
                "open \(environment.paths.instanceLogs(key.runtimeName))/\(file): no such file or directory")
        }
    }

    package func remove(_ key: InstanceKey, _ file: String, by requestor: EventLifecycleRequestor?) async throws {
        _ = try await environment.load(key)
        try Self.check(file)
        guard file != "lxc.log", file != "lxc.conf" else {
            throw LXDError.badRequest("lxc.log and lxc.conf may not be deleted")
        }
        do {
            try directory(key).removeFile(file)
        } catch Errno.noSuchFileOrDirectory {
            throw LXDError.notFound(
                "remove \(environment.paths.instanceLogs(key.runtimeName))/\(file): no such file or directory")
        }
        announce(.instanceLogDeleted, key, file, requestor)
    }

    private func directory(_ key: InstanceKey) throws -> ConfinedDirectory {
        try ConfinedDirectory(path: environment.paths.instanceLogs(key.runtimeName), resolution: .beneath)
    }

    private func announce(
        _ action: LifecycleAction, _ key: InstanceKey, _ file: String, _ requestor: EventLifecycleRequestor?
    ) {
        environment.announce(
            action, ResourcePath.of("instances", key.name, "logs", file, project: key.project), project: key.project,
            by: requestor)
    }

    /// The name becomes part of a path before anything is looked up.
    private static func check(_ key: InstanceKey) throws { _ = try InstanceName(key.name) }

    private static func check(_ file: String) throws {
        guard isLog(file) else { throw LXDError.badRequest("log file name \(file) not valid") }
    }

    static func isLog(_ name: String) -> Bool {
        guard !name.contains("/") else { return false }
        return ["lxc.log", "lxc.conf", "qemu.log"].contains(name)
            || ["migration_", "snapshot_", "exec_"].contains { name.hasPrefix($0) }
    }
}
