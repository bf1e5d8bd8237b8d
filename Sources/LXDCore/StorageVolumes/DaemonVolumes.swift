import Foundation
import Glibc
import LXDAPI
package import LXDDatabase
import LXDLinux
import LXDStorage
import SystemPackage

/// The volumes that the daemon itself keeps image files and backups on: `storage.images_volume`, `storage.backups_volume`.
///
/// `LXD_DIR/images` and `LXD_DIR/backups` are folders, or symlinks to such a volume.
package struct DaemonVolumes: Sendable {
    package static let keys = ["storage.backups_volume", "storage.images_volume"]

    private let store: Store
    private let storage: StorageService
    private let paths: DaemonPaths

    package init(store: Store, storage: StorageService, paths: DaemonPaths) {
        self.store = store
        self.storage = storage
        self.paths = paths
    }

    /// Whether a volume is one of these.
    static func isUsed(_ row: VolumeRow, _ config: [String: String]) -> Bool {
        row.kind == .custom && row.project == "default" && keys.contains { config[$0] == row.pool + "/" + row.name }
    }

    /// Refuses a volume that cannot be used.
    func check(_ key: String, _ value: String) async throws {
        do {
            try await check(value)
        } catch {
            throw LXDError.badRequest("Failed validation of \(goQuoted(key)): \(LXDError.from(error).message)")
        }
    }

    private func check(_ value: String) async throws {
        let (pool, name) = try Self.split(value)
        let row = try await store.read { tx in
            guard try tx.storagePool(pool) != nil else {
                throw LXDError.notFound("Unable to load storage pool \(goQuoted(pool)): Storage pool not found")
            }
            guard let row = try tx.storageVolume(pool: pool, project: "default", kind: .custom, name: name) else {
                throw LXDError.notFound(
                    "Failed loading storage volume \(goQuoted(value)) in \"default\" project: Storage volume not found")
            }
            guard try tx.storageVolumeSnapshots(volumeID: row.id).isEmpty else {
                throw LXDError.badRequest("Storage volumes for use by LXD itself cannot have snapshots")
            }
            guard try VolumeService.usedBy(row, tx).isEmpty else {
                throw LXDError.badRequest("Storage volume \(goQuoted(value)) is in use")
            }
            return row
        }
        let place = try await storage.driver(for: pool).mountPath(VolumeService.volume(row))
        let names = try await BlockingPool.shared.run { try ConfinedDirectory(path: place).list() }
        guard names.allSatisfy({ $0 == "lost+found" }) else {
            throw LXDError.badRequest("Storage volume \(goQuoted(value)) isn't empty")
        }
    }

    /// Puts what is kept where a key's new value says; nil: into the daemon's own folder.
    ///
    /// The link changes once everything is there, so whoever reads meanwhile finds all files.
    func move(_ key: String, to value: String?) async throws {
        let folder = key == "storage.images_volume" ? paths.images : paths.backups
        var place: String?
        if let value {
            let (pool, name) = try Self.split(value)
            place = try await storage.driver(for: pool).mountPath(.custom("default_" + name))
        }
        let target = place
        try await BlockingPool.shared.run { try Self.move(folder, to: target) }
    }

    private static func move(_ folder: String, to target: String?) throws {
        let isLink = try FileStatus.of(path: folder, followLinks: false).kind == .symbolicLink
        let fresh = folder + ".new"
        try removeHostTree(fresh)
        let source = try FileManager.default.destinationOfSymbolicLinkIfAny(folder)
        if target == nil && !isLink || target != nil && source == target { return }
        if let target {
            guard chmod(target, 0o700) == 0, chown(target, 0, 0) == 0 else { throw Errno(rawValue: errno) }
            try copyContents(of: folder, to: target)
            guard symlink(target, fresh) == 0 else { throw Errno(rawValue: errno) }
        } else {
            guard mkdir(fresh, 0o700) == 0 else { throw Errno(rawValue: errno) }
            try copyContents(of: folder, to: fresh)
        }
        let old = source ?? folder + ".old"
        if source == nil {
            try removeHostTree(old)
            guard rename(folder, old) == 0, rename(fresh, folder) == 0 else { throw Errno(rawValue: errno) }
            try removeHostTree(old)
        } else {
            // A symlink is replaced by a symlink in one step; a folder takes its place in two.
            if target == nil { guard unlink(folder) == 0 else { throw Errno(rawValue: errno) } }
            guard rename(fresh, folder) == 0 else { throw Errno(rawValue: errno) }
            for name in try ConfinedDirectory(path: old).list() where name != "lost+found" {
                try removeHostTree(old + "/" + name)
            }
        }
    }

    private static func copyContents(of source: String, to target: String) throws {
        for name in try ConfinedDirectory(path: source).list() where name != "lost+found" {
            try removeHostTree(target + "/" + name)
            try FileManager.default.copyItem(atPath: source + "/" + name, toPath: target + "/" + name)
        }
    }

    private static func split(_ value: String) throws -> (pool: String, name: String) {
        let fields = value.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 2 else { throw LXDError.badRequest("Invalid syntax for volume, must be <pool>/<volume>") }
        return (fields[0], fields[1])
    }
}

extension FileManager {
    /// Where a symlink points to; nil for what is none.
    fileprivate func destinationOfSymbolicLinkIfAny(_ path: String) throws -> String? {
        guard try FileStatus.of(path: path, followLinks: false).kind == .symbolicLink else { return nil }
        return try destinationOfSymbolicLink(atPath: path)
    }
}
