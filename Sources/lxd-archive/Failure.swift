import CLXDLinux
import Glibc

/// Why the work ended. The word is for the program that started us, the text for people.
struct Failure: Error {
    enum Kind: String {
        /// The archive holds something no honest one holds.
        case hostile
        /// A limit was reached.
        case limit
        /// The archive is damaged or of an unknown kind.
        case corrupt
        case noSpace = "no-space"
        case io
        case usage
    }
    var kind: Kind
    var message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// A system call's error: `WHAT "PATH": REASON`.
    static func system(_ what: String, _ path: Bytes, _ error: Int32) -> Failure {
        let reason = String(cString: strerror(error))
        let kind: Kind = error == ENOSPC || error == EDQUOT ? .noSpace : error == EFBIG ? .limit : .io
        return Failure(kind, path.isEmpty ? "\(what): \(reason)" : "\(what) \(quoted(path)): \(reason)")
    }
}

/// A name as the kernel has it: bytes without NUL.
typealias Bytes = [UInt8]

extension Bytes {
    init(cString: UnsafePointer<CChar>) {
        self = cString.withMemoryRebound(to: UInt8.self, capacity: strlen(cString)) {
            Bytes(UnsafeBufferPointer(start: $0, count: strlen(cString)))
        }
    }

    /// Calls `body` with the name as a C string.
    func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        var terminated = self
        terminated.append(0)
        return try terminated.withUnsafeBufferPointer { buffer in
            // SAFETY: the buffer is not empty: it ends with the NUL just added.
            try buffer.withMemoryRebound(to: CChar.self) { try body($0.baseAddress.unsafelyUnwrapped) }
        }
    }
}

/// A name for a message: control characters and what is no UTF-8 are escaped, and it is cut at 200 bytes.
func quoted(_ name: Bytes) -> String {
    var text = "\""
    let shown = String(decoding: name.prefix(200), as: UTF8.self)
    for scalar in shown.unicodeScalars {
        if scalar.value < 0x20 || scalar.value == 0x7f {
            text += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        } else if scalar == "\"" || scalar == "\\" {
            text += "\\" + String(scalar)
        } else {
            text += String(scalar)
        }
    }
    return text + (name.count > 200 ? "…\"" : "\"")
}

/// Turns `-errno` into a failure.
@discardableResult
func check(_ result: Int32, _ what: String, _ path: Bytes = []) throws(Failure) -> Int32 {
    guard result >= 0 else { throw Failure.system(what, path, -result) }
    return result
}

@discardableResult
func check(_ result: Int, _ what: String, _ path: Bytes = []) throws(Failure) -> Int {
    guard result >= 0 else { throw Failure.system(what, path, Int32(truncatingIfNeeded: -result)) }
    return result
}

/// A descriptor closed when the last holder lets go: keep it in a variable for as long as its number is in use.
final class Descriptor {
    let number: Int32
    init(_ number: Int32) { self.number = number }
    deinit { close(number) }
}
