import Glibc

/// What the server says of the machine it runs on; read once at start.
package struct HostFacts: Sendable {
    package let kernel: String
    package let kernelVersion: String
    package let machine: String
    package let osName: String
    package let osVersion: String
    /// LXD's names, the host's own first.
    package let architectures: [String]

    package init(files: KernelFiles = KernelFiles()) {
        var name = utsname()
        uname(&name)
        kernel = Self.text(&name.sysname)
        kernelVersion = Self.text(&name.release)
        machine = Self.text(&name.machine)
        var release: [Substring: String] = [:]
        for line in files.lines("/etc/os-release") {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            release[parts[0]] = parts[1].filter { $0 != "\"" }
        }
        osName = release["NAME"] ?? ""
        osVersion = release["VERSION_ID"] ?? ""
        switch machine {
        case "x86_64": architectures = ["x86_64", "i686"]
        case "aarch64": architectures = ["aarch64", "armv7l"]
        default: architectures = [machine]
        }
    }

    private static func text<Field>(_ field: inout Field) -> String {
        withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    package static func hostName() -> String {
        var name = utsname()
        uname(&name)
        return text(&name.nodename)
    }
}
