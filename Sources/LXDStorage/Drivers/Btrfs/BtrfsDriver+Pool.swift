internal import CLXDLinux
internal import Foundation
internal import Glibc
internal import LXDAPI
internal import LXDLinux
internal import Synchronization
internal import SystemPackage

/// The pool's keys as last told.
final class PoolConfig: Sendable {
    private let values: Mutex<[String: String]>

    init(_ values: [String: String]) { self.values = Mutex(values) }
    subscript(_ key: String) -> String? { values.withLock { values in values[key].flatMap { $0.isEmpty ? nil : $0 } } }
    func replace(_ new: [String: String]) { values.withLock { $0 = new } }
}

extension BtrfsDriver {
    private static let defaultMountOptions = "user_subvol_rm_allowed"

    package func createPool(config given: [String: String]) async throws -> [String: String] {
        var config = given
        config["volatile.initial_source"] = given["source"]
        let source = given["source"].flatMap { $0.isEmpty ? nil : $0 } ?? imageFile
        config["source"] = source
        if source == imageFile {
            let size = try await makeImageFile(given["size"])
            config["size"] = size
        } else if (try? FileStatus.of(path: source))?.kind == .blockDevice {
            config["size"] = nil
            try await format(source)
            let identifier = try await tool("blkid", ["-s", "UUID", "-o", "value", source])
            if access("/dev/disk/by-uuid/" + identifier, F_OK) == 0 { config["source"] = identifier }
        } else if source.hasPrefix("/") {
            config["size"] = nil
            try await blocking { [self] in try takeFolder(source) }
        } else {
            throw LXDError.badRequest("Invalid \"source\" property")
        }
        do {
            try await mount(config: config)
        } catch {
            try await unmount()
            if source == imageFile { _ = clxd_unlinkat(CLXD_AT_FDCWD, imageFile, 0) }
            throw error
        }
        return config
    }

    /// Makes a sparse file with a file system in it.
    /// - Returns: Its size as configured.
    private func makeImageFile(_ asked: String?) async throws -> String {
        let size: String
        if let asked, !asked.isEmpty {
            size = asked
        } else {
            // A fifth of the disk, at least 5 and at most 30 GiB.
            let folder = try ConfinedDirectory(
                path: String(imageFile.prefix(upTo: imageFile.lastIndex(of: "/") ?? imageFile.endIndex)))
            var space = clxd_volume_space()
            try check(clxd_fstatvfs(folder.descriptor.rawValue, &space))
            size = "\(min(30, max(5, (space.total >> 30) / 5)))GiB"
        }
        guard let bytes = Self.byteCount(size), bytes >= 114 << 20 else {
            throw LXDError.badRequest("Failed to create the sparse file: a btrfs pool takes at least 114MiB")
        }
        guard (try? FileStatus.of(path: imageFile)) == nil else {
            throw LXDError.conflict("Failed to create the sparse file: \(imageFile) already exists")
        }
        do {
            try await blocking { [imageFile] in
                let flags = UInt64(O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC)
                let file = try OwnedDescriptor(result: clxd_openat2(CLXD_AT_FDCWD, imageFile, flags, 0o600, 0))
                guard ftruncate(file.rawValue, off_t(bytes)) == 0 else { throw Errno(rawValue: clxd_errno()) }
            }
            try await format(imageFile)
        } catch {
            _ = clxd_unlinkat(CLXD_AT_FDCWD, imageFile, 0)
            throw error
        }
        return size
    }

    private func format(_ target: String) async throws {
        try await tool("mkfs.btrfs", ["-q", "-L", poolName, "--", target])
    }

    /// Takes an existing subvolume that is empty, or makes one where a btrfs file system is.
    private func takeFolder(_ source: String) throws {
        if BtrfsSubvolume.isOne(source) {
            guard try ConfinedDirectory(path: source).list().isEmpty else {
                throw LXDError.badRequest("Requested btrfs subvolume exists but is not empty")
            }
            return
        }
        let root = path.split(separator: "/").dropLast(2).reduce(into: "") { $0 += "/" + $1 }
        if (source + "/").hasPrefix(root + "/") {
            guard source == path else {
                throw LXDError.badRequest("Only allowed source path under \"\(root)\" is \"\(path)\"")
            }
            guard rmdir(source) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
        }
        let parent = String(source.prefix(upTo: source.lastIndex(of: "/") ?? source.startIndex))
        guard BtrfsSubvolume.isOnBtrfs(parent.isEmpty ? "/" : parent), !isThere(source) else {
            throw LXDError.badRequest("Provided path does not reside on a btrfs filesystem")
        }
        try BtrfsSubvolume.create(source)
    }

    package func mount(config: [String: String]) async throws {
        self.config.replace(config)
        let source = config["source"].flatMap { $0.isEmpty ? nil : $0 } ?? imageFile
        if source != path { try await mountSource(source, config["btrfs.mount_options"]) }
        try await blocking { [self] in
            guard BtrfsSubvolume.isOnBtrfs(path) else {
                throw LXDError.unavailable("Source path \"\(source)\" isn't btrfs")
            }
            for folder in layout.folders where folder.path != layout.layers {
                try makeHostDirectories(folder.path, mode: folder.mode)
                guard chmod(folder.path, folder.mode) == 0 else { throw Errno(rawValue: errno) }
            }
        }
    }

    private func mountSource(_ source: String, _ options: String?) async throws {
        let isMounted = try await blocking { [path] in
            try makeHostDirectories(path, mode: 0o711)
            return try MountTable.current().isMountPoint(path)
        }
        if isMounted { return }
        let chosen = options.flatMap { $0.isEmpty ? nil : $0 } ?? Self.defaultMountOptions
        if source == imageFile {
            try await tool("mount", ["-t", "btrfs", "-o", "loop," + chosen, "--", source, path])
        } else if source.hasPrefix("/"), (try? FileStatus.of(path: source))?.kind == .directory {
            try await blocking { [path] in try Mounts.bind(source, to: path) }
        } else {
            let device = source.hasPrefix("/") ? source : "/dev/disk/by-uuid/" + source
            try await tool("mount", ["-t", "btrfs", "-o", chosen, "--", device, path])
        }
    }

    package func unmount() async throws {
        try await blocking { [self] in if config["source"] != path { try Mounts.unmountTree(path) } }
    }

    package func deletePool() async throws {
        guard (try? FileStatus.of(path: path)) != nil else { return }
        let source = config["source"] ?? imageFile
        if BtrfsSubvolume.isOnBtrfs(path) {
            // Subvolumes go one by one, the rest at once; a bound source itself stays unless it is a subvolume.
            try await blocking { [self] in
                for place in try subvolumePlaces() { try BtrfsSubvolume.delete(place) }
            }
            let folder = try ConfinedDirectory(path: path)
            var command = ArchiveCommand("sweep")
            command.add("--in", descriptor: folder.descriptor.rawValue)
            do { try await archive.run(command) } catch { throw Self.translated(error) }
            withExtendedLifetime(folder) {}
        }
        try await unmount()
        try await blocking { [self] in
            // The root of a file system is a subvolume that only its administrator can remove.
            if source != imageFile, source.hasPrefix("/"), BtrfsSubvolume.isOne(source),
                try !MountTable.current().isMountPoint(source)
            {
                try BtrfsSubvolume.delete(source)
                // The administrator's folder stays, as an empty one.
                if source != path { try check(clxd_mkdirat(CLXD_AT_FDCWD, source, 0o700)) }
            }
            guard rmdir(path) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
            if source == imageFile { _ = clxd_unlinkat(CLXD_AT_FDCWD, imageFile, 0) }
        }
    }

    /// Every subvolume of ours.
    private func subvolumePlaces() throws -> [String] {
        var found: [String] = []
        for folder in [path + "/containers", path + "/custom", path + "/images", layout.staging, layout.trash] {
            found += try names(in: folder).map { folder + "/" + $0 }
        }
        for folder in [path + "/containers-snapshots", path + "/custom-snapshots"] {
            for name in try names(in: folder) {
                found += try names(in: folder + "/" + name).map { folder + "/" + name + "/" + $0 }
            }
        }
        return found.filter(BtrfsSubvolume.isOne)
    }

    package func recover(known: Set<Volume>) async throws -> RecoveryReport {
        try await blocking { [self] in
            var report = RecoveryReport()
            for folder in [layout.staging, layout.trash] {
                for name in try names(in: folder) {
                    let place = folder + "/" + name
                    if BtrfsSubvolume.isOne(place) {
                        try BtrfsSubvolume.delete(place)
                    } else {
                        try removeHostTree(place)
                    }
                }
            }
            try settleRenames(known, &report)
            try dropEmptySnapshotFolders()
            let found = try everything()
            // A snapshot that a crash left writable.
            for volume in found where volume.isSnapshot || volume.kind == .image {
                try BtrfsSubvolume.setReadOnly(layout.path(volume), true)
            }
            report.unknown = found.subtracting(known).sorted { $0.relativePath < $1.relativePath }
            report.missing = known.subtracting(found).sorted { $0.relativePath < $1.relativePath }
            for volume in found where volume.kind == .container && !volume.isSnapshot { try link(volume) }
            try dropDanglingLinks()
            return report
        }
    }

    private func everything() throws -> Set<Volume> {
        var found: Set<Volume> = []
        for kind in Volume.Kind.allCases {
            for name in try names(in: path + "/" + kind.folder) {
                if let volume = try? Volume(kind, name) { found.insert(volume) }
            }
            guard let folder = kind.snapshotFolder else { continue }
            for name in try names(in: path + "/" + folder) {
                for snapshot in try names(in: path + "/" + folder + "/" + name) {
                    if let volume = try? Volume(kind, name, snapshot: snapshot) { found.insert(volume) }
                }
            }
        }
        return found
    }

    // MARK: Programs

    @discardableResult
    private func tool(_ name: String, _ arguments: [String]) async throws -> String {
        do {
            return try await ProcessRunner.runChecked(name, arguments, deadline: .seconds(120)).outputText
                .trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            throw LXDError.internalError("\(error)", cause: error)
        }
    }

    /// The version of the programs; nil where pools of this kind cannot be made: the kernel does not know the file system,
    /// or its programs are missing.
    package static func probe() async -> String? {
        let kinds = (try? AtomicFile.read("/proc/filesystems", limit: 1 << 16)) ?? []
        guard String(decoding: kinds, as: UTF8.self).split(whereSeparator: \.isWhitespace).contains("btrfs"),
            ProcessRunner.locate("mkfs.btrfs") != nil,
            let text = try? await ProcessRunner.runChecked("btrfs", ["version"], deadline: .seconds(10)).outputText,
            let word = text.split(whereSeparator: \.isWhitespace).dropFirst().first, word.hasPrefix("v")
        else { return nil }
        return String(word.dropFirst())
    }

    /// A size as the keys have it: `15GiB`, `10GB`, `1024`.
    static func byteCount(_ text: String) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let value = UInt64(digits) else { return nil }
        let units: [String: UInt64] = [
            "": 1, "B": 1, "kB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000, "KiB": 1 << 10,
            "MiB": 1 << 20,
            "GiB": 1 << 30, "TiB": 1 << 40,
        ]
        guard let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        let (result, overflow) = value.multipliedReportingOverflow(by: unit)
        return overflow || result > UInt64(Int64.max) ? nil : result
    }
}
