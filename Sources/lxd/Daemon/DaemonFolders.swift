import Foundation
import Glibc
import LXDAPI
import LXDCore
import LXDLinux
import SystemPackage

/// The daemon's folders, and the lock that keeps a second daemon out of them.
final class DaemonFolders: Sendable {
    private let lock: CInt

    /// Makes what is missing and takes the lock.
    ///
    /// - Throws: In plain words, when the caller may not do so or another daemon runs here.
    init(_ paths: DaemonPaths) throws {
        guard geteuid() == 0 else { throw LXDError.forbidden("This must be run as root") }
        for (path, mode) in paths.directories {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: Int(mode)])
            } catch {
                throw LXDError.internalError("Failed to create \(path): \(error.localizedDescription)", cause: error)
            }
        }
        // A folder that was there keeps its mode but for the root: others must never look in.
        chmod(paths.root, 0o711)
        lock = open(paths.lockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw LXDError.internalError("Failed to open \(paths.lockFile): \(String(cString: strerror(errno)))")
        }
        do {
            try FileLock.lock(FileDescriptor(rawValue: lock), wait: false)
        } catch {
            close(lock)
            throw LXDError.conflict("LXD is already running in \(paths.root)")
        }
    }

    deinit { close(lock) }
}
