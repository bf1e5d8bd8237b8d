import LXDAPI
package import LXDHTTP

/// Something in the tree of an instance.
public enum InstanceFile: Sendable {
    case file(FileAttributes, content: Download)
    case symlink(FileAttributes, target: String)
    case directory(FileAttributes, entries: [String])
}

/// Owner and permissions; -1 for what is not known or not to be changed.
public struct FileAttributes: Sendable, Hashable {
    public var uid = -1
    public var gid = -1
    /// Permission bits only.
    public var mode = -1

    public init(uid: Int = -1, gid: Int = -1, mode: Int = -1) {
        self.uid = uid
        self.gid = gid
        self.mode = mode
    }
}

/// What a file is made as.
public enum FileKind: String, Sendable {
    case file, directory, symlink
}

extension ServerConnection {
    public func file(_ path: String, of instance: String) async throws -> InstanceFile {
        let answer = try await download(Self.filePath(path, instance))
        var attributes = FileAttributes()
        attributes.uid = answer.header("X-LXD-uid").flatMap { Int($0) } ?? -1
        attributes.gid = answer.header("X-LXD-gid").flatMap { Int($0) } ?? -1
        attributes.mode = answer.header("X-LXD-mode").flatMap { Int($0, radix: 8) }.map { $0 & 0o777 } ?? -1
        switch answer.header("X-LXD-type") ?? "file" {
        case "directory":
            let envelope: Response<[String]> = try LXDJSON.decode(from: try await answer.collect())
            return .directory(attributes, entries: envelope.metadata)
        case "symlink":
            return .symlink(attributes, target: String(decoding: try await answer.collect(upTo: 1 << 16), as: UTF8.self))
        case "file":
            return .file(attributes, content: answer)
        case let other:
            throw LXDError.badRequest("Unknown file type '\(other)'")
        }
    }

    public func createFile(
        _ path: String, of instance: String, _ kind: FileKind, _ attributes: FileAttributes, _ content: UploadBody = .empty
    ) async throws {
        var headers = [("X-LXD-type", kind.rawValue)]
        if attributes.uid >= 0 { headers.append(("X-LXD-uid", "\(attributes.uid)")) }
        if attributes.gid >= 0 { headers.append(("X-LXD-gid", "\(attributes.gid)")) }
        if attributes.mode >= 0 {
            let digits = String(attributes.mode, radix: 8)
            headers.append(("X-LXD-mode", String(repeating: "0", count: max(0, 4 - digits.count)) + digits))
        }
        try await put("POST", Self.filePath(path, instance), content, headers: headers)
    }

    public func deleteFile(_ path: String, of instance: String) async throws {
        try await change("DELETE", Self.filePath(path, instance))
    }

    /// Speaks SFTP with the instance's file server.
    package func fileServer(of instance: String) async throws -> RawConnection {
        try await rawUpgrade(APIPath("instances", instance, "sftp"), protocol: "sftp")
    }

    private static func filePath(_ path: String, _ instance: String) -> APIPath {
        APIPath("instances", instance, "files").with("path", path)
    }
}
