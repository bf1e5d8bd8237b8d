import Glibc
package import LXDAPI
import LXDLinux
import LXDNetlink
import SystemPackage

/// The folder `dnsmasq.hosts` of a network: one file a NIC.
package struct StaticHostFiles: Sendable {
    let directory: String

    package init(_ files: DnsmasqPlan.Files) { directory = files.hosts }

    /// Makes the folder hold exactly these entries.
    /// - Returns: Whether anything changed.
    @discardableResult
    package func replace(with hosts: [StaticHost], mode: BridgeConfiguration.DNSMode) throws(LXDError) -> Bool {
        let wanted = try StaticHost.files(for: hosts, mode: mode)
        var hasChanged = false
        for name in names() where wanted[name] == nil {
            unlink(directory + "/" + name)
            hasChanged = true
        }
        for (name, text) in wanted { hasChanged = try write(name, text) || hasChanged }
        return hasChanged
    }

    /// - Returns: Whether anything changed.
    package func set(_ host: StaticHost, mode: BridgeConfiguration.DNSMode) throws(LXDError) -> Bool {
        guard let line = try host.line(mode) else { return remove(host.fileName) }
        return try write(host.fileName, line + "\n")
    }

    package func contains(_ fileName: String) -> Bool {
        Self.isSafe(fileName) && access(directory + "/" + fileName, F_OK) == 0
    }

    /// - Returns: Whether there was such a file.
    @discardableResult
    package func remove(_ fileName: String) -> Bool {
        Self.isSafe(fileName) && unlink(directory + "/" + fileName) == 0
    }

    /// The addresses in an entry.
    func addresses(of fileName: String) -> [IPAddress] {
        guard Self.isSafe(fileName), let text = try? AtomicFile.readText(directory + "/" + fileName, limit: 65536) else {
            return []
        }
        return text.split { $0 == "," || $0 == "\n" }.compactMap { field in
            IPAddress(String(field.filter { $0 != "[" && $0 != "]" }))
        }
    }

    /// The addresses in all entries.
    func addresses() -> [String: [IPAddress]] {
        Dictionary(names().map { ($0, addresses(of: $0)) }) { first, _ in first }
    }

    /// Names of the entries.
    package func names() -> [String] { Folder.names(in: directory) }

    private func write(_ name: String, _ text: String) throws(LXDError) -> Bool {
        guard Self.isSafe(name) else { throw .badRequest("Invalid name for a DHCP entry: \(goQuoted(name))") }
        let path = directory + "/" + name
        if (try? AtomicFile.readText(path, limit: 65536)) == text { return false }
        // dnsmasq reads every file of the folder that does not begin with ".": a half-written one must not be there.
        let temporary = directory + "/." + name
        do {
            try AtomicFile.write(text, to: temporary, mode: 0o644, sync: false)
            guard rename(temporary, path) == 0 else { throw Errno(rawValue: errno) }
        } catch { throw .internalError("Failed to write DHCP entry \(goQuoted(name)): \(error)") }
        return true
    }

    private static func isSafe(_ name: String) -> Bool {
        !name.isEmpty && name.first != "." && !name.contains("/") && !name.hasControlCharacters && name.utf8.count < 250
    }
}
