import Glibc
import LXDAPI
import LXDLinux
import LXDRuntimePlan
import SystemPackage

/// A folder, file, block device or custom volume of the host that the container sees. The root disk is the storage's
/// business and adds nothing here.
package struct DiskDevice: Device {
    let settings: DeviceSettings
    let storage: any StorageProvider

    package var name: String { settings.name }
    package let updatableKeys: Set<String> = ["limits.max", "limits.read", "limits.write", "size", "size.state"]

    private var isRoot: Bool { settings["path"] == "/" }
    private var source: String { settings["source"] }
    private var target: String { PathNames.relative(settings["path"]) ?? "" }

    /// Where a block device of the host is mounted for the container.
    private var mountPoint: String {
        "\(settings.owner.devicesDirectory)/\(PathNames.encode("disk.\(name).\(target)"))"
    }

    /// The folder in which custom volumes are within the container's reach, and nobody else's.
    private var volumesFolder: String { settings.owner.devicesDirectory + "/volumes" }
    private var volumePoint: String { "\(volumesFolder)/\(PathNames.encode("disk.\(name).\(target)"))" }

    package func start() async throws -> DeviceStart {
        guard !isRoot else { return DeviceStart() }
        try refuseUnsupported()
        guard !target.isEmpty else {
            throw LXDError.badRequest("Disk device \(goQuoted(name)) has no path inside the container")
        }
        do {
            return try await settings["pool"].isEmpty ? startLocal() : startVolume()
        } catch let error as MissingSource where !DiskRules.isRequired(settings.config) {
            _ = error
            return DeviceStart()
        } catch let error as MissingSource {
            throw LXDError.badRequest(error.message)
        }
    }

    package func stop() async throws -> [String: String?] {
        guard !isRoot else { return [:] }
        if !settings["pool"].isEmpty, let volume = volumeName {
            try await storage.unmountVolume(pool: settings["pool"], volume: volume, owner: settings.owner)
        }
        let (points, folder) = ([mountPoint, volumePoint], volumesFolder)
        await BlockingPool.shared.run {
            // Nothing may be mounted there, or there may be no such folder: then these do nothing.
            for point in points {
                _ = umount2(point, Int32(MNT_DETACH))
                if rmdir(point) != 0 { _ = unlink(point) }
            }
            _ = rmdir(folder)
        }
        return [:]
    }

    package func detach(from target: any HotplugTarget) async throws {
        guard !isRoot else { throw LXDError.badRequest("The root disk cannot be removed from a running container") }
        try await target.unmount(self.target)
    }

    package func update(from old: any Device, isRunning: Bool) async throws {}

    private struct MissingSource: Error { let message: String }

    private func refuseUnsupported() throws(LXDError) {
        if source.hasPrefix("ceph:") || source.hasPrefix("cephfs:") {
            throw .notImplemented("Ceph disks are not supported by this server")
        }
        if source == "cloud-init:config" {
            throw .badRequest("disks with source=cloud-init:config are only supported by virtual machines")
        }
    }

    private func startLocal() async throws -> DeviceStart {
        let source = source
        if let limit = try await storage.sourceLimit(source, owner: settings.owner) {
            return try await startConfined(below: limit)
        }
        // Whatever the reason, a source that cannot be looked at cannot be shown.
        let kind = await BlockingPool.shared.run { (try? FileStatus.of(path: source))?.kind }
        guard let kind else { throw MissingSource(message: "Missing source path \(goQuoted(source))") }
        if kind == .blockDevice { return try await startBlockDevice() }
        return entry(source: source, isFile: kind != .directory, isShifted: settings.isTrue("shift"))
    }

    /// Shows what the path is now, found without leaving the folder: a guest that can write there may put a link in the
    /// path at any time, so that the path itself is used only once.
    private func startConfined(below limit: String) async throws -> DeviceStart {
        guard !settings.isTrue("shift") else {
            throw LXDError.badRequest("The \"shift\" property cannot be used with a restricted source path")
        }
        let (point, source, settings) = (mountPoint, source, settings)
        let isFile = try await BlockingPool.shared.run {
            let folder = try ConfinedDirectory(path: limit, resolution: .beneath)
            let found: OwnedDescriptor
            do throws(Errno) {
                found = try folder.reference(String(source.dropFirst(limit == "/" ? 0 : limit.count)))
            } catch {
                throw Self.failure(error, source, limit)
            }
            let kind = try FileStatus.of(found.descriptor).kind
            guard kind != .blockDevice else {
                throw LXDError.badRequest("Block devices cannot be used with a restricted source path")
            }
            _ = umount2(point, Int32(MNT_DETACH))
            try makeHostDirectories(settings.owner.devicesDirectory)
            if kind == .directory {
                guard mkdir(point, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
            } else {
                try FileDescriptor.open(point, .writeOnly, options: [.create, .closeOnExec], permissions: .ownerReadWrite).close()
            }
            try Mounts.bind(found.descriptor, to: point, recursive: settings.isTrue("recursive"))
            withExtendedLifetime(found) {}
            return kind != .directory
        }
        return entry(source: point, isFile: isFile, isShifted: false)
    }

    private static func failure(_ error: Errno, _ source: String, _ limit: String) -> any Error {
        switch error {
        case .noSuchFileOrDirectory, .notDirectory: MissingSource(message: "Missing source path \(goQuoted(source))")
        case .improperLink:
            LXDError.badRequest(
                "Source path \(goQuoted(source)) resolves outside of restricted parent source path \(goQuoted(limit))")
        default: LXDError.internalError("Failed opening source path \(goQuoted(source)): \(error)")
        }
    }

    private func startVolume() async throws -> DeviceStart {
        guard let volume = volumeName else {
            throw LXDError.badRequest("Unknown storage type prefix found in \(goQuoted(source))")
        }
        do {
            let (path, isShifted) = try await storage.mountVolume(
                pool: settings["pool"], volume: volume, owner: settings.owner)
            try await bindVolume(path)
            return entry(source: volumePoint, isFile: false, isShifted: isShifted)
        } catch let error as LXDError where error.code == .notFound {
            throw MissingSource(message: "Failed mounting volume: \(error.message)")
        }
    }

    /// Shows the volume where the container's root can get at it: the pool itself is closed to everybody but the host's
    /// root, since a program that a container made setuid there would be so for all users of the host.
    private func bindVolume(_ path: String) async throws {
        let (point, folder, owner, isRecursive) = (volumePoint, volumesFolder, settings.owner, settings.isTrue("recursive"))
        try await BlockingPool.shared.run {
            try makeHostDirectories(owner.devicesDirectory)
            guard mkdir(folder, 0o500) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
            guard lchown(folder, owner.rootUID, owner.rootGID) == 0, chmod(folder, 0o500) == 0 else { throw Errno(rawValue: errno) }
            // What a start that was cut short left there.
            _ = umount2(point, Int32(MNT_DETACH))
            guard mkdir(point, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
            let volume = try ConfinedDirectory(path: path)
            try Mounts.bind(volume.descriptor, to: point, recursive: isRecursive)
            withExtendedLifetime(volume) {}
        }
    }

    /// `VOLUME` or `custom/VOLUME`.
    private var volumeName: String? {
        let parts = source.split(separator: "/", maxSplits: 1)
        if parts.count == 2 { return parts[0] == "custom" ? String(parts[1]) : nil }
        return source
    }

    /// A block device is mounted on the host first: the container may not mount it itself.
    private func startBlockDevice() async throws -> DeviceStart {
        let probe = try await ProcessRunner.run(
            "blkid", ["-p", "-s", "TYPE", "-o", "value", source], deadline: .seconds(20))
        let type = probe.outputText.filter { !$0.isWhitespace }
        guard probe.exit.isSuccess, !type.isEmpty, type.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
            throw LXDError.badRequest("Failed detecting source path \(goQuoted(source)) block device filesystem")
        }
        let (point, source, options) = (mountPoint, source, MountOptions(settings["raw.mount.options"]))
        let (directory, isReadOnly) = (settings.owner.devicesDirectory, settings.isTrue("readonly"))
        try await BlockingPool.shared.run {
            // What a start that was cut short left there.
            _ = umount2(point, Int32(MNT_DETACH))
            guard mkdir(directory, 0o711) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
            guard mkdir(point, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
            let flags = options.flags | (isReadOnly ? UInt(MS_RDONLY) : 0)
            guard mount(source, point, type, flags, options.data) == 0 else {
                let code = Errno(rawValue: errno)
                rmdir(point)
                throw LXDError.badRequest(
                    "Unable to mount \(goQuoted(source)) at \(goQuoted(point)) with filesystem \(goQuoted(type)): \(code)"
                )
            }
        }
        return entry(source: point, isFile: false, isShifted: settings.isTrue("shift"))
    }

    private func entry(source: String, isFile: Bool, isShifted: Bool) -> DeviceStart {
        var options = settings.isTrue("readonly") ? ["ro"] : []
        options.append(settings.isTrue("recursive") ? "rbind" : "bind")
        if !settings["propagation"].isEmpty { options.append(settings["propagation"]) }
        var start = DeviceStart()
        start.mounts = [
            MountEntry(
                source: source, target: target, options: options, idmapped: isShifted && !settings.owner.isPrivileged,
                create: isFile ? .file : .directory)
        ]
        return start
    }
}
