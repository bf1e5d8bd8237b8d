import Glibc
import LXDAPI
import LXDLinux
import LXDRuntimePlan
import SystemPackage

/// A character or block device that the container gets as a node of its own.
package struct UnixDevice: Device {
    let settings: DeviceSettings

    package var name: String { settings.name }
    package let updatableKeys: Set<String> = []

    /// The node on the host that it is like.
    package var source: String { settings["source"].isEmpty ? settings["path"] : settings["source"] }
    private var target: String {
        PathNames.relative(settings["path"].isEmpty ? settings["source"] : settings["path"]) ?? ""
    }
    package var isBlock: Bool { settings["type"] == "unix-block" }
    /// Required unless said otherwise: a start without it fails. One that is not comes and goes with the host's.
    package var isRequired: Bool { !settings.isFalse("required") }

    /// For a device that is not required: the host's node it follows, and whether the container has it now.
    package static func optionalNode(
        _ name: String, _ config: [String: String], devicesDirectory: String
    ) -> (path: String, isShown: Bool)? {
        guard config["type"] == "unix-char" || config["type"] == "unix-block" else { return nil }
        let owner = DeviceOwner(project: "", instance: "", isPrivileged: false, devicesDirectory: devicesDirectory)
        let device = UnixDevice(settings: DeviceSettings(name: name, config: config, instanceConfig: [:], owner: owner))
        guard !device.isRequired else { return nil }
        return (device.source, !device.ownNodes().isEmpty)
    }

    private var prefix: String { PathNames.encode("unix.\(name)") + "." }
    private var nodeName: String { PathNames.encode("unix.\(name).\(target)") }

    package func start() async throws -> DeviceStart {
        let device = self
        return try await BlockingPool.shared.run { try device.make() }
    }

    package func stop() async throws -> [String: String?] {
        let (directory, names) = (settings.owner.devicesDirectory, ownNodes())
        await BlockingPool.shared.run { for name in names { _ = unlink("\(directory)/\(name)") } }
        return [:]
    }

    package func detach(from target: any HotplugTarget) async throws {
        for node in shownNodes() { try await target.remove(node) }
    }

    package func update(from old: any Device, isRunning: Bool) async throws {}

    // MARK: Nodes

    private func make() throws -> DeviceStart {
        var numbers = try configuredNumbers()
        if let found = Self.attributes(source) {
            guard found.isBlock == isBlock else {
                throw LXDError.badRequest("Path specified is not a \(settings["type"]) device")
            }
            numbers = numbers ?? (found.major, found.minor)
        }
        guard let (major, minor) = numbers else {
            guard isRequired else { return DeviceStart() }
            throw LXDError.badRequest(
                "The required device path doesn't exist and the major and minor settings are not specified")
        }
        let directory = settings.owner.devicesDirectory
        guard mkdir(directory, 0o711) == 0 || errno == EEXIST else {
            throw LXDError.internalError("Failed to create devices path: \(Errno(rawValue: errno))")
        }
        // Another device may be shown under the same path already: then this one's node is made, and not shown.
        let isShadowed = isTaken(in: directory)
        let path = "\(directory)/\(nodeName)"
        try makeNode(path, major, minor)
        var start = DeviceStart()
        if !isShadowed {
            start.deviceNodes = [DeviceNode(hostPath: path, path: target, isBlock: isBlock, major: major, minor: minor)]
        }
        return start
    }

    private func makeNode(_ path: String, _ major: UInt32, _ minor: UInt32) throws(LXDError) {
        let mode = UInt32(settings["mode"], radix: 8) ?? 0o660
        let kind: mode_t = isBlock ? 0o060000 : 0o020000
        _ = unlink(path)
        guard mknod(path, kind | mode_t(mode & 0o7777), Self.number(major, minor)) == 0 else {
            throw .internalError("Failed to create device \(path) for \(source): \(Errno(rawValue: errno))")
        }
        let owner = settings.owner
        let uid = owner.rootUID &+ (UInt32(settings["uid"]) ?? 0)
        let gid = owner.rootGID &+ (UInt32(settings["gid"]) ?? 0)
        guard lchown(path, uid, gid) == 0, chmod(path, mode_t(mode & 0o7777)) == 0 else {
            let code = Errno(rawValue: errno)
            _ = unlink(path)
            throw .internalError("Failed to chown device \(path): \(code)")
        }
    }

    private func configuredNumbers() throws(LXDError) -> (UInt32, UInt32)? {
        let (major, minor) = (settings["major"], settings["minor"])
        if major.isEmpty && minor.isEmpty { return nil }
        guard let first = UInt32(major), let second = UInt32(minor) else {
            throw .badRequest("Both major and minor must be supplied for device: \(source)")
        }
        return (first, second)
    }

    /// Nodes of this device on the host.
    private func ownNodes() -> [String] { names().filter { $0.hasPrefix(prefix) } }

    /// Those of them that the container sees, as far as no other device is shown in their place.
    private func shownNodes() -> [DeviceNode] {
        let others = Set(names().filter { !$0.hasPrefix(prefix) }.map(Self.target(ofNode:)))
        let directory = settings.owner.devicesDirectory
        return ownNodes().compactMap { name in
            let encoded = Self.target(ofNode: name)
            guard !others.contains(encoded), let found = Self.attributes("\(directory)/\(name)") else { return nil }
            return DeviceNode(
                hostPath: "\(directory)/\(name)", path: PathNames.decode(encoded), isBlock: found.isBlock,
                major: found.major, minor: found.minor)
        }
    }

    private func isTaken(in directory: String) -> Bool {
        let own = PathNames.encode(target)
        return names().contains { !$0.hasPrefix(prefix) && Self.target(ofNode: $0) == own }
    }

    /// The encoded path behind type and name: `unix.NAME.PATH`. Names have no full stops once encoded paths begin, so
    /// the last one is it, as in LXD.
    private static func target(ofNode name: String) -> String {
        name.lastIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? name
    }

    private func names() -> [String] {
        guard let folder = opendir(settings.owner.devicesDirectory) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix("unix.") { names.append(name) }
        }
        return names
    }

    /// nil when there is no such device node.
    package static func attributes(_ path: String) -> (isBlock: Bool, major: UInt32, minor: UInt32)? {
        guard let status = try? FileStatus.of(path: path) else { return nil }
        guard status.kind == .blockDevice || status.kind == .characterDevice else { return nil }
        return (status.kind == .blockDevice, status.nodeMajor, status.nodeMinor)
    }

    /// Linux's coding of both numbers in one.
    private static func number(_ major: UInt32, _ minor: UInt32) -> dev_t {
        let (major, minor) = (UInt64(major), UInt64(minor))
        let number = (major & 0xfff) << 8 | (major & ~0xfff) << 32 | (minor & 0xff) | (minor & ~0xff) << 12
        return dev_t(number)
    }
}
