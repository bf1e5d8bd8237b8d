internal import Crypto
internal import Glibc
internal import LXDAPI
internal import LXDHTTP
internal import NIOCore

/// How far a file is: its name (`metadata`, `rootfs`, or empty), bytes so far, bytes in all or 0.
package typealias FetchProgress = @Sendable (_ file: String, _ done: Int64, _ total: Int64) -> Void

/// The files of an image on this machine, in the folder they were fetched into.
package struct DownloadedImage: Sendable {
    /// The whole image, or the metadata of a split one.
    package let file: String
    package let rootfs: String?
    /// What the server calls them; single names, never paths.
    package let fileName: String
    package let rootfsName: String
    /// Bytes of both.
    package let size: Int64
    package let fingerprint: String
}

/// Fetches the files of one image. What comes is hashed on the way: each file by itself, and all as one, which is the
/// image's fingerprint.
///
/// A connection that breaks is made again and the file goes on where it stopped, or begins anew if the server cannot.
package struct ImageDownload {
    private static let interruptionsMax = 3
    private let client: WebClient
    private let directory: String
    private let limitBytes: Int64?
    private let progress: FetchProgress
    private var whole = SHA256()
    private var size: Int64 = 0
    private var names: [String] = []
    private var serverNames: [String] = []

    init(client: WebClient, directory: String, limitBytes: Int64?, progress: @escaping FetchProgress) {
        self.client = client
        self.directory = directory
        self.limitBytes = limitBytes
        self.progress = progress
    }

    /// Fetches one more file.
    ///
    /// - Parameters:
    ///   - size: What the server announced; 0 if nothing.
    ///   - sha256: Likewise; empty if nothing.
    mutating func add(_ name: String, from address: WebAddress, size announced: Int64, sha256: String)
        async throws(LXDError)
    {
        var target = try TargetFile(path: directory + "/" + name, wholeBefore: whole)
        defer { target.close() }
        var limit = limitBytes.map { $0 - size } ?? .max
        if announced > 0 {
            guard announced <= limit else { throw Self.overBudget(size + announced, limitBytes) }
            limit = announced
        }
        var interruptions = 0
        while true {
            let before = target.size
            do {
                try await receive(address, name, into: &target, limit: limit, total: announced)
                break
            } catch {
                if Task.isCancelled { throw WebFailure.describe(CancellationError(), address) }
                if target.size > before { interruptions = 0 }
                interruptions += 1
                // A server that was never reached is not tried again: the caller may know another one.
                guard NetworkFailure.isInterruption(error), target.size > 0, interruptions <= Self.interruptionsMax
                else {
                    throw WebFailure.describe(error, address)
                }
                try? await Task.sleep(for: .milliseconds(100 << (2 * interruptions)))  // Cancellation is seen above.
            }
        }
        let (hash, whole) = target.hashes()
        guard sha256.isEmpty || sha256 == hash else {
            throw .badRequest("Hash mismatch for \(address): \(hash) != \(sha256)")
        }
        self.whole = whole
        size += target.size
        names.append(name)
        serverNames.append(address.path.split(separator: "/").last.map(String.init) ?? "")
    }

    /// - Throws: `badRequest` when the files are not the image that was asked for.
    func finish(expecting fingerprint: String) throws(LXDError) -> DownloadedImage {
        let found = TargetFile.hexadecimal(whole.finalize())
        guard found == fingerprint, let first = names.first else {
            throw .badRequest("Image fingerprint doesn't match. Got \(found) expected \(fingerprint)")
        }
        return DownloadedImage(
            file: directory + "/" + first, rootfs: names.count > 1 ? directory + "/" + names[1] : nil,
            fileName: serverNames.first ?? "", rootfsName: serverNames.count > 1 ? serverNames[1] : "", size: size,
            fingerprint: found)
    }

    private func receive(
        _ address: WebAddress, _ name: String, into target: inout TargetFile, limit: Int64, total: Int64
    ) async throws {
        var headers: HeaderFields = [:]
        if target.size > 0, let mark = target.mark {
            headers["Range"] = "bytes=\(target.size)-"
            headers["If-Range"] = mark
        }
        let answer = try await client.send(.get, address, headers: headers)
        switch answer.status {
        case 206 where answer.headers["Content-Range"]?.hasPrefix("bytes \(target.size)-") == true: break
        case 200: try target.restart()
        default: throw LXDError.notFound("Unable to fetch \(address): status \(answer.status)")
        }
        // Only a strong mark says that two answers are the same bytes.
        target.mark =
            answer.headers["ETag"].flatMap { $0.hasPrefix("\"") ? $0 : nil } ?? answer.headers["Last-Modified"]
        let expected = total > 0 ? total : Int64(answer.body.contentLength ?? 0)
        while let chunk = try await answer.body.next() {
            try Task.checkCancellation()
            guard target.size + Int64(chunk.readableBytes) <= limit else {
                if total > 0 {
                    throw LXDError.badRequest("\(address) is larger than the \(total) bytes it should have")
                }
                throw Self.overBudget(target.size, limitBytes)
            }
            try chunk.withUnsafeReadableBytes { try target.write($0) }
            progress(name, target.size, expected)
        }
        if total > 0, target.size != total { throw HTTPTransportError.bodyTruncated }
    }

    private static func overBudget(_ size: Int64, _ limit: Int64?) -> LXDError {
        .badRequest("Remote image with size \(size) exceeds allowed budget of \(limit ?? 0)")
    }
}

/// A file being written, with what is known of its bytes.
struct TargetFile {
    private let path: String
    private var descriptor: Int32
    private let wholeBefore: SHA256
    private var whole: SHA256
    private var own = SHA256()
    private(set) var size: Int64 = 0
    /// What the server calls these bytes, so that a second request can tell whether they are still the same.
    var mark: String?

    init(path: String, wholeBefore: SHA256) throws(LXDError) {
        self.path = path
        self.wholeBefore = wholeBefore
        whole = wholeBefore
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure("create", path) }
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            guard count >= 0 else {
                let code = errno
                if code == EINTR { continue }
                throw Self.failure("write", path, code)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        own.update(bufferPointer: bytes)
        whole.update(bufferPointer: bytes)
        size += Int64(bytes.count)
    }

    mutating func restart() throws {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw Self.failure("empty", path)
        }
        own = SHA256()
        whole = wholeBefore
        size = 0
    }

    /// Of this file, and of all files so far as one.
    func hashes() -> (own: String, whole: SHA256) { (Self.hexadecimal(own.finalize()), whole) }

    mutating func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    static func hexadecimal(_ digest: SHA256.Digest) -> String {
        digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func failure(_ what: String, _ path: String, _ code: Int32 = errno) -> LXDError {
        .internalError("Failed to \(what) \(path): \(String(cString: strerror(code)))")
    }
}
