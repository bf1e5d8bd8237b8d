internal import CLXDLinux
internal import Glibc
internal import LXDAPI
internal import LXDLinux
package import LXDRuntimePlan
internal import Logging
internal import SystemPackage

extension DirDriver {
    // MARK: Images

    package func ensureImage(
        _ fingerprint: String, fill: @escaping @Sendable (FillTarget) async throws -> Void
    ) async throws {
        let volume = try Volume.image(fingerprint)
        if await exists(volume) { return }
        let (staging, layer) = try await blocking { [self] in (try DirStaging(layout), try layers.make(like: nil)) }
        do {
            try await self.fill(layer: layer, metadata: staging.path, fill)
            try await blocking { [layout] in
                try DirRecord(lower: [layer]).write(to: layout.record(in: staging.path))
                try staging.publish(as: volume)
            }
        } catch {
            try await discard(staging, [layer], after: error)
        }
    }

    // MARK: Making

    package func create(_ volume: Volume, from source: VolumeSource) async throws {
        guard volume.kind != .image else { throw LXDError.badRequest("Only volumes can be created") }
        if await exists(volume) { throw LXDError.conflict("Volume by that name already exists") }
        if volume.isSnapshot { return try await createSnapshot(volume, from: source) }
        if volume.kind == .custom { return try await createCustom(volume, from: source) }
        let staging = try await blocking { [self] in try DirStaging(layout) }
        var held: [String] = []
        do {
            switch source {
            case .empty:
                held = [try await blocking { [self] in try layers.make(like: nil) }]
            case .image(let fingerprint):
                let image = try Volume.image(fingerprint)
                held = try await blocking { [self] in try stack(on: try readRecord(of: image).lower) }
                try await blocking { [self] in try staging.copyMetadata(from: layout.path(image), withBackup: false) }
            case .fill(let fill):
                let layer = try await blocking { [self] in try layers.make(like: nil) }
                held = [layer]
                try await self.fill(layer: layer, metadata: staging.path, fill)
            case .volume(let other, let isRunning):
                guard other.kind == .container else {
                    throw LXDError.badRequest("Volumes of different types cannot be copied")
                }
                held =
                    volume.isSnapshot
                    ? try await freeze(other, isRunning: isRunning) : try await share(other, isRunning: isRunning)
                try await blocking { [self] in try staging.copyMetadata(from: layout.path(other), withBackup: false) }
            }
            let record =
                volume.isSnapshot
                ? DirRecord(lower: held) : DirRecord(lower: Array(held.dropFirst()), upper: held.first)
            try await blocking { [self] in
                try staging.finishInstance(record)
                try staging.publish(as: volume)
                try link(volume)
            }
        } catch {
            try await discard(staging, held, after: error)
        }
    }

    /// Runs `fill` with the descriptors of a layer and of the directory beside it.
    func fill(layer: String, metadata: String, _ fill: @Sendable (FillTarget) async throws -> Void) async throws {
        let (root, beside) = try await blocking { [layout] in
            (try ConfinedDirectory(path: layout.contents(ofLayer: layer)), try ConfinedDirectory(path: metadata))
        }
        try await fill(FillTarget(root: root.descriptor.rawValue, metadata: beside.descriptor.rawValue))
        withExtendedLifetime((root, beside)) {}
    }

    /// A new layer on top of existing ones; all of them counted for the caller.
    func stack(on lower: [String]) throws -> [String] {
        try layers.retain(lower)
        do {
            return [try layers.make(like: lower.first)] + lower
        } catch {
            try layers.release(lower)
            throw error
        }
    }

    /// Removes what a failed call had made and throws what it failed with.
    func discard(_ staging: DirStaging, _ held: [String], after error: any Error) async throws -> Never {
        do {
            try await blocking { [self] in
                try trash.take(staging.path)
                try layers.release(held)
            }
        } catch let cleanup {
            log.error(
                "A half made volume could not be removed", metadata: ["path": "\(staging.path)", "error": "\(cleanup)"])
        }
        throw Self.translated(error)
    }

    // MARK: Removing, renaming

    package func delete(_ volume: Volume) async throws {
        try await blocking { [self] in
            if !volume.isSnapshot, try !names(in: layout.snapshotFolder(of: volume) ?? path + "/none").isEmpty {
                throw LXDError.badRequest("Cannot remove a volume that has snapshots")
            }
            let folder = layout.path(volume)
            if isThere(folder) {
                if volume.kind == .container { try Mounts.unmountTree(folder) }
                let held = volume.kind == .custom ? [] : try readRecord(of: volume).layers
                try trash.take(folder)
                try layers.release(held)
            }
            try unlink(volume)
        }
    }

    package func usage(of volume: Volume) async throws -> UInt64? { nil }

    package func setSize(_ bytes: UInt64?, of volume: Volume) async throws {}

    package func rootFilesystem(of volume: Volume) async throws -> RootFilesystem {
        try await blocking { [self] in
            let record = try readRecord(of: volume)
            guard let upper = record.upper else { throw LXDError.badRequest("Only instances can be started") }
            return .overlay(
                lower: record.lower.map { layout.contents(ofLayer: $0) }, upper: layout.contents(ofLayer: upper),
                work: layout.work(ofLayer: upper))
        }
    }
}
