import Foundation
import LXDAPI
import LXDLinux
import Logging

/// Backups that somebody sends, until something has been made of them.
package struct BackupUploads: Sendable {
    private static let prefix = "lxd_backup_upload_"
    private let folder: String
    private let logger: Logger

    init(_ paths: DaemonPaths, logger: Logger) {
        folder = paths.backups
        self.logger = logger
    }

    /// Takes an upload into a file of its own.
    ///
    /// - Parameter nextChunk: The next bytes; nil at the end.
    /// - Returns: The file, which the caller discards in the end.
    func receive(_ nextChunk: @Sendable () async throws -> [UInt8]?) async throws -> String {
        let path = folder + "/" + Self.prefix + VolatileKeys.newID()
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let file = FileHandle(forWritingAtPath: path)
        else { throw LXDError.internalError("Failed to create a file for the upload") }
        do {
            while let chunk = try await nextChunk() { try file.write(contentsOf: chunk) }
            try file.close()
            return path
        } catch {
            discard(path)
            throw error
        }
    }

    func discard(_ path: String) {
        do { try removeHostTree(path) } catch {
            logger.warning("Failed removing an upload", metadata: ["path": "\(path)", "error": "\(error)"])
        }
    }

    /// Removes what a process that died had taken. At the daemon's start only.
    func discardAll() {
        do {
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasPrefix(Self.prefix) {
                discard(folder + "/" + name)
            }
        } catch {
            logger.warning("Failed looking for uploads", metadata: ["path": "\(folder)", "error": "\(error)"])
        }
    }
}

/// Reads the configuration of the snapshots that a backup's index names.
extension Array {
    /// The element for each name, in the order of the names.
    func named(_ names: [SnapshotName], _ name: (Element) -> String) throws -> [Element] {
        try names.map { wanted in
            guard let found = first(where: { name($0) == wanted.rawValue }) else {
                throw LXDError.badRequest("Backup is missing the configuration of snapshot \(goQuoted(wanted.rawValue))")
            }
            return found
        }
    }
}
