import FoundationEssentials
import Glibc
import LXDAPI
import LXDClient

/// A folder that is gone with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    /// - Parameter parent: Where it is made; nil where the system keeps such things.
    init(in parent: String? = nil) throws {
        var template = Array("\(parent ?? FileManager.default.temporaryDirectory.path)/lxc_XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw LocalFailure.of("mkdtemp", "temporary folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)  // The system clears it one day.
    }
}

/// The files of an image on this machine.
struct ImageFiles {
    var metadata: String
    /// Names that the server gave; empty if none.
    var metadataName = ""
    var rootfs: String?
    var rootfsName = ""

    /// Fetches an image; one of two files comes as a multipart body.
    static func download(
        _ fingerprint: String, from server: ServerConnection, into folder: String, _ progress: ProgressRenderer
    ) async throws -> ImageFiles {
        defer { progress.done() }
        // It becomes a file's name, and servers choose what an alias stands for.
        guard Fingerprint.isPrefix(fingerprint) else { throw CommandFailure("Invalid fingerprint \(fingerprint.goQuoted)") }
        let content = try await server.exportImage(fingerprint)
        var meter = TransferMeter(total: content.length)
        let type = content.header("Content-Type") ?? ""
        var files = ImageFiles(metadata: "\(folder)/\(fingerprint)")
        guard type.hasPrefix("multipart/form-data"), let boundary = MultipartReader.parameter("boundary", of: type) else {
            files.metadataName = safeName(
                MultipartReader.parameter("filename", of: content.header("Content-Disposition") ?? "") ?? "")
            let writer = try LocalWriter(files.metadata)
            while let piece = try await content.next() {
                try writer.write(piece)
                if let text = meter.advance(by: piece.count) { progress.update(text) }
            }
            try writer.close()
            return files
        }
        var reader = MultipartReader(boundary: boundary)
        var writer: LocalWriter?
        while let piece = try await content.next() {
            if let text = meter.advance(by: piece.count) { progress.update(text) }
            for event in try reader.read(piece) {
                switch event {
                case .part(let name, let fileName):
                    try writer?.close()
                    if name == "metadata" {
                        files.metadataName = safeName(fileName)
                        writer = try LocalWriter(files.metadata)
                    } else {
                        files.rootfsName = safeName(fileName)
                        files.rootfs = files.metadata + ".root"
                        writer = try LocalWriter(files.metadata + ".root")
                    }
                case .bytes(let bytes): try writer?.write(bytes)
                case .end:
                    try writer?.close()
                    writer = nil
                }
            }
        }
        guard reader.isFinished else { throw CommandFailure("The server sent only a part of the image") }
        return files
    }

    /// A file name from a server, which must not lead anywhere else.
    private static func safeName(_ name: String) -> String {
        let base = PathText.base(name)
        return name.isEmpty || base == "." || base == ".." || base == "/" ? "" : base
    }
}
