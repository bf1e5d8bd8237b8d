internal import CLXDLinux
internal import Glibc
internal import LXDLinux
internal import Synchronization

/// Settings of the kernel that are higher than they were found, for as long as somebody needs them.
///
/// What they were is noted on disk first: a daemon that dies leaves it to the next one to put them back.
final class HostTuning: Sendable {
    private struct Setting {
        var users = 0
        var original: UInt64
    }
    private let settings = Mutex<[String: Setting]>([:])
    private let notePath: String

    /// An unprivileged container's memory can be filled in later.
    static let userFaults = "/proc/sys/vm/unprivileged_userfaultfd"
    /// criu reads memory through pipes of 4 MiB.
    static let pipeSize = "/proc/sys/fs/pipe-max-size"

    init(notePath: String) { self.notePath = notePath }

    /// Sees to it that a setting is at least so high; ``release(_:)`` follows. One that this kernel does not have is no error.
    func raise(_ path: String, to value: UInt64) throws {
        try settings.withLock { settings in
            if var setting = settings[path] {
                setting.users += 1
                settings[path] = setting
                return
            }
            guard let current = try Self.read(path), current < value else { return }
            var new = settings
            new[path] = Setting(users: 1, original: current)
            try note(new)
            do { try Self.write(path, value) } catch {
                try note(settings)
                throw error
            }
            settings = new
        }
    }

    /// Whether a setting is at least so high, is not there, or can be changed.
    static func mayReach(_ path: String, _ value: UInt64) -> Bool {
        guard let current = try? read(path), current < value else { return true }
        return access(path, W_OK) == 0
    }

    func release(_ path: String) {
        settings.withLock { settings in
            guard var setting = settings[path] else { return }
            setting.users -= 1
            settings[path] = setting
            guard setting.users == 0 else { return }
            settings[path] = nil
            // What cannot be put back now is by the next daemon, as the note says.
            if (try? Self.write(path, setting.original)) != nil { try? note(settings) }
        }
    }

    /// Puts back what a daemon that died had raised.
    func restore() throws {
        guard let text = try? AtomicFile.readText(notePath, limit: 4096) else { return }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let value = UInt64(words[1]), [Self.userFaults, Self.pipeSize].contains(String(words[0]))
            else { continue }
            try Self.write(String(words[0]), value)
        }
        try removeHostTree(notePath)
    }

    private func note(_ settings: [String: Setting]) throws {
        if settings.isEmpty { return try removeHostTree(notePath) }
        let text = settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.original)\n" }.joined()
        try AtomicFile.write(Array(text.utf8), to: notePath, mode: 0o600, sync: false)
    }

    private static func read(_ path: String) throws -> UInt64? {
        guard (try? FileStatus.of(path: path)) != nil else { return nil }
        return UInt64(try AtomicFile.readText(path, limit: 100).prefix { $0 != "\n" })
    }

    private static func write(_ path: String, _ value: UInt64) throws {
        let flags = UInt64(O_WRONLY | O_CLOEXEC)
        let file = try OwnedDescriptor(result: clxd_openat2(CLXD_AT_FDCWD, path, flags, 0, 0))
        try writeAll(Array("\(value)\n".utf8), to: file.descriptor)
    }
}
