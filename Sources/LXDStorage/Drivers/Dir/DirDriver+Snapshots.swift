internal import CLXDLinux
internal import Glibc
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

extension DirDriver {
    package func snapshot(_ volume: Volume, as name: String, isRunning: Bool) async throws {
        let snapshot = try volume.withSnapshot(name)
        if await exists(snapshot) { throw LXDError.conflict("Snapshot by that name already exists") }
        if volume.kind == .custom { return try await copyCustom(from: volume, to: snapshot) }
        let staging = try await blocking { [self] in try DirStaging(layout) }
        var held: [String] = []
        do {
            held = try await freeze(volume, isRunning: isRunning)
            let lower = held
            try await blocking { [self] in
                try staging.copyMetadata(from: layout.path(volume), withBackup: true)
                try staging.finishInstance(DirRecord(lower: lower))
                try staging.publish(as: snapshot)
                try link(volume)
                if isRunning { try show(snapshot) }
            }
        } catch {
            try await discard(staging, held, after: error)
        }
    }

    /// Makes a snapshot of an instance's volume from something else than the volume: a copied one, or one of a backup.
    func createSnapshot(_ snapshot: Volume, from source: VolumeSource) async throws {
        if snapshot.kind == .custom { return try await createCustom(snapshot, from: source) }
        let staging = try await blocking { [self] in try DirStaging(layout) }
        var held: [String] = []
        do {
            switch source {
            case .volume(let other, let isRunning):
                guard other.kind == .container else {
                    throw LXDError.badRequest("Volumes of different types cannot be copied")
                }
                held = try await freeze(other, isRunning: isRunning)
                try await blocking { [self] in try staging.copyMetadata(from: layout.path(other), withBackup: true) }
            case .fill(let fill):
                let layer = try await blocking { [self] in try layers.make(like: nil) }
                held = [layer]
                try await self.fill(layer: layer, metadata: staging.path, fill)
            case .empty, .image: throw LXDError.badRequest("Snapshots are made from volumes")
            }
            let record = DirRecord(lower: held)
            try await blocking { [self] in
                try staging.finishInstance(record)
                try staging.publish(as: snapshot)
                try link(snapshot)
            }
        } catch {
            try await discard(staging, held, after: error)
        }
    }

    /// The contents of a volume as read-only layers, counted once more for the caller.
    ///
    /// Of a stopped volume that was written to, the own layer becomes read-only and a new one is put on top: the record is
    /// replaced first, so a crash leaves the same contents in one more layer. A running one's layer is copied.
    func freeze(_ volume: Volume, isRunning: Bool) async throws -> [String] {
        let record = try await blocking { [self] in try readRecord(of: volume) }
        guard let upper = record.upper else {
            try layers.retain(record.lower)
            return record.lower
        }
        if isRunning || record.lower.count >= DirLayers.depthMax {
            try layers.retain(record.lower)
            do {
                return [try await copyLayer(upper)] + record.lower
            } catch {
                try layers.release(record.lower)
                throw error
            }
        }
        return try await blocking { [self] in
            if try !record.lower.isEmpty && layers.isClean(upper, above: record.lower.first) {
                try layers.retain(record.lower)
                return record.lower
            }
            let fresh = try layers.make(like: upper)
            let frozen = [upper] + record.lower
            do {
                try DirRecord(lower: frozen, upper: fresh, mirrors: record.mirrors.map { [""] + $0 })
                    .write(to: layout.record(in: layout.path(volume)))
            } catch {
                try layers.release([fresh])
                throw error
            }
            try layers.retain(frozen)
            return frozen
        }
    }

    /// Layers for a new volume with the contents of another: its own first. All counted for the caller.
    func share(_ other: Volume, isRunning: Bool) async throws -> [String] {
        if isRunning && !other.isSnapshot {
            let record = try await blocking { [self] in try readRecord(of: other) }
            guard let upper = record.upper else { throw LXDError.notFound("Storage volume not found") }
            try layers.retain(record.lower)
            do {
                return [try await copyLayer(upper)] + record.lower
            } catch {
                try layers.release(record.lower)
                throw error
            }
        }
        let frozen = try await freeze(other, isRunning: false)
        return try await blocking { [self] in
            do {
                return [try layers.make(like: frozen.first)] + frozen
            } catch {
                try layers.release(frozen)
                throw error
            }
        }
    }

    /// A copy of one layer with its whiteouts, counted once.
    private func copyLayer(_ layer: String) async throws -> String {
        let copy = try await blocking { [self] in try layers.make(like: layer) }
        do {
            let (source, target) = try await blocking { [layout] in
                (
                    try ConfinedDirectory(path: layout.contents(ofLayer: layer)),
                    try ConfinedDirectory(path: layout.contents(ofLayer: copy))
                )
            }
            var command = ArchiveCommand("copy")
            command.add("--layers", descriptors: [source.descriptor.rawValue])
            command.add("--to", descriptor: target.descriptor.rawValue)
            try await run(command)
            withExtendedLifetime((source, target)) {}
            return copy
        } catch {
            try layers.release([copy])
            throw error
        }
    }

    package func restore(_ volume: Volume, from snapshotName: String) async throws {
        let snapshot = try volume.withSnapshot(snapshotName)
        guard await exists(snapshot) else { throw LXDError.notFound("Snapshot not found") }
        if volume.kind == .custom { return try await restoreCustom(volume, from: snapshot) }
        let staging = try await blocking { [self] in try DirStaging(layout) }
        var held: [String] = []
        do {
            held = try await blocking { [self] in try stack(on: try readRecord(of: snapshot).lower) }
            let record = DirRecord(lower: Array(held.dropFirst()), upper: held.first)
            try await blocking { [self] in
                let old = try readRecord(of: volume).layers
                try Mounts.unmountTree(layout.path(volume))
                try staging.copyMetadata(from: layout.path(snapshot), withBackup: true)
                try staging.finishInstance(record)
                // Contents, metadata and record change in one step.
                try staging.exchange(with: volume)
                try trash.take(staging.path)
                try layers.release(old)
            }
        } catch {
            try await discard(staging, held, after: error)
        }
    }

    package func withTree<Result: Sendable>(
        _ volume: Volume, isRunning: Bool, _ body: @Sendable (VolumeTree) async throws -> Result
    ) async throws -> Result {
        if volume.kind == .custom {
            let folder = try await blocking { [layout] in try ConfinedDirectory(path: layout.path(volume)) }
            let number = folder.descriptor.rawValue
            let result = try await body(VolumeTree(layers: [number], metadata: number))
            withExtendedLifetime(folder) {}
            return result
        }
        // Held, so that a snapshot deleted meanwhile stays readable.
        let held: [String]
        if isRunning && !volume.isSnapshot {
            held = try await freeze(volume, isRunning: true)
        } else {
            held = try await blocking { [self] in
                let all = try readRecord(of: volume).layers
                try layers.retain(all)
                return all
            }
        }
        let outcome: Swift.Result<Result, any Error>
        do {
            let (folders, metadata) = try await blocking { [layout] in
                (
                    try held.map { try ConfinedDirectory(path: layout.contents(ofLayer: $0)) },
                    try ConfinedDirectory(path: layout.path(volume))
                )
            }
            let tree = VolumeTree(layers: folders.map(\.descriptor.rawValue), metadata: metadata.descriptor.rawValue)
            outcome = .success(try await body(tree))
            withExtendedLifetime((folders, metadata)) {}
        } catch {
            outcome = .failure(error)
        }
        try await blocking { [layers] in try layers.release(held) }
        return try outcome.get()
    }
}
