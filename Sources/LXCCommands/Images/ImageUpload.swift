import LXDAPI
import LXDClient

/// Sends the files of an image to a server.
struct ImageUpload {
    let session: Session
    var isPublic = false
    var properties: [String: String] = [:]
    var isVirtualMachine = false

    /// - Returns: The fingerprint of the new image.
    func send(metadata: String, rootfs: String?, to server: ServerConnection) async throws -> String {
        let progress = session.renderer("Transferring image: %s")
        defer { progress.done() }
        var headers: [(String, String)] = [("X-LXD-public", isPublic ? "true" : "false")]
        if !properties.isEmpty { headers.append(("X-LXD-properties", Self.query(properties))) }
        headers.append(("X-LXD-filename", PathText.base(metadata)))
        let first = try LocalReader(metadata)
        let body: UploadBody
        if let rootfs {
            let second = try LocalReader(rootfs)
            let boundary = "lxc-" + (0..<32).map { _ in String(Int.random(in: 0..<16), radix: 16) }.joined()
            let parts = [
                MultipartWriter.Part(
                    name: "metadata", fileName: PathText.base(metadata), reader: first, size: try first.status().size),
                MultipartWriter.Part(
                    name: isVirtualMachine ? "rootfs.img" : "rootfs", fileName: PathText.base(rootfs), reader: second,
                    size: try second.status().size),
            ]
            headers.append(("Content-Type", "multipart/form-data; boundary=\(boundary)"))
            body = Self.body(parts, boundary, progress)
        } else {
            body = Self.body(first, try first.status().size, progress)
        }
        let operation = try await server.createImage(body, headers: headers)
        let ended = try await session.wait(operation, showing: progress)
        guard let fingerprint = ended.metadata["fingerprint"]?.stringValue else {
            throw CommandFailure("The server did not tell the fingerprint of the image")
        }
        return fingerprint
    }

    private static func body(_ reader: LocalReader, _ size: Int, _ progress: ProgressRenderer) -> UploadBody {
        .stream(length: size) { sink in
            var meter = TransferMeter(total: size)
            try await copy(reader, sink) { if let text = meter.advance(by: $0) { progress.update(text) } }
        }
    }

    private static func body(
        _ parts: [MultipartWriter.Part], _ boundary: String, _ progress: ProgressRenderer
    ) -> UploadBody {
        let length = MultipartWriter.length(parts, boundary: boundary)
        return .stream(length: length) { sink in
            var meter = TransferMeter(total: length)
            for (index, part) in parts.enumerated() {
                try await sink(MultipartWriter.head(part, boundary: boundary, isFirst: index == 0))
                try await copy(part.reader, sink) { if let text = meter.advance(by: $0) { progress.update(text) } }
            }
            try await sink(MultipartWriter.tail(boundary: boundary))
        }
    }

    private static func copy(
        _ reader: LocalReader, _ sink: ([UInt8]) async throws -> Void, _ count: (Int) -> Void
    ) async throws {
        while let piece = try reader.next() {
            try await sink(piece)
            count(piece.count)
        }
    }

    private static func query(_ values: [String: String]) -> String {
        values.sorted { $0.key < $1.key }.map { "\(APIPath.escape($0.key))=\(APIPath.escape($0.value))" }
            .joined(separator: "&")
    }
}
