internal import Foundation
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

/// What a volume is made of: the only truth about which layers are in use.
struct DirRecord: Codable, Sendable, Hashable {
    static let currentVersion = 1

    var version = DirRecord.currentVersion
    /// Read-only layers, topmost first.
    var lower: [String]
    /// The volume's own layer; snapshots and images have none.
    var upper: String?
    /// Of layers that came from another server, its name for each of `lower`: the same name means the same contents of
    /// that layer and all below it. Empty where there is none.
    var mirrors: [String]?

    init(lower: [String], upper: String? = nil, mirrors: [String]? = nil) {
        self.lower = lower
        self.upper = upper
        self.mirrors = mirrors
    }

    var layers: [String] { (upper.map { [$0] } ?? []) + lower }

    /// - Throws: An `LXDError` that names the file; `notFound` if there is none.
    static func read(_ path: String) throws -> DirRecord {
        let bytes: [UInt8]
        do {
            bytes = try AtomicFile.read(path, limit: 1 << 20)
        } catch Errno.noSuchFileOrDirectory, Errno.notDirectory {
            throw LXDError.notFound("Storage volume not found")
        } catch {
            throw LXDError.internalError("Cannot read \(path): \(error)", cause: error)
        }
        let record: DirRecord
        do {
            record = try JSONDecoder().decode(DirRecord.self, from: Data(bytes))
        } catch {
            throw LXDError.internalError("The volume record \(path) is damaged", cause: error)
        }
        guard record.version == currentVersion else {
            throw LXDError.internalError(
                "The volume record \(path) is of version \(record.version); this daemon knows \(currentVersion)")
        }
        guard record.layers.allSatisfy(DirLayers.isIdentifier),
            record.mirrors.map({ $0.count == record.lower.count }) ?? true
        else {
            throw LXDError.internalError("The volume record \(path) is damaged: a layer has no proper name")
        }
        return record
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try AtomicFile.write(Array(try encoder.encode(self)), to: path, mode: 0o600)
    }
}
