internal import Foundation
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

/// Instances from another server of ours.
///
/// A layer is known by the source's name for it, and only where believing that name can hurt nobody else: among the layers
/// of the volume that is brought up to date, of what has come in this exchange, and of images the receiver may use.
extension DirDriver {
    func receiveLayers(
        _ transfer: IncomingTransfer, _ channel: any TransferChannel,
        _ progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        let bytes = try await channel.readAll(limit: LayerManifest.bytesMax)
        let manifest = try LayerManifest.decode(bytes, snapshots: transfer.snapshots)
        var parts = IncomingParts()
        do {
            var known = try await knownStacks(for: transfer, manifest)
            var current: [String] = []
            if transfer.isRefresh {
                current = try await freeze(transfer.volume, isRunning: false)
                parts.base = current
            }
            // The layers used must stay: the images' might be removed meanwhile.
            let kept = Array(Set(known.values.joined()))
            try await blocking { [layers] in try layers.retain(kept) }
            parts.base += kept

            let answer = plan(manifest, known, current: transfer.isRefresh ? current : nil)
            try await channel.send(json: answer)
            if answer.wishes.last?.wantsDifference == true {
                if current.count >= DirLayers.depthMax {
                    try await blocking { [layers, current] in try layers.retain(current) }
                    current = try await squash(current)
                    parts.base += current
                }
                try await sendListing(of: current, channel)
            }
            for (entry, wish) in zip(manifest.entries, answer.wishes) {
                let volume = try entry.snapshot.map { try transfer.volume.withSnapshot($0) } ?? transfer.volume
                try await receive(entry, wish, volume, current, &known, &parts, isLive: transfer.isLive, channel, progress)
            }
            if transfer.isLive {
                guard let live = parts.live else {
                    throw LXDError.badRequest("The other server did not send what the running instance writes")
                }
                try await receiveRest(of: live, channel)
            }
            try await publish(parts, isRefresh: transfer.isRefresh, isFlushed: !transfer.isLive)
            try await channel.send(LastWord.done)
        } catch {
            try await discard(parts, after: error)
        }
    }

    /// Stacks of this pool by the source's name of their topmost layer.
    private func knownStacks(for transfer: IncomingTransfer, _ manifest: LayerManifest) async throws -> [String:
        [String]]
    {
        var known: [String: [String]] = [:]
        if transfer.isRefresh {
            known = try await blocking { [self] in
                var found: [String: [String]] = [:]
                let folder = layout.snapshotFolder(of: transfer.volume) ?? ""
                let own =
                    [transfer.volume] + (try names(in: folder).compactMap { try? transfer.volume.withSnapshot($0) })
                for volume in own {
                    let record = try readRecord(of: volume)
                    for (index, layer) in record.lower.enumerated() {
                        let stack = Array(record.lower[index...])
                        found[layer] = stack
                        if let mirror = record.mirrors?[index], !mirror.isEmpty { found[mirror] = stack }
                    }
                }
                return found
            }
        }
        var asked: [String: Bool] = [:]
        // What comes back was ours: the source may have it without the image.
        let own = try await imageLayers()
        for layer in manifest.entries.flatMap(\.layers) {
            guard let fingerprint = layer.image ?? layer.mirror.flatMap({ own[$0] }), known[layer.id] == nil,
                let image = try? Volume.image(fingerprint)
            else { continue }
            let isAllowed: Bool
            if let answer = asked[fingerprint] {
                isAllowed = answer
            } else {
                isAllowed = await transfer.images(fingerprint)
            }
            asked[fingerprint] = isAllowed
            guard isAllowed, await hasImage(fingerprint) else { continue }
            known[layer.id] = try await blocking { [self] in try readRecord(of: image).lower }
        }
        return known
    }

    /// Decides what to ask for. Pure.
    ///
    /// - Parameter current: The layers of the volume that is brought up to date, nil for a new one.
    private func plan(_ manifest: LayerManifest, _ known: [String: [String]], current: [String]?) -> LayerAnswer {
        var coming: Set<String> = []
        return LayerAnswer(
            wishes: manifest.entries.map { entry in
                let missing =
                    entry.layers.firstIndex {
                        known[$0.id] ?? $0.mirror.flatMap { known[$0] } != nil || coming.contains($0.id)
                    }
                    ?? entry.layers.count
                var wantsDifference = false
                if let current, entry.snapshot == nil, missing > 0 || entry.isLive {
                    // What the volume has beyond the common layers is most likely what the source has in other layers.
                    let common = missing < entry.layers.count ? entry.layers[missing] : nil
                    let base = common.flatMap { known[$0.id] ?? $0.mirror.flatMap { known[$0] } }
                    wantsDifference = entry.isLive || (base != current && !current.isEmpty)
                }
                if !wantsDifference { coming.formUnion(entry.layers.map(\.id)) }
                return .init(missing: wantsDifference ? 0 : missing, wantsDifference: wantsDifference)
            })
    }

    /// Brings the layer of an instance that moves up to date while it stands still.
    private func receiveRest(of layer: String, _ channel: any TransferChannel) async throws {
        // What has come goes to the disk now, while it still runs.
        try await flush()
        let pump = ArchivePump(archive: archive, channel: channel) { _ in }
        try await withFolders(of: [layer], beside: layout.staging) { folders, _ in
            try await pump.send { output in
                var command = ArchiveCommand("list")
                command.add("--layers", descriptors: folders)
                command.add("--output", descriptor: output)
                command.add("--layer", "yes")
                return command
            }
            try await pump.receive { input in
                var command = ArchiveCommand("receive")
                command.add("--input", descriptor: input)
                command.add("--to", descriptor: folders[0])
                for option in ["--layer", "--devices", "--changes"] { command.add(option, "yes") }
                command.add("--sync", "no")
                return command
            }
        }
    }

    private func sendListing(of stack: [String], _ channel: any TransferChannel) async throws {
        try await withFolders(of: stack, beside: layout.staging) { [archive] folders, _ in
            try await ArchivePump(archive: archive, channel: channel) { _ in }.send { output in
                var command = ArchiveCommand("list")
                command.add("--layers", descriptors: folders)
                command.add("--output", descriptor: output)
                return command
            }
        }
    }

    /// Takes one volume or snapshot: its missing layers, or what makes the current tree like it.
    private func receive(
        _ entry: LayerManifest.Entry, _ wish: LayerAnswer.Wish, _ volume: Volume, _ current: [String],
        _ known: inout [String: [String]], _ parts: inout IncomingParts, isLive: Bool, _ channel: any TransferChannel,
        _ progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        let sent = Counter()
        let pump = ArchivePump(archive: archive, channel: channel) { [name = volume.description] in
            progress(TransferProgress(name: name, bytes: sent.total(adding: $0)))
        }
        var stack: [String]
        // The source's name for each layer of the stack.
        var names: [String]
        if wish.wantsDifference {
            let layer = try await receiveLayer(over: current, pump, &parts)
            stack = [layer] + current
            names = [entry.isLive ? "" : entry.layers.first?.id ?? ""] + current.map { _ in "" }
        } else {
            let common = wish.missing < entry.layers.count ? entry.layers[wish.missing] : nil
            stack = common.flatMap { known[$0.id] ?? $0.mirror.flatMap { known[$0] } } ?? []
            if stack.count + wish.missing >= DirLayers.depthMax, stack.count > 1 {
                let old = stack
                try await blocking { [layers] in try layers.retain(old) }
                stack = try await squash(old)
                parts.base += stack
            }
            names = stack.map { _ in "" }
            if let common, !names.isEmpty { names[0] = common.id }
            // Those below it have names too where they are known one by one.
            for (index, layer) in entry.layers.dropFirst(wish.missing).enumerated()
            where index < stack.count && known[layer.id] == Array(stack[index...]) { names[index] = layer.id }
            for layer in entry.layers.prefix(wish.missing).reversed() {
                stack.insert(try await receiveLayer(over: [], pump, &parts), at: 0)
                names.insert(layer.id, at: 0)
                known[layer.id] = stack
                sent.next()
            }
            if entry.isLive {
                stack.insert(try await receiveLayer(over: [], pump, &parts), at: 0)
                names.insert("", at: 0)
            }
        }
        let files = entry.files
        let scratch = try await blocking { [self] in
            let scratch = try DirStaging(layout)
            let folder = try ConfinedDirectory(path: scratch.path, resolution: .beneath)
            try folder.makeDirectory("templates")
            for (name, contents) in files { try folder.write(Array(contents), to: name, mode: 0o644) }
            return scratch
        }
        parts.scratch.append(scratch)
        if volume.isSnapshot {
            try await add(volume, DirRecord(lower: stack, mirrors: names), from: scratch.path, to: &parts)
        } else if isLive, entry.isLive, stack.count > 1, !wish.wantsDifference {
            // It goes on writing where it wrote.
            let live = stack.removeFirst()
            names.removeFirst()
            parts.live = live
            try await add(volume, DirRecord(lower: stack, upper: live, mirrors: names), from: scratch.path, to: &parts)
        } else {
            let below = stack.first
            let fresh = try await blocking { [layers] in try layers.make(like: below) }
            parts.base.append(fresh)
            try await add(volume, DirRecord(lower: stack, upper: fresh, mirrors: names), from: scratch.path, to: &parts)
        }
    }

    /// Makes a layer of the peer's next stream; it is counted for the transfer.
    private func receiveLayer(over lower: [String], _ pump: ArchivePump, _ parts: inout IncomingParts) async throws
        -> String
    {
        let layer = try await blocking { [layers] in try layers.make(like: lower.first) }
        parts.base.append(layer)
        try await withFolders(of: [layer] + lower, beside: layout.work(ofLayer: layer)) { folders, work in
            try await pump.receive { input in
                var command = ArchiveCommand("receive")
                command.add("--input", descriptor: input)
                command.add("--to", descriptor: folders[0])
                command.add("--devices", "yes")
                if lower.isEmpty {
                    command.add("--layer", "yes")
                } else {
                    command.add("--over", descriptors: Array(folders.dropFirst()))
                    command.add("--work", descriptor: work)
                }
                return command
            }
        }
        return layer
    }
}
