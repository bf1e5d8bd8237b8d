internal import Foundation
internal import Glibc

/// Room on the disk set aside beside the database, so that what frees space can be written down on a full one.
///
/// It is a file of allocated blocks. Giving it up and taking it again need no lock: doing either twice is harmless.
struct DiskReserve: Sendable {
    /// Bytes: the log's pages of a large removal, several times over.
    static let size: off_t = 1 << 20

    let path: String

    /// Sets the room aside unless it is already. Of no consequence when it fails: then the disk is full.
    func take() {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // Blocks that are there are left alone; a part of them would be no reserve to count on.
        if posix_fallocate(descriptor, 0, Self.size) != 0 { giveUp() }
    }

    /// Returns the room to the file system.
    func giveUp() {
        unlink(path)
    }

    var isTaken: Bool { access(path, F_OK) == 0 }
}
