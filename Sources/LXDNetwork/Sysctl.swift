import Glibc
import SystemPackage

/// Kernel parameters below `/proc/sys/net`.
enum Sysctl {
    /// - Parameter key: Below `/proc/sys`, with slashes; built from names of links that were validated.
    /// - Returns: nil when there is no such parameter.
    static func read(_ key: String) -> String? {
        let descriptor = open("/proc/sys/" + key, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { return nil }
        return String(decoding: buffer.prefix(count), as: UTF8.self).trimmingSpaces()
    }

    /// - Throws: `noSuchFileOrDirectory` when there is no such parameter.
    static func write(_ key: String, _ value: String) throws(Errno) {
        if read(key) == value { return }
        let descriptor = open("/proc/sys/" + key, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        defer { close(descriptor) }
        let bytes = Array(value.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw Errno(rawValue: errno) }
    }

    /// For parameters that vanish with their link, or that a kernel may lack.
    static func writeIfPresent(_ key: String, _ value: String) throws(Errno) {
        do {
            try write(key, value)
        } catch where error == .noSuchFileOrDirectory {
            return
        }
    }

    /// Names below a folder of `/proc/sys`.
    static func names(below folder: String) -> [String] { Folder.names(in: "/proc/sys/" + folder) }
}
