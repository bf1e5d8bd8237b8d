internal import LXDAPI
internal import LXDLinux

/// Volumes over rsync as every LXD 5.0 server sends and takes them: a run for each snapshot, then one for the volume.
struct RsyncTransfer: Sendable {
    static let features = ["xattrs", "delete", "compress", "bidirectional"]

    let archive: ArchiveTool
    let channel: any TransferChannel
    let features: [String]
    let progress: @Sendable (TransferProgress) -> Void

    typealias TreeAccess =
        @Sendable (Volume, @escaping @Sendable (VolumeTree) async throws -> Void) async throws -> Void

    /// - Parameters:
    ///   - isTree: An instance's directory holds its root file system, so nothing is mounted there.
    ///   - withTree: Opens the contents of a volume or snapshot.
    func send(_ transfer: OutgoingTransfer, isTree: Bool = false, _ withTree: TreeAccess) async throws {
        let volumes = try transfer.snapshots.map { try transfer.volume.parent.withSnapshot($0) } + [transfer.volume]
        for (index, volume) in (volumes + (transfer.standStill == nil ? [] : [transfer.volume])).enumerated() {
            if index == volumes.count { try await transfer.standStill?() }
            try await withTree(volume) { tree in
                try await pump(volume.description).exchange { input, output in
                    var command = ArchiveCommand("rsync")
                    command.add("--option", "send")
                    if let option = Self.limitOption(transfer.bandwidthLimit) { command.add("--option", option) }
                    add(to: &command, input: input, output: output)
                    command.add("--root", descriptor: tree.metadata)
                    if volume.kind == .container && !isTree { command.add("--layers", descriptors: tree.layers) }
                    return command
                }
            }
        }
    }

    /// - Parameters:
    ///   - root: The directory that the peer's tree goes to.
    ///   - files: What is at its `rootfs`; nil if nothing is mounted there.
    ///   - over: Layers below `files`; `work` is its work directory then.
    func receive(root: Int32, files: Int32?, over: [Int32], work: Int32, name: String) async throws {
        try await pump(name).exchange { input, output in
            var command = ArchiveCommand("rsync")
            command.add("--option", "receive")
            add(to: &command, input: input, output: output)
            command.add("--root", descriptor: root)
            if let files { command.add("--to", descriptor: files) }
            if !over.isEmpty {
                command.add("--over", descriptors: over)
                command.add("--work", descriptor: work)
            }
            return command
        }
    }

    private func add(to command: inout ArchiveCommand, input: Int32, output: Int32) {
        command.add("--input", descriptor: input)
        command.add("--output", descriptor: output)
        for feature in features where Self.features.contains(feature) { command.add("--option", feature) }
    }

    private func pump(_ name: String) -> ArchivePump {
        ArchivePump(archive: archive, channel: channel) { [progress] in
            progress(TransferProgress(name: name, bytes: $0))
        }
    }

    /// What rsync is told of a rate in its own form, a number with a unit; nil without one.
    static func limitOption(_ limit: String?) -> String? {
        guard let limit, limit.first?.isNumber == true, limit.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        let unit = limit.drop { $0.isNumber || $0 == "." }
        return unit.allSatisfy(\.isLetter) && unit.count <= 3 ? "bwlimit=" + limit : nil
    }
}
