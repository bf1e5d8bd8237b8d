import Glibc
import LXDAPI
import LXDClient

/// A backup on its way between a server and a file of this machine.
enum BackupFile {
    /// The name that the server gave the backup which an operation made.
    static func name(madeBy operation: Operation) throws -> String {
        guard let path = operation.resources["backups"]?.first, let last = path.split(separator: "/").last else {
            throw CommandFailure("The server did not tell the name of the backup")
        }
        return APIPath.unescape(String(last))
    }

    /// Writes a download to a file, or to the standard output for `-`. What was written of it is removed when it fails.
    static func save(_ content: Download, to target: String, _ progress: ProgressRenderer) async throws {
        if target == "-" {
            while let piece = try await content.next() {
                piece.withUnsafeBytes { Standard.write($0, to: Standard.outputDescriptor) }
            }
            return
        }
        defer { progress.done() }
        let writer = try LocalWriter(target)
        do {
            var meter = TransferMeter(total: content.length)
            while let piece = try await content.next() {
                try writer.write(piece)
                if let text = meter.advance(by: piece.count) { progress.update(text) }
            }
            try writer.close()
        } catch {
            unlink(target)
            throw error
        }
    }

    /// The content of a file as it is sent; of a pipe, nobody knows the length.
    static func body(_ path: String, _ progress: ProgressRenderer) throws -> UploadBody {
        let reader = try LocalReader(path)
        let status = try reader.status()
        let length = status.kind == .file ? status.size : nil
        return .stream(length: length) { sink in
            var meter = TransferMeter(total: length)
            while let piece = try reader.next() {
                try await sink(piece)
                if let text = meter.advance(by: piece.count) { progress.update(text) }
            }
        }
    }
}
