import CLXDLinux
import Glibc

/// Serves the files below this process's root over SFTP version 3, one client, until it hangs up.
///
/// The process has entered the instance before: its root, ids and mounts are the instance's.
final class SFTPServer {
    private static let packetSizeMax = 1 << 20
    private static let handleCountMax = 512

    private let connection: Int32
    private let files: SFTPFiles
    private var handles: [UInt32: SFTPHandle] = [:]
    private var nextHandle: UInt32 = 1

    init(connection: Int32) {
        self.connection = connection
        files = SFTPFiles()
    }

    func run() {
        while let packet = receive() {
            var reader = SFTPReader(packet)
            do throws(SFTPMalformed) {
                let type = try reader.byte()
                if type == SFTPType.initialize {
                    guard sendVersion() else { return }
                    continue
                }
                let id = try reader.uint32()
                let answer: SFTPWriter
                do throws(SFTPFailure) {
                    answer = try handle(type, id, &reader)
                } catch {
                    answer = error.answer(id)
                }
                guard send(answer) else { return }
            } catch {
                return
            }
        }
    }

    private func handle(_ type: UInt8, _ id: UInt32, _ reader: inout SFTPReader) throws(SFTPFailure) -> SFTPWriter {
        do {
            switch type {
            case SFTPType.open:
                let path = try reader.text()
                let flags = try reader.uint32()
                let attributes = try reader.attributes()
                return try add(.file(try files.open(path, flags, attributes)), id)
            case SFTPType.opendir: return try add(.directory(try files.openDirectory(try reader.text())), id)
            case SFTPType.close:
                guard let handle = handles.removeValue(forKey: try handleNumber(&reader)) else {
                    throw SFTPFailure(EBADF)
                }
                handle.close()
            case SFTPType.read: return try read(id, &reader)
            case SFTPType.write:
                let number = try handleNumber(&reader)
                let offset = try reader.uint64()
                let data = try reader.data()
                try files.write(try file(number), offset, data)
            case SFTPType.lstat: return attributes(id, try files.status(try reader.text(), followLast: false))
            case SFTPType.stat: return attributes(id, try files.status(try reader.text(), followLast: true))
            case SFTPType.fstat: return attributes(id, try files.status(of: try file(try handleNumber(&reader))))
            case SFTPType.setstat:
                let path = try reader.text()
                try files.set((path, try reader.attributes()))
            case SFTPType.fsetstat:
                let number = try handleNumber(&reader)
                try files.set(try reader.attributes(), of: try file(number))
            case SFTPType.readdir: return try readDirectory(id, try handleNumber(&reader))
            case SFTPType.remove: try files.remove(try reader.text(), directory: false)
            case SFTPType.rmdir: try files.remove(try reader.text(), directory: true)
            case SFTPType.mkdir:
                let path = try reader.text()
                try files.makeDirectory(path, try reader.attributes())
            case SFTPType.realpath: return name(id, files.normalized(try reader.text()))
            case SFTPType.rename: try files.rename(try reader.text(), try reader.text(), replace: false)
            case SFTPType.readlink: return name(id, try files.readLink(try reader.text()))
            // As OpenSSH does it and every client expects: the target first.
            case SFTPType.symlink: try files.makeLink(target: try reader.text(), at: try reader.text())
            case SFTPType.extended: return try extended(id, &reader)
            default: throw SFTPFailure(status: SFTPStatus.unsupported, message: "Operation unsupported")
            }
        } catch let error as SFTPFailure {
            throw error
        } catch {
            throw SFTPFailure(status: SFTPStatus.badMessage, message: "Bad message")
        }
        return SFTPFailure(status: SFTPStatus.ok, message: "Success").answer(id)
    }

    private func extended(_ id: UInt32, _ reader: inout SFTPReader) throws -> SFTPWriter {
        switch String(decoding: try reader.data(), as: UTF8.self) {
        case "posix-rename@openssh.com": try files.rename(try reader.text(), try reader.text(), replace: true)
        case "hardlink@openssh.com": try files.makeHardLink(from: try reader.text(), to: try reader.text())
        case "fsync@openssh.com":
            let number = try handleNumber(&reader)
            guard fsync(try file(number)) == 0 else { throw SFTPFailure(errno) }
        case "statvfs@openssh.com":
            var answer = SFTPWriter(SFTPType.extendedReply, id: id)
            for value in try files.space(try reader.text()) { answer.uint64(value) }
            return answer
        default: throw SFTPFailure(status: SFTPStatus.unsupported, message: "Operation unsupported")
        }
        return SFTPFailure(status: SFTPStatus.ok, message: "Success").answer(id)
    }

    // MARK: Handles

    private func add(_ handle: SFTPHandle, _ id: UInt32) throws(SFTPFailure) -> SFTPWriter {
        guard handles.count < Self.handleCountMax else {
            handle.close()
            throw SFTPFailure(EMFILE)
        }
        let number = nextHandle
        nextHandle &+= 1
        handles[number] = handle
        var answer = SFTPWriter(SFTPType.handle, id: id)
        answer.text(String(number))
        return answer
    }

    private func handleNumber(_ reader: inout SFTPReader) throws -> UInt32 {
        guard let number = UInt32(String(decoding: try reader.data(), as: UTF8.self)) else { throw SFTPFailure(EBADF) }
        return number
    }

    private func file(_ number: UInt32) throws -> Int32 {
        switch handles[number] {
        case .file(let descriptor): return descriptor
        case .directory(let stream): return dirfd(stream)
        case nil: throw SFTPFailure(EBADF)
        }
    }

    private func read(_ id: UInt32, _ reader: inout SFTPReader) throws -> SFTPWriter {
        let number = try handleNumber(&reader)
        let offset = try reader.uint64()
        let count = Int(min(try reader.uint32(), 256 << 10))
        var bytes = [UInt8](repeating: 0, count: count)
        var got = pread(try file(number), &bytes, count, off_t(truncatingIfNeeded: offset))
        // What has no positions, a fifo or a device, is read from where it is.
        if got < 0 && errno == ESPIPE { got = Glibc.read(try file(number), &bytes, count) }
        guard got >= 0 else { throw SFTPFailure(errno) }
        guard got > 0 else { throw SFTPFailure(status: SFTPStatus.endOfFile, message: "EOF") }
        var answer = SFTPWriter(SFTPType.data, id: id)
        answer.data(bytes[..<got])
        return answer
    }

    private func readDirectory(_ id: UInt32, _ number: UInt32) throws -> SFTPWriter {
        guard case .directory(let stream) = handles[number] else { throw SFTPFailure(EBADF) }
        var entries: [(name: [UInt8], attributes: SFTPAttributes)] = []
        while entries.count < 128, let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: UInt8.self, capacity: 256) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen($0)))
                }
            }
            if name == Array(".".utf8) || name == Array("..".utf8) { continue }
            // One that has just been removed has nothing to tell.
            guard let status = try? files.status(name.map { CChar(bitPattern: $0) } + [0], in: dirfd(stream)) else {
                continue
            }
            entries.append((name, status))
        }
        guard !entries.isEmpty else { throw SFTPFailure(status: SFTPStatus.endOfFile, message: "EOF") }
        var answer = SFTPWriter(SFTPType.name, id: id)
        answer.uint32(UInt32(entries.count))
        for entry in entries {
            answer.data(entry.name)
            answer.data(SFTPFiles.longName(entry.name, entry.attributes))
            answer.attributes(entry.attributes)
        }
        return answer
    }

    private func attributes(_ id: UInt32, _ attributes: SFTPAttributes) -> SFTPWriter {
        var answer = SFTPWriter(SFTPType.attributes, id: id)
        answer.attributes(attributes)
        return answer
    }

    private func name(_ id: UInt32, _ path: [UInt8]) -> SFTPWriter {
        var answer = SFTPWriter(SFTPType.name, id: id)
        answer.uint32(1)
        answer.data(path)
        answer.data(path)
        answer.attributes(SFTPAttributes())
        return answer
    }

    // MARK: Packets

    private func sendVersion() -> Bool {
        var answer = SFTPWriter(SFTPType.version)
        answer.uint32(3)
        for (name, version) in [
            ("posix-rename@openssh.com", "1"), ("statvfs@openssh.com", "2"), ("hardlink@openssh.com", "1"),
            ("fsync@openssh.com", "1"),
        ] {
            answer.text(name)
            answer.text(version)
        }
        return send(answer)
    }

    private func send(_ answer: SFTPWriter) -> Bool {
        var bytes = answer.finished()[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(connection, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    private func receive() -> [UInt8]? {
        guard let head = receive(4) else { return nil }
        let size = head.reduce(0) { $0 << 8 | Int($1) }
        guard size >= 1, size <= Self.packetSizeMax else { return nil }
        return receive(size)
    }

    private func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes[done...].withUnsafeMutableBytes { Glibc.read(connection, $0.baseAddress, $0.count) }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { return nil }
            done += got
        }
        return bytes
    }
}

/// Something a client has open.
enum SFTPHandle {
    case file(Int32)
    case directory(OpaquePointer)

    func close() {
        switch self {
        case .file(let descriptor): _ = Glibc.close(descriptor)
        case .directory(let stream): closedir(stream)
        }
    }
}

/// Why a request was refused.
struct SFTPFailure: Error {
    let status: UInt32
    let message: String

    init(status: UInt32, message: String) { (self.status, self.message) = (status, message) }

    /// From an error number of the kernel, positive or negative.
    init(_ number: Int32) {
        let number = abs(number)
        switch number {
        case ENOENT: status = SFTPStatus.noSuchFile
        case EPERM, EACCES: status = SFTPStatus.permissionDenied
        default: status = SFTPStatus.failure
        }
        message = String(cString: strerror(number))
    }

    func answer(_ id: UInt32) -> SFTPWriter {
        var answer = SFTPWriter(SFTPType.status, id: id)
        answer.uint32(status)
        answer.text(message)
        answer.text("en")
        return answer
    }
}
