package import SystemPackage

/// What the kernel refused, of which object, and why.
package struct NetlinkError: Error, Equatable, CustomStringConvertible {
    package let errno: Errno
    /// What was being done: "create bridge", "set MTU of".
    package let operation: String
    /// The link, address or route it was done to.
    package let subject: String
    /// The kernel's own sentence, when it gave one.
    package let detail: String?

    package init(_ errno: Errno, _ operation: String, _ subject: String, detail: String? = nil) {
        self.errno = errno
        self.operation = operation
        self.subject = subject
        self.detail = detail
    }

    package var description: String {
        let cause = detail.map { "\(errno) (\($0))" } ?? "\(errno)"
        return "Failed to \(operation) \"\(subject)\": \(cause)"
    }
}

extension Errno {
    /// ENODEV: there is no such link.
    package static var noSuchDevice: Errno { Errno(rawValue: 19) }
}
