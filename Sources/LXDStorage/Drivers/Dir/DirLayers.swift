internal import CLXDLinux
internal import Glibc
internal import LXDAPI
internal import LXDLinux
internal import Synchronization
internal import SystemPackage

/// The layers of a pool, counted by how many volumes, snapshots and images have each.
///
/// Counts live in memory; at start they are made again from the volumes' records, and layers in no record are removed.
final class DirLayers: Sendable {
    /// Above this many read-only layers a snapshot copies instead of stacking one more: each costs a mount at start.
    static let depthMax = 40

    private let layout: DirLayout
    private let trash: DirTrash
    private let counts = Mutex<[String: Int]>([:])

    init(layout: DirLayout, trash: DirTrash) {
        self.layout = layout
        self.trash = trash
    }

    static func isIdentifier(_ text: String) -> Bool {
        text.utf8.count == 26 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) }
    }

    static func newIdentifier() -> String {
        let alphabet = Array("0123456789abcdefghijklmnopqrstuvwxyz")
        return String((0..<26).map { _ in alphabet[Int.random(in: alphabet.indices)] })
    }

    /// Takes over the counts of all records.
    func load(_ records: [DirRecord]) {
        var fresh: [String: Int] = [:]
        for layer in records.flatMap(\.layers) { fresh[layer, default: 0] += 1 }
        counts.withLock { $0 = fresh }
    }

    /// Layers on disk that no record has.
    func unreferenced() throws -> [String] {
        let names = try ConfinedDirectory(path: layout.layers).list()
        return counts.withLock { counts in names.filter { counts[$0] == nil } }
    }

    /// Makes an empty layer, counted once.
    /// - Parameter model: The layer whose root directory gives owner, mode and attributes; nil for root's, 0755.
    func make(like model: String?) throws -> String {
        let id = Self.newIdentifier()
        let folder = layout.layers + "/" + id
        try check(clxd_mkdirat(CLXD_AT_FDCWD, folder, 0o700))
        do {
            try check(clxd_mkdirat(CLXD_AT_FDCWD, folder + "/fs", 0o755))
            try check(clxd_mkdirat(CLXD_AT_FDCWD, folder + "/work", 0o700))
            if let model {
                try copyRootAttributes(from: layout.contents(ofLayer: model), to: folder + "/fs")
            } else {
                try check(chmod(folder + "/fs", 0o755) == 0 ? 0 : -clxd_errno())
            }
        } catch {
            try trash.take(folder)
            throw error
        }
        counts.withLock { $0[id] = 1 }
        return id
    }

    /// Counts layers once more, so that they stay while somebody uses them.
    /// - Throws: `notFound` if one is being removed.
    func retain(_ layers: [String]) throws {
        let isComplete = counts.withLock { counts in
            guard layers.allSatisfy({ counts[$0, default: 0] > 0 }) else { return false }
            for layer in layers { counts[layer, default: 0] += 1 }
            return true
        }
        guard isComplete else { throw LXDError.notFound("Storage volume not found") }
    }

    /// Gives layers back; what nobody has any more goes to the trash.
    func release(_ layers: [String]) throws {
        let unused = counts.withLock { counts in
            layers.filter { layer in
                let left = counts[layer, default: 0] - 1
                counts[layer] = left > 0 ? left : nil
                return left <= 0
            }
        }
        for layer in unused { try trash.take(layout.layers + "/" + layer) }
    }

    /// Nothing was written to a layer: it has no entries and its root is as that of the layer below.
    func isClean(_ layer: String, above lower: String?) throws -> Bool {
        let folder = layout.contents(ofLayer: layer)
        guard try ConfinedDirectory(path: folder).list().isEmpty else { return false }
        let own = try FileStatus.of(path: folder)
        guard let lower else { return (own.permissions, own.uid, own.gid) == (0o755, 0, 0) }
        let below = try FileStatus.of(path: layout.contents(ofLayer: lower))
        guard (own.permissions, own.uid, own.gid) == (below.permissions, below.uid, below.gid) else { return false }
        return try rootAttributes(folder) == rootAttributes(layout.contents(ofLayer: lower))
    }

    /// The merged root shows the upper layer's root directory, so a new upper layer takes over its looks.
    private func copyRootAttributes(from source: String, to target: String) throws {
        let status = try FileStatus.of(path: source)
        try check(clxd_fchownat(CLXD_AT_FDCWD, target, status.uid, status.gid, CLXD_AT_SYMLINK_NOFOLLOW))
        try check(chmod(target, status.permissions) == 0 ? 0 : -clxd_errno())
        for (name, value) in try rootAttributes(source) {
            try check(clxd_setxattr(target, name, value, value.count, 0))
        }
    }

    /// Extended attributes but those of the overlay, which say where a layer came from.
    private func rootAttributes(_ path: String) throws -> [String: [UInt8]] {
        var list = [CChar](repeating: 0, count: 65536)
        let count = clxd_listxattr(path, &list, list.count)
        if count == -Int(EOPNOTSUPP) { return [:] }
        try check(count)
        var found: [String: [UInt8]] = [:]
        for part in list[..<count].split(separator: 0) {
            let name = String(decoding: part.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if name.hasPrefix("trusted.overlay.") { continue }
            var value = [UInt8](repeating: 0, count: 65536)
            let size = try check(clxd_lgetxattr(path, name, &value, value.count))
            found[name] = Array(value[..<size])
        }
        return found
    }
}
