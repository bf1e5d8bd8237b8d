internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

/// Custom volumes between servers of ours: each snapshot and then the volume as a tree, or as what differs from the one
/// before. For each the target first sends a listing of what it begins with, or an empty stream.
extension DirDriver {
    func sendTrees(
        _ transfer: OutgoingTransfer, _ channel: any TransferChannel,
        _ progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        for volume in try transfer.snapshots.map({ try transfer.volume.parent.withSnapshot($0) }) + [transfer.volume] {
            let listing = try await readListing(channel)
            let hasListing = try listing.size > 0
            let pump = ArchivePump(archive: archive, channel: channel) {
                progress(TransferProgress(name: volume.description, bytes: $0))
            }
            try await withTree(volume, isRunning: transfer.isRunning) { tree in
                try await pump.send { output in
                    var command = ArchiveCommand("send")
                    command.add("--layers", descriptors: tree.layers)
                    command.add("--output", descriptor: output)
                    if hasListing { command.add("--base", descriptor: listing.descriptor.rawValue) }
                    return command
                }
            }
        }
        try await awaitLastWord(channel)
    }

    func receiveTrees(
        _ transfer: IncomingTransfer, _ channel: any TransferChannel,
        _ progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        var parts = IncomingParts()
        do {
            var base = transfer.isRefresh ? layout.path(transfer.volume) : nil
            for volume in try transfer.snapshots.map({ try transfer.volume.withSnapshot($0) }) + [transfer.volume] {
                let staging = try await blocking { [self] in try DirStaging(layout) }
                parts.made.append((volume, staging, []))
                if let base {
                    // Files of the volume that is replaced may be shared with it: it goes, and its files are not written to.
                    let own = transfer.isRefresh && !volume.isSnapshot
                    try await copyTree(from: own ? layout.path(volume) : base, to: staging.path, linking: own)
                }
                try await receiveTree(staging.path, hasBase: base != nil, channel) {
                    progress(TransferProgress(name: volume.description, bytes: $0))
                }
                base = staging.path
            }
            try await publish(parts, isRefresh: transfer.isRefresh)
            try await channel.send(LastWord.done)
        } catch {
            try await discard(parts, after: error)
        }
    }

    private func receiveTree(
        _ place: String, hasBase: Bool, _ channel: any TransferChannel, _ progress: @escaping @Sendable (Int64) -> Void
    ) async throws {
        let folder = try await blocking { try ConfinedDirectory(path: place) }
        let number = folder.descriptor.rawValue
        let pump = ArchivePump(archive: archive, channel: channel, progress: progress)
        if hasBase {
            try await pump.send { output in
                var command = ArchiveCommand("list")
                command.add("--layers", descriptors: [number])
                command.add("--output", descriptor: output)
                return command
            }
        } else {
            try await channel.finish()
        }
        try await pump.receive { input in
            var command = ArchiveCommand("receive")
            command.add("--input", descriptor: input)
            command.add("--to", descriptor: number)
            if hasBase { command.add("--changes", "yes") }
            return command
        }
        withExtendedLifetime(folder) {}
    }
}
