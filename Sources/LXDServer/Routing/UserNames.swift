internal import Glibc
internal import Synchronization

/// Names of local users, remembered: looking one up may ask a directory service.
final class UserNames: Sendable {
    private let known = Mutex<[UInt32: String]>([:])

    /// The user's name, or LXD's `uid=N` when there is none.
    func name(of uid: UInt32) -> String {
        if let name = known.withLock({ $0[uid] }) { return name }
        let name = Self.lookUp(uid) ?? "uid=\(uid)"
        known.withLock { if $0.count < 1024 { $0[uid] = name } }
        return name
    }

    private static func lookUp(_ uid: UInt32) -> String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16384)
        let result = getpwuid_r(uid, &entry, &buffer, buffer.count, &found)
        guard result == 0, found != nil, let name = entry.pw_name else { return nil }
        return withExtendedLifetime(buffer) { String(cString: name) }
    }
}
