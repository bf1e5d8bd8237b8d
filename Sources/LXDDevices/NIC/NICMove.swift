import Glibc
import LXDAPI
import LXDLinux
import LXDNetlink
import LXDRuntimePlan
import SystemPackage

/// Moving links into a running container.
enum NICMove {
    /// Moves and renames in one request: the temporary name is never seen inside.
    static func move(_ entry: NetworkInterfaceEntry, into pid: Int32) async throws {
        try await BlockingPool.shared.run {
            try withNamespace(of: pid) { namespace in
                let change = LinkChange(name: entry.name, namespace: .descriptor(namespace))
                try RouteSocket().change(entry.hostLinkName, change)
            }
        }
    }

    static func delete(_ name: String, in pid: Int32) async throws {
        try await BlockingPool.shared.run {
            try withNamespace(of: pid) { try RouteSocket().deleteLink(name, inNamespace: $0) }
        }
    }

    private static func withNamespace(of pid: Int32, _ body: (Int32) throws -> Void) throws {
        let raw = open("/proc/\(pid)/ns/net", O_RDONLY | O_CLOEXEC)
        guard raw >= 0 else {
            throw LXDError.internalError("The container's network cannot be reached: it has stopped")
        }
        let namespace = OwnedDescriptor(adopting: FileDescriptor(rawValue: raw))
        try body(namespace.rawValue)
    }
}
