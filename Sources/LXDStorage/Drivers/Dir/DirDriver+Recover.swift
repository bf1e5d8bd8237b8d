internal import CLXDLinux
internal import Foundation
internal import Glibc
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

extension DirDriver {
    package func recover(known: Set<Volume>) async throws -> RecoveryReport {
        let report = try await blocking { [self] in try recoverBlocking(known) }
        return report
    }

    private func recoverBlocking(_ known: Set<Volume>) throws -> RecoveryReport {
        var report = RecoveryReport()
        try hideSnapshotsOfStopped()
        // Nothing in there was ever seen by anybody.
        for name in try names(in: layout.staging) { try trash.take(layout.staging + "/" + name) }
        try settleRenames(known, &report)
        try dropEmptySnapshotFolders()

        var records: [DirRecord] = []
        for volume in try recordedVolumes() {
            do {
                records.append(try readRecord(of: volume))
            } catch {
                report.unreadable[layout.path(volume)] = "\(error)"
            }
        }
        layers.load(records)
        // A record that cannot be read may have layers: then none is called unused.
        if report.unreadable.isEmpty {
            for layer in try layers.unreferenced() {
                try trash.take(layout.layers + "/" + layer)
                report.collectedLayers += 1
            }
        }
        trash.sweep()

        let found = try everything()
        report.unknown = found.subtracting(known).sorted { $0.relativePath < $1.relativePath }
        report.missing = known.subtracting(found).sorted { $0.relativePath < $1.relativePath }
        for volume in found where volume.kind == .container && !volume.isSnapshot { try link(volume) }
        try dropDanglingLinks()
        return report
    }

    /// Every volume, snapshot and image on disk.
    private func everything() throws -> Set<Volume> {
        var found = Set(try recordedVolumes())
        for name in try names(in: path + "/custom") {
            if let volume = try? Volume.custom(name) { found.insert(volume) }
        }
        for name in try names(in: path + "/custom-snapshots") {
            for snapshot in try names(in: path + "/custom-snapshots/" + name) {
                if let volume = try? Volume.custom(name, snapshot: snapshot) { found.insert(volume) }
            }
        }
        return found
    }

}
