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
    package let kernelFeatures: [String: String]

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
        let version = kernelVersion.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        func isAtLeast(_ major: Int, _ minor: Int) -> String {
            String(version.count == 2 && (version[0], version[1]) >= (major, minor))
        }
        kernelFeatures = [
            // What later kernels always have is known by their version; the rest stays unused and is said to be off.
            "idmapped_mounts": isAtLeast(5, 12), "netnsid_getifaddrs": isAtLeast(4, 20),
            "seccomp_listener": isAtLeast(5, 0), "seccomp_listener_continue": isAtLeast(5, 5), "shiftfs": "false",
            "uevent_injection": isAtLeast(4, 13), "unpriv_fscaps": isAtLeast(4, 14),
        ]
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
