import CLXDLinux
import Glibc
import Synchronization
import SystemPackage

/// A conversation with the kernel about links, addresses and routes of the namespace it was opened in.
///
/// Requests are short system calls that end inside the kernel, yet deleting a link or dumping thousands takes
/// milliseconds: call from a thread that may block. One request runs at a time; several sockets may be open.
package final class RouteSocket: Sendable {
    private struct State {
        var sequence: UInt32 = 0
        var buffer = [UInt8](repeating: 0, count: RouteSocket.bufferLength)
    }

    private let descriptor: Int32
    private let state = Mutex(State())

    /// The kernel fits a part of a dump to the reader's buffer, of at most 32 KiB; a single link with many
    /// virtual functions can be longer.
    private static let bufferLength = 64 * 1024
    private static let attemptsMax = 8
    private static let messagesMax = 1_000_000
    private static let receiveTimeoutSeconds = 10

    /// - Throws: `tooManyOpenFiles` and the like.
    package init() throws(NetlinkError) {
        let opened = socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard opened >= 0 else { throw NetlinkError(Errno(rawValue: Glibc.errno), "open", "netlink socket") }
        descriptor = opened
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        // Strict checking makes dumps honour their filters (link, other namespace); the other two are comfort.
        _ = setsockopt(opened, 270, 12, &one, size)
        _ = setsockopt(opened, 270, 11, &one, size)
        _ = setsockopt(opened, 270, 10, &one, size)
        var limit = timeval(tv_sec: Self.receiveTimeoutSeconds, tv_usec: 0)
        _ = setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Sends a change and waits for the kernel's verdict.
    package func perform(_ message: NetlinkMessage, _ operation: String, _ subject: String) throws(NetlinkError) {
        var message = message
        message.addFlags(NLM.acknowledge)
        _ = try converse(message, operation, subject)
    }

    /// Asks for one object.
    package func get(_ message: NetlinkMessage, _ operation: String, _ subject: String) throws(NetlinkError)
        -> [NetlinkAnswer]
    {
        var message = message
        message.addFlags(NLM.acknowledge)
        return try converse(message, operation, subject)
    }

    /// Asks for all objects of a kind; once more when they changed meanwhile.
    package func dump(_ message: NetlinkMessage, _ operation: String, _ subject: String) throws(NetlinkError)
        -> [NetlinkAnswer]
    {
        var message = message
        message.addFlags(NLM.dump)
        for _ in 0..<Self.attemptsMax {
            do {
                return try converse(message, operation, subject)
            } catch where error.errno == .interrupted {
                continue
            }
        }
        throw NetlinkError(.resourceBusy, operation, subject, detail: "changed all the time while being listed")
    }

    private func converse(_ message: NetlinkMessage, _ operation: String, _ subject: String) throws(NetlinkError)
        -> [NetlinkAnswer]
    {
        let outcome = state.withLock { state -> Result<[NetlinkAnswer], NetlinkError> in
            state.sequence &+= 1
            let request = message.finished(sequence: state.sequence)
            do throws(NetlinkFailure) {
                try transmit(request)
                return .success(try collect(sequence: state.sequence, into: &state.buffer))
            } catch {
                return .failure(NetlinkError(error.errno, operation, subject, detail: error.detail))
            }
        }
        return try outcome.get()
    }

    private func transmit(_ request: [UInt8]) throws(NetlinkFailure) {
        while true {
            // No address: an unconnected netlink socket sends to the kernel.
            let sent = request.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
            if sent == request.count { return }
            let code = Glibc.errno
            if sent < 0, code == EINTR { continue }
            throw NetlinkFailure(errno: Errno(rawValue: sent < 0 ? code : EIO))
        }
    }

    /// Reads until the conversation's end: an acknowledgement, an error, or the end of a dump.
    private func collect(sequence: UInt32, into buffer: inout [UInt8]) throws(NetlinkFailure) -> [NetlinkAnswer] {
        var answers: [NetlinkAnswer] = []
        while true {
            let length = try receive(into: &buffer)
            var decoder = NetlinkDecoder(sequence: sequence)
            let isDone = try decoder.decode(buffer[0..<length], into: &answers)
            if isDone { return answers }
            guard answers.count < Self.messagesMax else { throw NetlinkFailure(errno: Errno(rawValue: EOVERFLOW)) }
        }
    }

    private func receive(into buffer: inout [UInt8]) throws(NetlinkFailure) -> Int {
        while true {
            // sockaddr_nl: family, padding, port, groups. Port 0 is the kernel; a process could write to us too.
            var sender = [UInt32](repeating: 0, count: 3)
            var senderLength = socklen_t(12)
            let count = buffer.withUnsafeMutableBytes { bytes in
                sender.withUnsafeMutableBytes { address in
                    recvfrom(
                        descriptor, bytes.baseAddress, bytes.count, Int32(MSG_TRUNC),
                        address.baseAddress?.assumingMemoryBound(to: sockaddr.self), &senderLength)
                }
            }
            let code = Glibc.errno
            if count < 0 {
                if code == EINTR { continue }
                throw NetlinkFailure(errno: Errno(rawValue: code == EAGAIN ? ETIMEDOUT : code))
            }
            guard sender[1] == 0 else { continue }
            guard count <= buffer.count else { throw NetlinkFailure(errno: Errno(rawValue: EOVERFLOW)) }
            return count
        }
    }
}

/// One object of an answer: its message type and what follows the header.
package struct NetlinkAnswer: Sendable, Equatable {
    package let type: UInt16
    package let body: ArraySlice<UInt8>
}

struct NetlinkFailure: Error, Equatable {
    var errno: Errno
    var detail: String?
}

/// Splits datagrams into messages of one conversation.
struct NetlinkDecoder {
    let sequence: UInt32

    /// - Returns: Whether the conversation has ended.
    /// - Throws: The kernel's error; `interrupted` when a dump is not consistent.
    mutating func decode(_ datagram: ArraySlice<UInt8>, into answers: inout [NetlinkAnswer]) throws(NetlinkFailure)
        -> Bool
    {
        var rest = datagram
        while !rest.isEmpty {
            var reader = NetlinkReader(rest)
            guard let length = reader.number(UInt32.self), let type = reader.number(UInt16.self),
                let flags = reader.number(UInt16.self), let number = reader.number(UInt32.self),
                reader.number(UInt32.self) != nil,
                length >= NetlinkMessage.headerLength, Int(length) <= rest.count
            else { throw NetlinkFailure(errno: .ioError, detail: "malformed netlink answer") }
            let body = rest.prefix(Int(length)).dropFirst(NetlinkMessage.headerLength)
            rest = rest.dropFirst(min(rest.count, (Int(length) + 3) & ~3))
            // What is left of an earlier conversation that ended by a timeout.
            guard number == sequence else { continue }
            if flags & NLM.dumpInterrupted != 0 { throw NetlinkFailure(errno: .interrupted) }
            switch type {
            case NLM.error:
                try Self.check(body, flags: flags)
                return true
            case NLM.done:
                try Self.check(body, flags: flags)
                return true
            default:
                answers.append(NetlinkAnswer(type: type, body: ArraySlice(Array(body))))
            }
        }
        return false
    }

    /// An error message starts with a negative errno or 0; the kernel's sentence is an attribute behind it.
    private static func check(_ body: ArraySlice<UInt8>, flags: UInt16) throws(NetlinkFailure) {
        var reader = NetlinkReader(body)
        guard let code = reader.number(Int32.self), code < 0 else { return }
        var detail: String?
        if flags & NLM.extendedAcknowledge != 0 {
            var echo = reader
            let echoed = Int(echo.number(UInt32.self) ?? 0)
            let length =
                flags & NLM.capped != 0 ? NetlinkMessage.headerLength : max(echoed, NetlinkMessage.headerLength)
            if reader.skip((length + 3) & ~3) {
                while let (type, payload) = reader.attribute(), type == NLM.extendedMessage {
                    detail = NetlinkReader.string(payload)
                }
            }
        }
        throw NetlinkFailure(errno: Errno(rawValue: -code), detail: detail)
    }
}

extension NetlinkMessage {
    mutating func addFlags(_ flags: UInt16) {
        self = withFlags(flags)
    }

    private func withFlags(_ flags: UInt16) -> NetlinkMessage {
        var reader = NetlinkReader(bytes[4...])
        let type = reader.number(UInt16.self) ?? 0
        let old = reader.number(UInt16.self) ?? 0
        var copy = NetlinkMessage(type: type, flags: old | flags)
        copy.append(raw: bytes.dropFirst(Self.headerLength))
        return copy
    }
}
