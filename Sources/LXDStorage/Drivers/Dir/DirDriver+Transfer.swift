internal import CLXDLinux
internal import Glibc
internal import LXDAPI
internal import LXDLinux
internal import LXDRuntimePlan
internal import Logging
internal import SystemPackage

extension DirDriver {
    package var transferMethods: [TransferMethod] { [.layers, .rsync(features: RsyncTransfer.features)] }

    package func send(
        _ transfer: OutgoingTransfer, over channel: any TransferChannel,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        do {
            switch transfer.method {
            case .rsync(let features):
                try await RsyncTransfer(archive: archive, channel: channel, features: features, progress: progress)
                    .send(transfer) { [self] volume, body in try await withTree(volume, isRunning: false, body) }
            case .layers where transfer.volume.kind == .container: try await sendLayers(transfer, channel, progress)
            case .layers: try await sendTrees(transfer, channel, progress)
            case .btrfs: throw LXDError.badRequest("This pool does not send btrfs streams")
            }
        } catch {
            throw Self.translated(error)
        }
    }

    package func receive(
        _ transfer: IncomingTransfer, over channel: any TransferChannel,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        let isThere = await exists(transfer.volume)
        if isThere && !transfer.isRefresh { throw LXDError.conflict("Volume by that name already exists") }
        if !isThere && transfer.isRefresh { throw LXDError.notFound("Storage volume not found") }
        do {
            switch (transfer.method, transfer.volume.kind) {
            case (.rsync(let features), .container):
                try await receiveRsync(
                    transfer, RsyncTransfer(archive: archive, channel: channel, features: features, progress: progress))
            case (.rsync(let features), _):
                try await receiveCustomRsync(
                    transfer, RsyncTransfer(archive: archive, channel: channel, features: features, progress: progress))
            case (.layers, .container): try await receiveLayers(transfer, channel, progress)
            case (.layers, _): try await receiveTrees(transfer, channel, progress)
            case (.btrfs, _): throw LXDError.badRequest("This pool does not take btrfs streams")
            }
        } catch {
            throw Self.translated(error)
        }
    }

    // MARK: rsync

    /// Takes an instance as LXD sends it: each snapshot over the one before, the volume over the last.
    private func receiveRsync(_ transfer: IncomingTransfer, _ rsync: RsyncTransfer) async throws {
        let volume = transfer.volume
        var parts = IncomingParts()
        do {
            // What the peer's rsync may write to; of what it leaves there only plain files are taken over.
            let incoming = try await blocking { [self] in
                let incoming = try DirStaging(layout)
                try check(clxd_mkdirat(CLXD_AT_FDCWD, incoming.path + "/rootfs", 0o755))
                if transfer.isRefresh { try incoming.copyMetadata(from: layout.path(volume), withBackup: true) }
                return incoming
            }
            parts.scratch.append(incoming)
            if transfer.isRefresh { parts.base = try await freeze(volume, isRunning: false) }
            let steps = transfer.snapshots.map { Optional($0) } + Array(repeating: nil, count: max(1, transfer.passes))
            for (index, snapshot) in steps.enumerated() {
                if parts.base.count >= DirLayers.depthMax { parts.base = try await squash(parts.base) }
                let (below, isFirst) = (parts.base, parts.base.isEmpty)
                let layer = try await blocking { [layers] in try layers.make(like: below.first) }
                parts.base = [layer] + below
                try await withFolders(of: [layer] + below, beside: incoming.path) { [layout] folders, beside in
                    let work = isFirst ? nil : try ConfinedDirectory(path: layout.work(ofLayer: layer))
                    try await rsync.receive(
                        root: beside, files: folders[0], over: Array(folders.dropFirst()),
                        work: work?.descriptor.rawValue ?? -1,
                        name: (try snapshot.map { try volume.withSnapshot($0) } ?? volume).description)
                    withExtendedLifetime(work) {}
                }
                if let idmap = transfer.diskIDMap.isEmpty ? nil : transfer.diskIDMap {
                    try await unshift(layer, idmap)
                }
                let received = parts.base
                if let snapshot {
                    try await add(
                        try volume.withSnapshot(snapshot), DirRecord(lower: received), from: incoming.path, to: &parts)
                } else if index == steps.count - 1 {
                    try await add(
                        volume, DirRecord(lower: Array(received.dropFirst()), upper: received.first),
                        from: incoming.path, to: &parts)
                }
            }
            try await publish(parts, isRefresh: transfer.isRefresh, isFlushed: !transfer.isLive)
        } catch {
            try await discard(parts, after: error)
        }
    }

    private func receiveCustomRsync(_ transfer: IncomingTransfer, _ rsync: RsyncTransfer) async throws {
        let volume = transfer.volume
        var parts = IncomingParts()
        do {
            let staging = try await blocking { [self] in try DirStaging(layout) }
            parts.scratch.append(staging)
            if transfer.isRefresh { try await copyTree(from: layout.path(volume), to: staging.path) }
            for snapshot in transfer.snapshots.map({ Optional($0) }) + [nil] {
                let item = try snapshot.map { try volume.withSnapshot($0) } ?? volume
                let folder = try await blocking { try ConfinedDirectory(path: staging.path) }
                try await rsync.receive(
                    root: folder.descriptor.rawValue, files: nil, over: [], work: -1, name: item.description)
                withExtendedLifetime(folder) {}
                guard item.isSnapshot else { break }
                let copy = try await blocking { [self] in try DirStaging(layout) }
                parts.made.append((item, copy, []))
                try await copyTree(from: staging.path, to: copy.path)
            }
            parts.scratch = []
            parts.made.append((volume, staging, []))
            try await publish(parts, isRefresh: transfer.isRefresh)
        } catch {
            try await discard(parts, after: error)
        }
    }

    // MARK: What is being received

    /// Volumes and snapshots that are not to be seen before all have arrived.
    struct IncomingParts {
        /// In the order in which they appear, with the layers counted for them.
        var made: [(volume: Volume, staging: DirStaging, layers: [String])] = []
        /// Layers counted for the transfer itself.
        var base: [String] = []
        var scratch: [DirStaging] = []
        /// The layer that an instance goes on writing to, which moves while it runs.
        var live: String?
    }

    /// Makes the directory of a received volume; its layers are counted once more for it.
    func add(_ volume: Volume, _ record: DirRecord, from folder: String, to parts: inout IncomingParts) async throws {
        let staging = try await blocking { [self] in
            try layers.retain(record.layers)
            do {
                let staging = try DirStaging(layout)
                try staging.copyMetadata(from: folder, withBackup: true)
                try staging.finishInstance(record)
                return staging
            } catch {
                try layers.release(record.layers)
                throw error
            }
        }
        parts.made.append((volume, staging, record.layers))
    }

    /// Lets everything appear: snapshots first, the volume last.
    ///
    /// - Parameter isFlushed: Not before it is on the disk.
    func publish(_ parts: IncomingParts, isRefresh: Bool, isFlushed: Bool = true) async throws {
        try await blocking { [self] in
            if isFlushed { try syncToDisk() }
            var published: [Volume] = []
            var old: [String] = []
            do {
                for (volume, staging, _) in parts.made {
                    if isRefresh && !volume.isSnapshot {
                        old = volume.kind == .custom ? [] : try readRecord(of: volume).layers
                        if volume.kind == .container { try Mounts.unmountTree(layout.path(volume)) }
                        try staging.exchange(with: volume)
                    } else {
                        try staging.publish(as: volume)
                        published.append(volume)
                    }
                }
            } catch {
                for volume in published { try trash.take(layout.path(volume)) }
                throw error
            }
            // It is done; what is left over now is found again by `recover`.
            do {
                for (volume, _, _) in parts.made { try link(volume) }
                for (_, staging, _) in parts.made { try trash.take(staging.path) }
                for scratch in parts.scratch { try trash.take(scratch.path) }
                try layers.release(old + parts.base)
            } catch {
                log.error(
                    "What a transfer left over could not be removed",
                    metadata: ["pool": "\(poolName)", "error": "\(error)"])
            }
        }
    }

    func discard(_ parts: IncomingParts, after error: any Error) async throws -> Never {
        do {
            try await blocking { [self] in
                for scratch in parts.scratch { try trash.take(scratch.path) }
                for (_, staging, held) in parts.made {
                    try trash.take(staging.path)
                    try layers.release(held)
                }
                try layers.release(parts.base)
            }
        } catch let cleanup {
            log.error("A half received volume could not be removed", metadata: ["error": "\(cleanup)"])
        }
        throw Self.translated(error)
    }

    /// Makes one layer of many; gives back the given ones and counts the new one.
    func squash(_ list: [String]) async throws -> [String] {
        let layer = try await blocking { [layers] in try layers.make(like: nil) }
        do {
            let target = try await blocking { [layout] in try ConfinedDirectory(path: layout.contents(ofLayer: layer)) }
            try await withFolders(of: list, beside: layout.staging) { [self] folders, _ in
                var command = ArchiveCommand("copy")
                command.add("--layers", descriptors: folders)
                command.add("--to", descriptor: target.descriptor.rawValue)
                try await run(command)
            }
            withExtendedLifetime(target) {}
            try await blocking { [layers] in try layers.release(list) }
            return [layer]
        } catch {
            try await blocking { [layers] in try layers.release([layer]) }
            throw error
        }
    }

    /// Calls `body` with descriptors of layers and of a directory.
    func withFolders(
        of list: [String], beside: String, _ body: @Sendable (_ layers: [Int32], _ beside: Int32) async throws -> Void
    ) async throws {
        let (folders, other) = try await blocking { [layout] in
            (
                try list.map { try ConfinedDirectory(path: layout.contents(ofLayer: $0)) },
                try ConfinedDirectory(path: beside)
            )
        }
        try await body(folders.map(\.descriptor.rawValue), other.descriptor.rawValue)
        withExtendedLifetime((folders, other)) {}
    }

    func copyTree(from source: String, to target: String, linking: Bool = false) async throws {
        let (from, to) = try await blocking {
            (try ConfinedDirectory(path: source), try ConfinedDirectory(path: target))
        }
        var command = ArchiveCommand("copy")
        command.add("--layers", descriptors: [from.descriptor.rawValue])
        command.add("--to", descriptor: to.descriptor.rawValue)
        if linking { command.add("--option", "link") }
        try await run(command)
        withExtendedLifetime((from, to)) {}
    }

    /// Gives a layer from a disk with shifted ids the ids that the container sees.
    private func unshift(_ layer: String, _ map: [IDMapEntry]) async throws {
        try await withFolders(of: [layer], beside: layout.staging) { [self] folders, _ in
            var command = ArchiveCommand("unshift")
            command.add("--to", descriptor: folders[0])
            for entry in map {
                let kind = entry.isUID ? entry.isGID ? "both" : "uid" : "gid"
                command.add("--map", kind, String(entry.hostID), String(entry.namespaceID), String(entry.range))
            }
            try await run(command)
        }
    }
}
