package import LXDAPI
package import LXDLinux
internal import SystemPackage

/// What SFTP says about a file.
package struct SFTPStatus: Sendable, Hashable {
    package var size: UInt64 = 0
    package var uid: UInt32 = 0
    package var gid: UInt32 = 0
    /// Type and permission bits.
    package var mode: UInt32 = 0
    package var modified: UInt32 = 0

    package enum Kind: String, Sendable { case file, directory, symlink }
    package var kind: Kind {
        switch mode & 0o170000 {
        case 0o040000: .directory
        case 0o120000: .symlink
        default: .file
        }
    }
}

/// A refusal of the server.
package struct SFTPError: Error, Sendable, Hashable, CustomStringConvertible {
    package var code: UInt32
    package var message: String

    package static let endOfFile: UInt32 = 1
    package static let noSuchFile: UInt32 = 2
    package static let permissionDenied: UInt32 = 3

    package var description: String { message }

    /// As LXD answers it.
    package var asLXDError: LXDError {
        switch code {
        case Self.noSuchFile: .notFound("Not Found")
        case Self.permissionDenied: .forbidden("Forbidden")
        default: .internalError(message)
        }
    }
}

/// A client of SFTP version 3 over a socket, one request at a time. Source: draft-ietf-secsh-filexfer-02.
package actor SFTPClient {
    package struct Handle: Sendable { fileprivate let bytes: [UInt8] }

    /// Bytes of one read or write.
    package static let chunkBytes = 128 << 10
    private static let packetBytesMax = 1 << 20

    private let socket: AsyncDescriptor
    private var nextID: UInt32 = 1
    private var unread: [UInt8] = []
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Takes over a connection and greets the server.
    package init(_ connection: consuming OwnedDescriptor) async throws {
        socket = try AsyncDescriptor(adopting: connection)
        var hello = SFTPPacket(type: 1)
        hello.number(3)
        try await socket.write(hello.finished())
        guard let answer = try await receive(), answer.first == 2 else {
            throw LXDError.internalError("The file server does not answer")
        }
    }

    /// Ends the connection, and with it the server.
    nonisolated package func close() { socket.close() }

    // MARK: Requests

    package func status(_ path: String, followLast: Bool) async throws -> SFTPStatus {
        var answer = try await ask(followLast ? 17 : 7) { $0.text(path) }
        try answer.expect(105)
        return try answer.attributes()
    }

    /// - Parameter flags: 1 read, 2 write, 8 create, 16 truncate.
    package func open(_ path: String, flags: UInt32) async throws -> Handle {
        var answer = try await ask(3) {
            $0.text(path)
            $0.number(flags)
            $0.number(0)
        }
        try answer.expect(102)
        return Handle(bytes: try answer.data())
    }

    package func close(_ handle: Handle) async throws {
        _ = try await ask(4) { $0.data(handle.bytes) }
    }

    /// Bytes at an offset; empty at the end.
    package func read(_ handle: Handle, at offset: UInt64) async throws -> [UInt8] {
        do {
            var answer = try await ask(5) {
                $0.data(handle.bytes)
                $0.number64(offset)
                $0.number(UInt32(Self.chunkBytes))
            }
            try answer.expect(103)
            return try answer.data()
        } catch let error as SFTPError where error.code == SFTPError.endOfFile {
            return []
        }
    }

    package func write(_ handle: Handle, _ bytes: [UInt8], at offset: UInt64) async throws {
        _ = try await ask(6) {
            $0.data(handle.bytes)
            $0.number64(offset)
            $0.data(bytes)
        }
    }

    package func list(_ path: String) async throws -> [String] {
        var opened = try await ask(11) { $0.text(path) }
        try opened.expect(102)
        let handle = Handle(bytes: try opened.data())
        var names: [String] = []
        do {
            while true {
                var entries = try await ask(12) { $0.data(handle.bytes) }
                try entries.expect(104)
                for _ in 0..<(try entries.number()) {
                    names.append(String(decoding: try entries.data(), as: UTF8.self))
                    _ = try entries.data()
                    _ = try entries.attributes()
                }
            }
        } catch let error as SFTPError where error.code == SFTPError.endOfFile {
            try await close(handle)
        }
        return names.sorted()
    }

    package func makeDirectory(_ path: String) async throws {
        _ = try await ask(14) {
            $0.text(path)
            $0.number(0)
        }
    }

    package func setMode(_ path: String, _ mode: UInt32) async throws {
        _ = try await ask(9) {
            $0.text(path)
            $0.number(4)
            $0.number(mode)
        }
    }

    /// - Parameters:
    ///   - uid: nil leaves it.
    ///   - gid: nil leaves it.
    package func setOwner(_ path: String, uid: UInt32?, gid: UInt32?) async throws {
        _ = try await ask(9) {
            $0.text(path)
            $0.number(2)
            $0.number(uid ?? .max)
            $0.number(gid ?? .max)
        }
    }

    package func makeLink(_ path: String, target: String) async throws {
        _ = try await ask(20) {
            $0.text(target)
            $0.text(path)
        }
    }

    package func readLink(_ path: String) async throws -> String { try await name(19, path) }
    package func realPath(_ path: String) async throws -> String { try await name(16, path) }

    private func name(_ type: UInt8, _ path: String) async throws -> String {
        var names = try await ask(type) { $0.text(path) }
        try names.expect(104)
        guard try names.number() > 0 else { throw SFTPError(code: 5, message: "Bad message") }
        return String(decoding: try names.data(), as: UTF8.self)
    }

    /// Removes a file, link or empty directory.
    package func remove(_ path: String) async throws {
        do {
            _ = try await ask(13) { $0.text(path) }
        } catch let fileError as SFTPError {
            do {
                _ = try await ask(15) { $0.text(path) }
            } catch let directoryError as SFTPError {
                throw try await status(path, followLast: false).kind == .directory ? directoryError : fileError
            }
        }
    }

    // MARK: Packets

    /// Sends a request and gives its answer; refusals are thrown.
    private func ask(_ type: UInt8, _ build: (inout SFTPPacket) -> Void) async throws -> SFTPAnswer {
        await lock()
        defer { unlock() }
        let id = nextID
        nextID &+= 1
        var packet = SFTPPacket(type: type)
        packet.number(id)
        build(&packet)
        try await socket.write(packet.finished())
        guard let bytes = try await receive() else { throw LXDError.internalError("The file server has ended") }
        var answer = SFTPAnswer(bytes)
        guard try answer.skipHead() == id else { throw LXDError.internalError("The file server answers out of order") }
        if answer.type == 101 {
            let code = try answer.number()
            guard code == 0 else {
                throw SFTPError(code: code, message: String(decoding: try answer.data(), as: UTF8.self))
            }
        }
        return answer
    }

    private func lock() async {
        if isBusy {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            isBusy = true
        }
    }

    private func unlock() {
        if waiting.isEmpty { isBusy = false } else { waiting.removeFirst().resume() }
    }

    /// A whole packet without its length; nil at the end.
    private func receive() async throws -> [UInt8]? {
        guard let head = try await take(4) else { return nil }
        let size = head.reduce(0) { $0 << 8 | Int($1) }
        guard size >= 1, size <= Self.packetBytesMax else {
            throw LXDError.internalError("The file server breaks the protocol")
        }
        return try await take(size)
    }

    private func take(_ count: Int) async throws -> [UInt8]? {
        while unread.count < count {
            guard let more = try await socket.read(limit: 256 << 10) else { return nil }
            unread += more
        }
        defer { unread.removeFirst(count) }
        return Array(unread[..<count])
    }
}

/// A request under construction.
private struct SFTPPacket {
    private var bytes: [UInt8] = [0, 0, 0, 0]

    init(type: UInt8) { bytes.append(type) }

    mutating func number(_ value: UInt32) {
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }
    mutating func number64(_ value: UInt64) {
        number(UInt32(truncatingIfNeeded: value >> 32))
        number(UInt32(truncatingIfNeeded: value))
    }
    mutating func data(_ data: [UInt8]) {
        number(UInt32(truncatingIfNeeded: data.count))
        bytes += data
    }
    mutating func text(_ text: String) { data(Array(text.utf8)) }

    func finished() -> [UInt8] {
        var packet = bytes
        let size = packet.count - 4
        for (index, shift) in [24, 16, 8, 0].enumerated() { packet[index] = UInt8(truncatingIfNeeded: size >> shift) }
        return packet
    }
}

/// An answer being read; the server is confined to what the packet holds.
private struct SFTPAnswer {
    private let bytes: [UInt8]
    private var offset = 0
    let type: UInt8

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        type = bytes.first ?? 0
    }

    mutating func skipHead() throws -> UInt32 {
        offset = 1
        return try number()
    }

    func expect(_ type: UInt8) throws {
        guard self.type == type else { throw LXDError.internalError("The file server breaks the protocol") }
    }

    mutating func number() throws -> UInt32 {
        guard bytes.count - offset >= 4 else { throw LXDError.internalError("The file server breaks the protocol") }
        defer { offset += 4 }
        return bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func data() throws -> [UInt8] {
        let count = Int(try number())
        guard count <= bytes.count - offset else { throw LXDError.internalError("The file server breaks the protocol") }
        defer { offset += count }
        return Array(bytes[offset..<(offset + count)])
    }

    mutating func attributes() throws -> SFTPStatus {
        var status = SFTPStatus()
        let flags = try number()
        if flags & 1 != 0 { status.size = UInt64(try number()) << 32 | UInt64(try number()) }
        if flags & 2 != 0 { (status.uid, status.gid) = (try number(), try number()) }
        if flags & 4 != 0 { status.mode = try number() }
        if flags & 8 != 0 {
            _ = try number()
            status.modified = try number()
        }
        return status
    }
}
