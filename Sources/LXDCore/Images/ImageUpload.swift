import Foundation
package import LXDAPI
import LXDImages

/// An image's files as they were received, in a folder of their own until they are taken over.
package struct ImageUpload: Sendable {
    /// The folder, which goes with everything left in it.
    package let directory: String
    /// The whole image, or the metadata of a split one.
    package let file: String
    /// The root filesystem of a split one.
    package let rootfs: String?
    package let size: Int64
    package let fingerprint: String
    package let fileName: String
    package let type: InstanceType
}

/// Writes an image to disk as it comes in, and makes its fingerprint on the way.
struct ImageReceiver {
    private let directory: String
    private let hash: HashingFile
    private var names: [String] = []
    private var fileName = ""
    private var type = InstanceType.container

    /// - Parameters:
    ///   - directory: An empty folder nobody else uses.
    ///   - budget: Most bytes to take; nil for any number.
    init(directory: String, budget: Int64? = nil) {
        self.directory = directory
        hash = HashingFile(budget: budget)
    }

    /// - Parameters:
    ///   - contentType: Of the request; `multipart/form-data` brings a split image.
    ///   - fileName: What the client calls a unified image.
    ///   - nextChunk: The next bytes of the body; nil at the end.
    mutating func receive(
        contentType: String, fileName: String, _ nextChunk: @Sendable () async throws -> [UInt8]?
    ) async throws -> ImageUpload {
        self.fileName = fileName
        if contentType.lowercased().hasPrefix("multipart/form-data") {
            try await receiveParts(contentType, nextChunk)
        } else {
            try open("image")
            while let chunk = try await nextChunk() { try hash.write(chunk) }
        }
        try hash.close()
        guard let first = names.first, hash.byteCount > 0 else {
            throw LXDError.badRequest("Invalid image: it is empty")
        }
        return ImageUpload(
            directory: directory, file: directory + "/" + first,
            rootfs: names.count > 1 ? directory + "/" + names[1] : nil,
            size: hash.byteCount, fingerprint: hash.fingerprint, fileName: self.fileName, type: type)
    }

    private mutating func receiveParts(_ contentType: String, _ nextChunk: @Sendable () async throws -> [UInt8]?)
        async throws
    {
        var reader = try MultipartReader(contentType: contentType)
        while let chunk = try await nextChunk() {
            for event in try reader.read(chunk) {
                switch event {
                case .part(let head): try beginPart(head)
                case .bytes(let bytes): try hash.write(bytes)
                case .end: break
                }
            }
        }
        guard reader.isDone, names.count == 2 else { throw LXDError.badRequest("Invalid multipart image") }
    }

    private mutating func beginPart(_ head: MultipartReader.PartHead) throws {
        switch (names.count, head.name) {
        case (0, "metadata"):
            try open("metadata")
        case (1, "rootfs"), (1, "rootfs.img"):
            if head.name == "rootfs.img" { type = .virtualMachine }
            fileName = head.fileName
            try open("rootfs")
        default:
            throw LXDError.badRequest("Invalid multipart image")
        }
    }

    private mutating func open(_ name: String) throws {
        try hash.open(directory + "/" + name)
        names.append(name)
    }
}

/// Files written one after the other whose bytes are hashed as one.
private final class HashingFile {
    private var hasher = FingerprintHasher()
    private var file: FileHandle?
    private let budget: Int64?

    init(budget: Int64?) { self.budget = budget }

    var byteCount: Int64 { hasher.byteCount }

    func open(_ path: String) throws {
        try close()
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let opened = FileHandle(forWritingAtPath: path)
        else { throw LXDError.internalError("Failed to create a file for the image") }
        file = opened
    }

    func write(_ bytes: [UInt8]) throws {
        guard let file else { throw LXDError.badRequest("Invalid multipart image") }
        let total = byteCount + Int64(bytes.count)
        if let budget, total > budget { throw ImageService.overBudget(total, budget) }
        hasher.update(bytes)
        do {
            try file.write(contentsOf: bytes)
        } catch {
            throw LXDError.internalError(
                "Failed to write the image to disk: \(error.localizedDescription)", cause: error)
        }
    }

    func close() throws {
        try file?.close()
        file = nil
    }

    var fingerprint: String { hasher.fingerprint }
}
