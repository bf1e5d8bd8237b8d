import Foundation
import LXDAPI
import LXDLinux
import LXDRuntimePlan
import LXDStorage
import Logging
import SystemPackage
import Testing

/// A pool in a folder of its own, removed afterwards.
struct PoolFixture: Sendable {
    let folder: String
    let driver: any FolderDriver
    let tool: ArchiveTool

    enum Kind: String, Sendable, CaseIterable {
        case dir, btrfs
    }

    /// Whether pools on a file with btrfs can be made here: the kernel, its loop devices, the programs.
    static let hasBtrfs = isRoot && access("/dev/loop-control", F_OK) == 0 && ProcessRunner.locate("mkfs.btrfs") != nil
        && ((try? String(contentsOfFile: "/proc/filesystems", encoding: .utf8)) ?? "").contains("btrfs")

    var pool: String { folder + "/storage-pools/default" }

    /// Runs `body` with a fresh pool; everything it made is removed, whether it passes or fails.
    static func with(_ kind: Kind = .dir, _ body: @Sendable (PoolFixture) async throws -> Void) async throws {
        let folder = "/tmp/lxd-pool-test-" + UUID().uuidString.lowercased()
        for name in ["storage-pools", "containers", "snapshots", "disks"] { try makeHostDirectories(folder + "/" + name, mode: 0o711) }
        let tool = try ArchiveTool.located()
        let fixture = PoolFixture(folder: folder, driver: try driver(folder, tool, kind), tool: tool)
        let outcome: Result<Void, any Error>
        do {
            _ = try await fixture.driver.createPool(config: kind == .btrfs ? ["size": "512MiB"] : [:])
            outcome = .success(try await body(fixture))
        } catch {
            outcome = .failure(error)
        }
        // Shown snapshots are mounts.
        try await fixture.driver.unmount()
        try removeHostTree(folder)
        try outcome.get()
    }

    /// Another daemon on the same folder, as after a crash.
    func restarted() throws -> any FolderDriver { try Self.driver(folder, tool, driver is DirDriver ? .dir : .btrfs) }

    private static func driver(_ folder: String, _ tool: ArchiveTool, _ kind: Kind) throws -> any FolderDriver {
        var log = Logger(label: "test")
        log.logLevel = .critical
        let (name, path) = (try PoolName("default"), folder + "/storage-pools/default")
        let links = LinkFolders(containers: folder + "/containers", snapshots: folder + "/snapshots")
        return switch kind {
        case .dir: DirDriver(name: name, path: path, links: links, archive: tool, log: log)
        case .btrfs:
            BtrfsDriver(name: name, path: path, disks: folder + "/disks", links: links, config: [:], archive: tool, log: log)
        }
    }

    // MARK: Contents

    /// Makes an image whose root holds these files.
    func image(_ fingerprint: String, _ files: [String: String]) async throws {
        try await driver.ensureImage(fingerprint) { target in
            let root = try ConfinedDirectory(borrowing: target.root)
            for (path, text) in files {
                try root.makeDirectories(path.split(separator: "/").dropLast().joined(separator: "/"))
                try root.write(Array(text.utf8), to: path)
            }
            let beside = try ConfinedDirectory(borrowing: target.metadata)
            try beside.write(Array("architecture: x86_64\n".utf8), to: "metadata.yaml")
            try beside.makeDirectory("templates")
            try beside.write(Array("{{ container.name }}\n".utf8), to: "templates/hostname.tpl")
        }
    }

    /// Writes into a volume's own layer, as its container would.
    func write(_ text: String, to path: String, of volume: Volume) async throws {
        let upper = try await ownLayer(of: volume)
        try upper.makeDirectories(path.split(separator: "/").dropLast().joined(separator: "/"))
        try upper.write(Array(text.utf8), to: path)
    }

    /// Removes a file of a lower layer, as an overlay does it: by a device node 0:0 in its place.
    func whiteOut(_ path: String, of volume: Volume) async throws {
        guard case .overlay(_, let upper, _) = try await driver.rootFilesystem(of: volume) else {
            return try await ownLayer(of: volume).removeFile(path)
        }
        try await ownLayer(of: volume).makeDirectories(path.split(separator: "/").dropLast().joined(separator: "/"))
        _ = try await ProcessRunner.runChecked("mknod", [upper + "/" + path, "c", "0", "0"])
    }

    func ownLayer(of volume: Volume) async throws -> ConfinedDirectory {
        if volume.kind == .custom { return try ConfinedDirectory(path: driver.mountPath(volume)) }
        switch try await driver.rootFilesystem(of: volume) {
        case .overlay(_, let upper, _): return try ConfinedDirectory(path: upper)
        case .directory(let path): return try ConfinedDirectory(path: path)
        }
    }

    /// The files of a volume or snapshot and their contents, as somebody inside would see them.
    func files(of volume: Volume, isRunning: Bool = false) async throws -> [String: String] {
        let place = folder + "/merged-" + UUID().uuidString
        try makeHostDirectories(place)
        let target = try ConfinedDirectory(path: place)
        try await driver.withTree(volume, isRunning: isRunning) { tree in
            var command = ArchiveCommand("copy")
            command.add("--layers", descriptors: tree.layers)
            command.add("--to", descriptor: target.descriptor.rawValue)
            try await tool.run(command)
        }
        var found: [String: String] = [:]
        for case let path as String in FileManager.default.enumerator(atPath: place) ?? .init() {
            guard try target.status(path).kind == .regular else { continue }
            found[path] = String(decoding: try target.read(path, limit: 64 << 20), as: UTF8.self)
        }
        try removeHostTree(place)
        return found
    }

    /// How many layers lie in the pool; where there are none, what was left over.
    func layerCount() async throws -> Int {
        guard let driver = driver as? DirDriver else {
            return try ["staging", "trash"].map { try ConfinedDirectory(path: pool + "/" + $0).list().count }.reduce(0, +)
        }
        await driver.settle()
        return try ConfinedDirectory(path: pool + "/layers").list().count
    }
}

/// A fingerprint that differs by its number.
func fingerprint(_ number: Int) -> String { String(repeating: "0", count: 63) + String(number) }
