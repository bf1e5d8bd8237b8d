internal import FoundationEssentials
internal import LXDAPI
package import LXDCore
internal import LXDHTTP
internal import LXDLinux
internal import NIOCore

/// `/1.0/instances/{name}/files` and `/sftp`.
package struct InstanceFileRoutes: RouteGroup {
    private let files: FileService

    package init(files: FileService) { self.files = files }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/instances/{name}/files", .project, get)
        routes.head("/1.0/instances/{name}/files", .project, head)
        routes.post("/1.0/instances/{name}/files", .project, bodyBytesMax: .max, post)
        routes.delete("/1.0/instances/{name}/files", .project) { scope in
            try await files.remove(scope.instanceKey(), path: scope.filePath(), by: scope.requestor)
            return .done
        }
        routes.get("/1.0/instances/{name}/sftp", .project, sftp)
    }

    // MARK: Reading

    private func get(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        let path = try scope.filePath()
        let client = try await files.client(key)
        do {
            let status = try await client.status(path, followLast: false)
            let answer = try await answer(client, path, status)
            files.announceRead(key, path: path, by: scope.requestor)
            return answer
        } catch {
            client.close()
            throw (error as? SFTPError)?.asLXDError ?? error
        }
    }

    private func answer(_ client: SFTPClient, _ path: String, _ status: SFTPStatus) async throws -> Answer {
        let headers = Self.headers(status)
        let name = path.split(separator: "/").last.map(String.init) ?? "/"
        switch status.kind {
        case .directory:
            let names = try await client.list(path)
            client.close()
            return try .sync(names, headers: headers)
        case .symlink:
            var target = try await client.readLink(path)
            if !target.hasPrefix("/") {
                let folder = path.split(separator: "/").dropLast().joined(separator: "/")
                target = "/" + folder + "/" + target
            }
            let bytes = Array(try await client.realPath(target).utf8)
            client.close()
            return .file(named: name, length: bytes.count, headers: headers) { try await $0.write(bytes) }
        case .file:
            let handle = try await client.open(path, flags: 1)
            return .file(named: name, length: Int(clamping: status.size), headers: headers) { writer in
                defer { client.close() }
                // Exactly what was announced, should the file grow meanwhile.
                var offset: UInt64 = 0
                while offset < status.size {
                    let bytes = try await client.read(handle, at: offset).prefix(Int(clamping: status.size - offset))
                    guard !bytes.isEmpty else {
                        throw LXDError.internalError("The file became shorter while it was read")
                    }
                    try await writer.write(Array(bytes))
                    offset += UInt64(bytes.count)
                }
            }
        }
    }

    private func head(_ scope: RequestScope) async throws -> Answer {
        let client = try await files.client(scope.instanceKey())
        defer { client.close() }
        do {
            let status = try await client.status(scope.filePath(), followLast: false)
            return .response(OutgoingResponse(status: 200, headers: Self.headers(status)))
        } catch let error as SFTPError {
            throw error.asLXDError
        }
    }

    private static func headers(_ status: SFTPStatus) -> HeaderFields {
        let mode = String(status.mode & 0o777, radix: 8)
        return [
            "X-LXD-uid": String(status.uid), "X-LXD-gid": String(status.gid),
            "X-LXD-mode": String(repeating: "0", count: max(0, 4 - mode.count)) + mode,
            "X-LXD-modified": goTime(status.modified), "X-LXD-type": status.kind.rawValue,
        ]
    }

    /// `2006-01-02 15:04:05 +0000 UTC`, as Go prints a time.
    private static func goTime(_ seconds: UInt32) -> String {
        let date = Date(timeIntervalSince1970: TimeInterval(seconds))
        return date.formatted(.iso8601.dateTimeSeparator(.space).timeZone(separator: .omitted)).replacing("Z", with: "")
            + " +0000 UTC"
    }

    // MARK: Writing

    private func post(_ scope: RequestScope) async throws -> Answer {
        let request = try Self.request(scope)
        let body = scope.request.body
        try await files.write(scope.instanceKey(), path: scope.filePath(), request, by: scope.requestor) {
            try await body.next().map { Array($0.readableBytesView) }
        }
        return .done
    }

    private static func request(_ scope: RequestScope) throws -> FileRequest {
        var request = FileRequest()
        request.uid = scope.header("X-LXD-uid").flatMap { UInt32($0) }
        request.gid = scope.header("X-LXD-gid").flatMap { UInt32($0) }
        request.mode = scope.header("X-LXD-mode").flatMap(mode)
        if let kind = scope.header("X-LXD-type"), !kind.isEmpty { request.kind = kind }
        if let text = scope.header("X-LXD-write"), !text.isEmpty {
            guard let writing = FileRequest.Writing(rawValue: text) else {
                throw LXDError.badRequest("Bad file write mode: \(text)")
            }
            request.writing = writing
        }
        return request
    }

    /// A number as Go reads it: octal with a leading 0.
    private static func mode(_ text: String) -> UInt32? {
        guard UInt32(text) != nil else { return nil }
        let value = text.hasPrefix("0") ? UInt32(text, radix: 8) : UInt32(text)
        return value.map { $0 & 0o777 }
    }

    // MARK: SFTP

    private func sftp(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        guard scope.header("Upgrade") == "sftp" else { throw LXDError.badRequest("Missing or invalid upgrade header") }
        let (reading, writing) = try await files.open(key)
        return .raw { client in
            defer {
                reading.close()
                writing.close()
            }
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    // Either end leaving ends the session.
                    while let bytes = try? await client.receive() {
                        try? await writing.write(Array(bytes.readableBytesView))
                    }
                }
                group.addTask {
                    while let bytes = try? await reading.read() { try? await client.send(bytes) }
                }
                await group.next()
                group.cancelAll()
            }
        }
    }
}

extension RequestScope {
    /// The `path` of a file request, absolute.
    fileprivate func filePath() throws(LXDError) -> String {
        guard let path = query["path"], !path.isEmpty else { throw .badRequest("Missing path argument") }
        return path.hasPrefix("/") ? path : "/" + path
    }
}
