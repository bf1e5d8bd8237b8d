internal import CLXDLinux
internal import Glibc
package import LXDAPI
package import LXDLinux
package import Logging
internal import SystemPackage

/// A pool in a directory of any file system, whose volumes share layers.
///
/// An image is unpacked once, into a layer. An instance's volume is a record: read-only layers, topmost first, and one
/// layer of its own. A snapshot of a stopped instance freezes that layer and puts a new one on top; one of a running
/// instance copies it, since the layers of a mounted overlay cannot be exchanged. A copy shares what is frozen. Layers
/// nobody's record has are removed. Custom volumes are plain directories, as they are bound into several instances.
///
/// New volumes are made in `staging/` and appear by a rename; records are replaced by a rename; what goes is renamed to
/// `trash/` first. So a crash leaves whole volumes, unreferenced layers and rubbish, and `recover` removes the last two.
package final class DirDriver: FolderDriver {
    package static let name = "dir"

    package let poolName: String
    package let path: String
    package let layout: DirLayout
    package let links: LinkFolders
    let layers: DirLayers
    let trash: DirTrash
    let archive: ArchiveTool
    let log: Logger

    /// - Parameters:
    ///   - path: `LXD_DIR/storage-pools/POOL`, absolute.
    ///   - root: `LXD_DIR`, which a pool's external source may not lie in.
    package init(name: PoolName, path: String, links: LinkFolders, archive: ArchiveTool, log: Logger) {
        poolName = name.rawValue
        self.path = path
        self.links = links
        self.archive = archive
        self.log = log
        layout = DirLayout(pool: path)
        trash = DirTrash(layout: layout, archive: archive, log: log)
        layers = DirLayers(layout: layout, trash: trash)
    }

    /// Waits until what was deleted is gone from the disk.
    package func settle() async { await trash.settle() }

    // MARK: The pool

    package func createPool(config: [String: String]) async throws -> [String: String] {
        var config = config
        let source = config["source"].flatMap { $0.isEmpty ? nil : $0 } ?? path
        config["source"] = source
        try await blocking { [self] in
            if source == path {
                try makeHostDirectories(path, mode: 0o711)
            } else {
                guard source.hasPrefix("/"), (try? FileStatus.of(path: source))?.kind == .directory else {
                    throw LXDError.badRequest("Source path '\(source)' doesn't exist")
                }
                // The pool lies in LXD_DIR/storage-pools: two levels up is the folder that is ours alone.
                let root = path.split(separator: "/").dropLast(2).reduce(into: "") { $0 += "/" + $1 }
                guard !(source + "/").hasPrefix(root + "/") else {
                    throw LXDError.badRequest("Source path '\(source)' is within the LXD directory")
                }
            }
            guard try ConfinedDirectory(path: source).list().isEmpty else {
                throw LXDError.badRequest("Source path '\(source)' isn't empty")
            }
        }
        try await mount(config: config)
        do {
            try await blocking { [self] in try requireLayers(source: source) }
        } catch {
            try await deletePool()  // It was empty before.
            throw error
        }
        return config
    }

    package func deletePool() async throws {
        await trash.settle()
        guard (try? FileStatus.of(path: path)) != nil else { return }
        // Everything in the folder goes, whoever put it there; a bound source itself stays, empty.
        let folder = try ConfinedDirectory(path: path)
        var command = ArchiveCommand("sweep")
        command.add("--in", descriptor: folder.descriptor.rawValue)
        try await run(command)
        try await unmount()
        try await blocking { [path] in
            guard rmdir(path) == 0 || errno == ENOENT else { throw Errno(rawValue: errno) }
        }
    }

    package func mount(config: [String: String]) async throws {
        let source = config["source"].flatMap { $0.isEmpty ? nil : $0 } ?? path
        try await blocking { [self] in
            try makeHostDirectories(path, mode: 0o711)
            if source != path {
                let (there, here) = (try FileStatus.of(path: source), try FileStatus.of(path: path))
                let isBound =
                    (there.deviceMajor, there.deviceMinor, there.inode) == (
                        here.deviceMajor, here.deviceMinor, here.inode
                    )
                if !isBound { try Mounts.bind(source, to: path) }
            }
            for folder in layout.folders {
                try makeHostDirectories(folder.path, mode: folder.mode)
                // Modes are put right each time: they may be wider from an older version.
                guard chmod(folder.path, folder.mode) == 0 else { throw Errno(rawValue: errno) }
            }
            layers.load(try records().map(\.record))
        }
    }

    package func unmount() async throws {
        await trash.settle()
        try await blocking { [path] in try Mounts.unmountTree(path) }
    }

    // MARK: What the parts share

    @discardableResult
    func run(_ command: ArchiveCommand) async throws -> ArchiveTotals {
        do {
            return try await archive.run(command)
        } catch {
            throw Self.translated(error)
        }
    }

    func readRecord(of volume: Volume) throws -> DirRecord {
        try DirRecord.read(layout.record(in: layout.path(volume)))
    }

    /// Every volume with a record, and its record.
    /// - Throws: When one cannot be read: then nothing may be called unreferenced.
    func records() throws -> [(volume: Volume, record: DirRecord)] {
        var found: [(Volume, DirRecord)] = []
        for volume in try recordedVolumes() { found.append((volume, try readRecord(of: volume))) }
        return found
    }

    func recordedVolumes() throws -> [Volume] {
        var found = try names(in: path + "/images").compactMap { try? Volume.image($0) }
        for name in try names(in: path + "/containers") {
            if let volume = try? Volume.container(name) { found.append(volume) }
        }
        for name in try names(in: path + "/containers-snapshots") {
            for snapshot in try names(in: path + "/containers-snapshots/" + name) {
                if let volume = try? Volume.container(name, snapshot: snapshot) { found.append(volume) }
            }
        }
        return found
    }
}
