import Glibc
import LXDAPI
import LXDConfig
import LXDLinux
import LXDStorage
import SystemPackage

/// Volumes that hold a disk image, for virtual machines of other servers: here they are kept, copied and moved.
enum BlockVolume {
    static let defaultSize = "10GiB"
    /// LXD's name of the image in the volume.
    private static let imageName = "root.img"

    /// A new volume with an empty, sparse disk.
    static func source(size: String?) throws -> VolumeSource {
        let bytes = try byteCount(size ?? defaultSize)
        return .fill { target in
            let folder = try ConfinedDirectory(borrowing: target.root)
            let file = try folder.create(imageName)
            guard ftruncate(file.rawValue, off_t(bytes)) == 0 else { throw Errno(rawValue: errno) }
        }
    }

    /// - Parameter path: The volume's directory.
    static func grow(_ path: String, to size: String?) async throws {
        let bytes = try byteCount(size ?? defaultSize)
        try await BlockingPool.shared.run {
            let folder = try ConfinedDirectory(path: path, resolution: .beneath)
            let file = try folder.open(imageName, flags: O_WRONLY | O_NOFOLLOW)
            let old = try FileStatus.of(file.descriptor).size
            guard bytes >= Int64(clamping: old) else { throw LXDError.badRequest("Block volumes cannot be shrunk") }
            guard ftruncate(file.rawValue, off_t(bytes)) == 0 else { throw Errno(rawValue: errno) }
        }
    }

    private static func byteCount(_ size: String) throws -> Int64 {
        let bytes = try ByteCount.parse(size)
        guard bytes > 0 else { throw LXDError.badRequest("Invalid size \(goQuoted(size)) of a block volume") }
        // Disks are made of whole blocks.
        return (bytes + 8191) / 8192 * 8192
    }
}
