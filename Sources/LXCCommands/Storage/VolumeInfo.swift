import LXDAPI
import LXDClient

struct VolumeInfo: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Show storage volume state information", usage: "[<remote>:]<pool> <volume>")
    static let argumentCount = 2...2
    static let examples = """
        lxc storage volume info default data
            Show how full a volume is, and its snapshots.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], target: target, session)
        guard volume.snapshot == nil, volume.type != "image" else {
            throw CommandFailure("Only instance or custom volumes are supported")
        }
        let server = volume.server
        let found = try await volume.load().value
        let state = try await server.storageVolumeState(volume.pool, volume.type, volume.name)
        let snapshots = try await server.volumeSnapshots(volume.pool, volume.type, volume.name)
        var backups: [StoragePoolVolumeBackup] = []
        if volume.type == "custom", try await server.hasExtension("custom_volume_backup") {
            backups = try await server.volumeBackups(volume.pool, volume.name)
        }
        var text = "Name: \(found.name)\n"
        if !found.description.isEmpty { text += "Description: \(found.description)\n" }
        text += "Type: \(found.type.isEmpty ? "custom" : found.type)\n"
        text += "Content type: \(found.contentType.isEmpty ? "filesystem" : found.contentType)\n"
        if !found.location.isEmpty, try await server.isClustered() { text += "Location: \(found.location)\n" }
        if let usage = state.usage {
            text += "Usage: \(ByteText.iec(Int64(clamping: usage.used)))\n"
            if usage.total > 0 { text += "Total: \(ByteText.iec(usage.total))\n" }
        }
        Standard.output(text + Self.list(snapshots) + Self.list(backups))
    }

    private static func time(_ time: LXDTime?) -> String { time.map { $0.isSet ? TimeText.local($0) : " " } ?? " " }

    private static func list(_ snapshots: [StorageVolumeSnapshot]) -> String {
        guard !snapshots.isEmpty else { return "" }
        let rows = snapshots.map { snapshot in
            [
                snapshot.name.split(separator: "/").last.map(String.init) ?? "", snapshot.description,
                snapshot.expiresAt.map { $0.isZero ? TimeText.local($0) : time($0) } ?? " ",
            ]
        }.sortedByColumns()
        return "\nSnapshots:\n" + Table(["Name", "Description", "Expires at"], rows).drawn(borders: true)
    }

    private static func list(_ backups: [StoragePoolVolumeBackup]) -> String {
        guard !backups.isEmpty else { return "" }
        let rows = backups.map { backup in
            [
                backup.name, time(backup.createdAt), time(backup.expiresAt), backup.volumeOnly ? "YES" : "NO",
                backup.optimizedStorage ? "YES" : "NO",
            ]
        }
        let header = ["Name", "Taken at", "Expires at", "Volume Only", "Optimized Storage"]
        return "\nBackups:\n" + Table(header, rows).drawn(borders: true)
    }
}
