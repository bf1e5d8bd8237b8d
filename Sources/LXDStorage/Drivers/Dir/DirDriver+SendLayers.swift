internal import Foundation
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

/// Instances to another server of ours: a manifest of layers, then those that the target lacks.
extension DirDriver {
    func sendLayers(
        _ transfer: OutgoingTransfer, _ channel: any TransferChannel,
        _ progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        let volumes = try transfer.snapshots.map { try transfer.volume.parent.withSnapshot($0) } + [transfer.volume]
        var stacks: [OutgoingStack] = []
        // Programs may have files mapped: only from now on are their writes seen in the files' times.
        let began = transfer.standStill == nil ? nil : Int64(Date().timeIntervalSince1970)
        if began != nil { try await flush() }
        let outcome: Result<Void, any Error>
        do {
            for volume in volumes {
                stacks.append(try await outgoingStack(volume, isRunning: transfer.isRunning && !volume.isSnapshot))
            }
            let images = try await imageLayers()
            let entries = stacks.enumerated().map { index, stack in
                LayerManifest.Entry(
                    snapshot: index == volumes.count - 1 ? nil : volumes[index].snapshot,
                    layers: stack.lower.enumerated().map { position, id in
                        LayerManifest.Layer(id: id, mirror: stack.mirror(position), image: images[id])
                    },
                    isLive: stack.live != nil, files: stack.files)
            }
            try await channel.send(json: LayerManifest(entries: entries))
            try await sendWanted(volumes, stacks, LayerManifest(entries: entries), channel, progress)
            if let began, let standStill = transfer.standStill {
                try await sendRest(of: stacks.last?.live, since: began, channel, standStill)
            }
            try await awaitLastWord(channel)
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        let held = stacks.flatMap { $0.lower + ($0.live.map { [$0] } ?? []) }
        try await blocking { [layers] in try layers.release(held) }
        try outcome.get()
    }

    /// The layers of one volume or snapshot, counted for the transfer.
    private struct OutgoingStack {
        /// Read-only ones, topmost first.
        var lower: [String]
        var mirrors: [String]
        /// The layer that a running instance writes to.
        var live: String?
        var files: [String: Data]

        func mirror(_ position: Int) -> String? {
            mirrors.indices.contains(position) && !mirrors[position].isEmpty ? mirrors[position] : nil
        }
    }

    private func outgoingStack(_ volume: Volume, isRunning: Bool) async throws -> OutgoingStack {
        // A stopped volume's own layer is sealed, so that it has a name for ever. A running one's is read as it is.
        if !volume.isSnapshot && !isRunning {
            _ = try await blocking { [layers, held = try await freeze(volume, isRunning: false)] in
                try layers.release(held)
            }
        }
        return try await blocking { [self] in
            let record = try readRecord(of: volume)
            let live = isRunning ? record.upper : nil
            try layers.retain(record.lower + (live.map { [$0] } ?? []))
            do {
                return OutgoingStack(
                    lower: record.lower, mirrors: record.mirrors ?? [], live: live, files: try metadataFiles(of: volume)
                )
            } catch {
                try layers.release(record.lower + (live.map { [$0] } ?? []))
                throw error
            }
        }
    }

    private func metadataFiles(of volume: Volume) throws -> [String: Data] {
        let folder = try ConfinedDirectory(path: layout.path(volume), resolution: .beneath)
        var names = ["metadata.yaml", "backup.yaml"]
        if (try? folder.status("templates"))?.kind == .directory {
            names += try folder.list("templates").map { "templates/" + $0 }
        }
        var files: [String: Data] = [:]
        for name in names where LayerManifest.isFileName(name) && (try? folder.status(name))?.kind == .regular {
            files[name] = Data(try folder.read(name, limit: 16 << 20))
        }
        return files
    }

    /// Which layer is the tree of which image.
    func imageLayers() async throws -> [String: String] {
        try await blocking { [self] in
            var found: [String: String] = [:]
            for name in try names(in: path + "/images") {
                guard let volume = try? Volume.image(name), let record = try? readRecord(of: volume),
                    record.lower.count == 1
                else { continue }
                found[record.lower[0]] = name
            }
            return found
        }
    }

    private func sendWanted(
        _ volumes: [Volume], _ stacks: [OutgoingStack], _ manifest: LayerManifest, _ channel: any TransferChannel,
        _ progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        let answer = try LayerAnswer.decode(try await channel.readAll(limit: 1 << 20), for: manifest)
        // The only listing there can be follows at once.
        var listing: TemporaryFile?
        if answer.wishes.last?.wantsDifference == true { listing = try await readListing(channel) }
        for (index, wish) in answer.wishes.enumerated() {
            let stack = stacks[index]
            let sent = Counter()
            let pump = ArchivePump(archive: archive, channel: channel) { [name = volumes[index].description] in
                progress(TransferProgress(name: name, bytes: sent.total(adding: $0)))
            }
            if wish.wantsDifference, let listing {
                let list = (stack.live.map { [$0] } ?? []) + stack.lower
                try await withFolders(of: list, beside: layout.staging) { folders, _ in
                    try await pump.send { output in
                        var command = ArchiveCommand("send")
                        command.add("--layers", descriptors: folders)
                        command.add("--output", descriptor: output)
                        command.add("--base", descriptor: listing.descriptor.rawValue)
                        return command
                    }
                }
                continue
            }
            for layer in stack.lower.prefix(wish.missing).reversed() + (stack.live.map { [$0] } ?? []) {
                try await withFolders(of: [layer], beside: layout.staging) { folders, _ in
                    try await pump.send { output in
                        var command = ArchiveCommand("send")
                        command.add("--layers", descriptors: folders)
                        command.add("--output", descriptor: output)
                        return command
                    }
                }
                sent.next()
            }
        }
    }

    /// Sends what an instance that moves has written since the first pass, now that it stands still.
    ///
    /// - Parameter live: The layer it writes to; the target has told what it holds there.
    private func sendRest(
        of live: String?, since began: Int64, _ channel: any TransferChannel, _ standStill: @Sendable () async throws -> Void
    ) async throws {
        guard let live else { throw LXDError.badRequest("Only a running instance can be moved with its state") }
        let listing = try await readListing(channel)
        try await standStill()
        try await withFolders(of: [live], beside: layout.staging) { [archive] folders, _ in
            try await ArchivePump(archive: archive, channel: channel) { _ in }.send { output in
                var command = ArchiveCommand("send")
                command.add("--layers", descriptors: folders)
                command.add("--output", descriptor: output)
                command.add("--base", descriptor: listing.descriptor.rawValue)
                command.add("--layer", "yes")
                command.add("--suspect-since", String(began))
                return command
            }
        }
    }

    /// The listing of the target's tree, out of the way of our memory.
    func readListing(_ channel: any TransferChannel) async throws -> TemporaryFile {
        let file = try TemporaryFile(in: layout.staging)
        var total = 0
        while let bytes = try await channel.read() {
            total += bytes.count
            guard total <= 4 << 30 else { throw LXDError.badRequest("The other server's listing is too long") }
            try await blocking { try file.append(bytes) }
        }
        try file.rewind()
        return file
    }

    func awaitLastWord(_ channel: any TransferChannel) async throws {
        guard try await channel.readAll(limit: 4096) == LastWord.done else {
            throw LXDError.internalError("The other server did not say that it has everything")
        }
    }
}

/// What a target ends with: everything is on its disk.
enum LastWord {
    static let done = Array("done".utf8)
}
