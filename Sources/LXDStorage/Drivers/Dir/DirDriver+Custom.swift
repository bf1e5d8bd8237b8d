internal import CLXDLinux
internal import Glibc
internal import LXDAPI
internal import LXDLinux
internal import SystemPackage

/// Custom volumes: directories as they are.
extension DirDriver {
    func createCustom(_ volume: Volume, from source: VolumeSource) async throws {
        switch source {
        case .volume(let other, _):
            guard other.kind == .custom else {
                throw LXDError.badRequest("Volumes of different types cannot be copied")
            }
            try await copyCustom(from: other, to: volume)
        case .image: throw LXDError.badRequest("Custom volumes are not made from images")
        case .empty: try await makeCustom(volume) { _ in }
        case .fill(let fill): try await makeCustom(volume, fill)
        }
    }

    /// Copies one custom volume or snapshot to where there is none.
    func copyCustom(from source: Volume, to target: Volume) async throws {
        let from = try await blocking { [self] in
            guard isThere(layout.path(source)) else { throw LXDError.notFound("Storage volume not found") }
            return try ConfinedDirectory(path: layout.path(source))
        }
        try await makeCustom(target) { [self] place in try await copy(from, to: place.root) }
    }

    func restoreCustom(_ volume: Volume, from snapshot: Volume) async throws {
        let staging = try await blocking { [self] in try DirStaging(layout) }
        do {
            let (from, to) = try await blocking { [layout] in
                (try ConfinedDirectory(path: layout.path(snapshot)), try ConfinedDirectory(path: staging.path))
            }
            try await copy(from, to: to.descriptor.rawValue)
            withExtendedLifetime(to) {}
            try await blocking { [self] in
                try staging.exchange(with: volume)
                try trash.take(staging.path)
            }
        } catch {
            try await discard(staging, [], after: error)
        }
    }

    private func makeCustom(_ volume: Volume, _ fill: @Sendable (FillTarget) async throws -> Void) async throws {
        let staging = try await blocking { [self] in try DirStaging(layout) }
        do {
            let folder = try await blocking { () throws in
                guard chmod(staging.path, 0o711) == 0 else { throw Errno(rawValue: errno) }
                return try ConfinedDirectory(path: staging.path)
            }
            try await fill(FillTarget(root: folder.descriptor.rawValue, metadata: folder.descriptor.rawValue))
            withExtendedLifetime(folder) {}
            try await blocking { try staging.publish(as: volume) }
        } catch {
            try await discard(staging, [], after: error)
        }
    }

    private func copy(_ source: ConfinedDirectory, to target: Int32) async throws {
        var command = ArchiveCommand("copy")
        command.add("--layers", descriptors: [source.descriptor.rawValue])
        command.add("--to", descriptor: target)
        try await run(command)
        withExtendedLifetime(source) {}
    }
}
