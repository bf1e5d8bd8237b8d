package import LXDAPI
package import LXDLinux
package import LXDRuntime
internal import LXDRuntimePlan
internal import LXDStorage
internal import SystemPackage

/// What a request wants a file to be.
package struct FileRequest: Sendable, Hashable {
    package enum Writing: String, Sendable { case overwrite, append }

    package var kind = "file"
    package var writing = Writing.overwrite
    /// nil leaves what is there.
    package var uid: UInt32?
    package var gid: UInt32?
    package var mode: UInt32?

    package init() {}
}

/// The files of instances, running or not, seen as their root sees them.
///
/// Everything goes through a server that has entered the instance: no path of an instance is ever resolved out here.
package final class FileService: Sendable {
    private let environment: InstanceEnvironment
    private let runtime: ContainerRuntime

    package init(environment: InstanceEnvironment, runtime: ContainerRuntime) {
        self.environment = environment
        self.runtime = runtime
    }

    /// A connection to the instance's file server, SFTP version 3; the caller closes it.
    private func connect(_ key: InstanceKey) async throws -> FileDescriptor {
        let instance = try await environment.load(key)
        let driver = try await environment.pools.driver(instance.rootPool())
        let volume = try environment.volume(key)
        let rootfs = try await driver.rootFilesystem(of: volume)
        return try await runtime.fileServer(
            instance.runtimeName,
            stopped: (rootfs, driver.mountPath(volume) + "/rootfs", try StartPlan.idmap(instance)))
    }

    /// Both directions of a connection to the instance's file server.
    package func open(_ key: InstanceKey) async throws -> (reading: AsyncDescriptor, writing: AsyncDescriptor) {
        try AsyncDescriptor.bothWays(owning: await connect(key))
    }

    /// A client for one request; its `close` ends the server.
    package func client(_ key: InstanceKey) async throws -> SFTPClient {
        try await SFTPClient(OwnedDescriptor(adopting: connect(key)))
    }

    // MARK: Changing

    /// Creates or changes a file, directory or symlink.
    ///
    /// - Parameter body: The next bytes of the content; nil at the end.
    package func write(
        _ key: InstanceKey, path: String, _ request: FileRequest, by requestor: EventLifecycleRequestor?,
        body: () async throws -> [UInt8]?
    ) async throws {
        let client = try await client(key)
        defer { client.close() }
        do {
            let exists = try await Self.exists(client, path)
            switch request.kind {
            case "file": try await writeFile(client, path, request, exists, body)
            case "symlink": guard try await makeLink(client, path, body) else { return }
            case "directory":
                if exists { return }
                try await client.makeDirectory(path)
                try await client.setMode(path, request.mode ?? 0o750)
                if request.uid != nil || request.gid != nil {
                    try await client.setOwner(path, uid: request.uid, gid: request.gid)
                }
            default: throw LXDError.badRequest("Bad file type: \(request.kind)")
            }
        } catch let error as SFTPError {
            throw error.asLXDError
        }
        announce(.instanceFilePushed, key, path, requestor)
    }

    private static func exists(_ client: SFTPClient, _ path: String) async throws -> Bool {
        do {
            _ = try await client.status(path, followLast: true)
            return true
        } catch is SFTPError {
            return false
        }
    }

    private func writeFile(
        _ client: SFTPClient, _ path: String, _ request: FileRequest, _ exists: Bool,
        _ body: () async throws -> [UInt8]?
    ) async throws {
        let handle = try await client.open(path, flags: request.writing == .overwrite ? 1 | 2 | 8 | 16 : 1 | 2)
        var offset = request.writing == .append ? try await client.status(path, followLast: true).size : 0
        while let bytes = try await body() {
            var rest = bytes[...]
            while !rest.isEmpty {
                let chunk = Array(rest.prefix(SFTPClient.chunkBytes))
                try await client.write(handle, chunk, at: offset)
                offset += UInt64(chunk.count)
                rest = rest.dropFirst(chunk.count)
            }
        }
        try await client.close(handle)
        // What was there keeps its owner and its mode.
        guard !exists else { return }
        if let mode = request.mode { try await client.setMode(path, mode) }
        if request.uid != nil || request.gid != nil {
            try await client.setOwner(path, uid: request.uid, gid: request.gid)
            // A change of owner takes setuid and setgid away.
            if let mode = request.mode, mode & 0o6000 != 0 { try await client.setMode(path, mode) }
        }
    }

    /// - Returns: False when it was there already.
    private func makeLink(
        _ client: SFTPClient, _ path: String, _ body: () async throws -> [UInt8]?
    ) async throws -> Bool {
        var bytes: [UInt8] = []
        while let more = try await body() {
            bytes += more
            guard bytes.count <= 4096 else { throw LXDError.badRequest("The target of the symlink is too long") }
        }
        let target = String(decoding: bytes, as: UTF8.self)
        do {
            if try await client.readLink(path) == target { return false }
        } catch is SFTPError {
            // Not there, or no link: making it tells.
        }
        try await client.makeLink(path, target: target)
        return true
    }

    package func remove(_ key: InstanceKey, path: String, by requestor: EventLifecycleRequestor?) async throws {
        let client = try await client(key)
        defer { client.close() }
        do {
            try await client.remove(path)
        } catch let error as SFTPError {
            throw error.asLXDError
        }
        announce(.instanceFileDeleted, key, path, requestor)
    }

    /// Tells that a file was read.
    package func announceRead(_ key: InstanceKey, path: String, by requestor: EventLifecycleRequestor?) {
        announce(.instanceFileRetrieved, key, path, requestor)
    }

    private func announce(
        _ action: LifecycleAction, _ key: InstanceKey, _ path: String, _ requestor: EventLifecycleRequestor?
    ) {
        environment.announce(action, key, by: requestor, context: ["path": .string(path)])
    }
}
