internal import CLXDLinux
internal import Foundation
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

/// What is done for folders after a crash.
extension FolderDriver {
    /// Ends renames that a crash cut off, the way the database has it.
    func settleRenames(_ known: Set<Volume>, _ report: inout RecoveryReport) throws {
        for entry in try DirRenames.read(layout).reversed() {
            guard let kind = Volume.Kind(rawValue: entry.kind), let from = try? Volume(kind, entry.from),
                let to = try? Volume(kind, entry.to)
            else { continue }
            if known.contains(from) && !known.contains(to), isThere(layout.path(to)) || isHalfMoved(to, from) {
                try moveVolume(to, to: from)
                report.renamedBack.append(from)
            } else if known.contains(to) && !known.contains(from), isHalfMoved(from, to) {
                try moveVolume(from, to: to)
            }
        }
        try DirRenames.clear(layout)
    }

    /// The snapshots lie under the first name although the volume has the second, or the other way round.
    private func isHalfMoved(_ first: Volume, _ second: Volume) -> Bool {
        guard let folder = layout.snapshotFolder(of: first) else { return false }
        return isThere(folder) && isThere(layout.path(second)) && !isThere(layout.path(first))
    }

    func dropEmptySnapshotFolders() throws {
        for parent in [path + "/containers-snapshots", path + "/custom-snapshots"] {
            // Fails for those that are not empty, as it should.
            for name in try names(in: parent) {
                _ = clxd_unlinkat(CLXD_AT_FDCWD, parent + "/" + name, CLXD_AT_REMOVEDIR)
            }
        }
    }

    func dropDanglingLinks() throws {
        for folder in [links.containers, links.snapshots] {
            for name in try names(in: folder) {
                let link = folder + "/" + name
                var buffer = [CChar](repeating: 0, count: 4097)
                let count = clxd_readlinkat(CLXD_AT_FDCWD, link, &buffer, 4096)
                guard count > 0 else { continue }
                let target = String(decoding: buffer[..<Int(count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if target.hasPrefix(path + "/") && !isThere(target) { _ = clxd_unlinkat(CLXD_AT_FDCWD, link, 0) }
            }
        }
    }
}

/// Renames begun since the daemon started: a crash between the disk and the database is settled by them.
struct DirRenames: Codable {
    var kind: String
    var from: String
    var to: String

    static func read(_ layout: DirLayout) throws -> [DirRenames] {
        do {
            return try JSONDecoder().decode(
                [DirRenames].self, from: Data(AtomicFile.read(layout.renames, limit: 4 << 20)))
        } catch Errno.noSuchFileOrDirectory {
            return []
        }
    }

    /// Callers hold locks on volumes only, so two renames may be added at once.
    private static let lock = NSLock()

    static func add(_ entry: DirRenames, _ layout: DirLayout) throws {
        try lock.withLock {
            let entries = try read(layout).suffix(999) + [entry]
            try AtomicFile.write(Array(try JSONEncoder().encode(Array(entries))), to: layout.renames)
        }
    }

    static func clear(_ layout: DirLayout) throws {
        let result = clxd_unlinkat(CLXD_AT_FDCWD, layout.renames, 0)
        if result != -ENOENT { try check(result) }
    }
}
