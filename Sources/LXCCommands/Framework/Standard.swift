import CLXDLinux
import Glibc

/// The process's own three streams, without buffers: what is written is seen at once and in order.
enum Standard {
    static let input: Int32 = 0
    static let outputDescriptor: Int32 = 1
    static let errorDescriptor: Int32 = 2

    /// Data for the caller.
    static func output(_ text: String) { write(text, to: outputDescriptor) }

    /// Talk.
    static func error(_ text: String) { write(text, to: errorDescriptor) }

    /// Writes all bytes; a reader that went away ends the process as any filter would.
    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) }
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno == EAGAIN {
                var poller = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&poller, 1, -1)
            } else if errno != EINTR {
                return
            }
        }
    }

    /// Everything that the standard input holds, up to `limit` bytes.
    static func readInput(limit: Int = 64 << 20) throws -> [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(input, $0.baseAddress, $0.count) }
            if count == 0 { return content }
            if count < 0 {
                if errno == EINTR { continue }
                throw CommandFailure("Can't read from stdin: \(errorText(errno))")
            }
            content += buffer[..<count]
            if content.count > limit { throw CommandFailure("Can't read from stdin: more than \(limit) bytes") }
        }
    }

    static func readInputText() throws -> String { String(decoding: try readInput(), as: UTF8.self) }

    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Columns and rows of a terminal.
    static func terminalSize(of descriptor: Int32) -> (columns: Int, rows: Int)? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// The kernel's text for an error number, in lower case as Go prints it.
    static func errorText(_ code: Int32) -> String {
        String(cString: strerror(code)).lowercased()
    }

    /// One line without its end; nil when the input has ended.
    static func readLine() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = read(input, &byte, 1)
            if count == 1 {
                if byte == UInt8(ascii: "\n") { break }
                line.append(byte)
            } else if count == 0 || errno != EINTR {
                if line.isEmpty { return nil }
                break
            }
        }
        return String(decoding: line, as: UTF8.self)
    }
}
