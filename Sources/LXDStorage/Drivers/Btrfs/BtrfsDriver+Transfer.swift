internal import CLXDLinux
internal import Foundation
internal import LXDAPI
internal import LXDLinux
internal import LXDRuntimePlan
internal import Logging
internal import SystemPackage

/// What LXD calls the header of its btrfs streams: every subvolume, in the order in which they are sent.
struct BtrfsStreamHeader: Codable, Sendable {
    struct Subvolume: Codable, Sendable {
        /// From the volume; `/` is the volume itself.
        var path: String
        /// Empty for the volume itself.
        var snapshot: String
        var readonly: Bool
        var uuid: String?
        /// Ours only: of a subvolume that the source received itself, what streams name it by.
        var received: String?
    }
    var subvolumes: [Subvolume]
    /// Ours only, in answers: the snapshots that the target has just as they are, to tell differences from.
    var present: [String]?

    /// Decodes and checks what a peer sent.
    ///
    /// - Parameter snapshots: Those it may name; nil: any.
    static func decode(_ bytes: [UInt8], snapshots: [String]?) throws -> BtrfsStreamHeader {
        guard let header = try? JSONDecoder().decode(BtrfsStreamHeader.self, from: Data(bytes)),
            header.subvolumes.count <= 10_000
        else {
            throw LXDError.badRequest("Failed decoding BTRFS migration header")
        }
        for subvolume in header.subvolumes {
            let parts = subvolume.path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.first == "",
                subvolume.path == "/" || parts.dropFirst().allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
                subvolume.snapshot.isEmpty || snapshots.map({ $0.contains(subvolume.snapshot) }) ?? true
            else { throw LXDError.badRequest("The other server's list of subvolumes is not valid") }
        }
        return header
    }
}

extension BtrfsDriver {
    private static let features = ["migration_header", "header_subvolumes", "header_subvolume_uuids"]

    package var transferMethods: [TransferMethod] {
        [.btrfs(features: Self.features), .rsync(features: RsyncTransfer.features)]
    }

    package func send(
        _ transfer: OutgoingTransfer, over channel: any TransferChannel,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        switch transfer.method {
        case .rsync(let features):
            do {
                try await RsyncTransfer(archive: archive, channel: channel, features: features, progress: progress)
                    .send(transfer, isTree: true) { [self] volume, body in
                        try await withTree(volume, isRunning: transfer.isRunning, body)
                    }
            } catch {
                throw Self.translated(error)
            }
        case .btrfs(let features): try await sendSubvolumes(transfer, features, channel, progress)
        case .layers: throw LXDError.badRequest("This pool does not send layers")
        }
    }

    package func receive(
        _ transfer: IncomingTransfer, over channel: any TransferChannel,
        progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        let isThere = await exists(transfer.volume)
        if isThere && !transfer.isRefresh { throw LXDError.conflict("Volume by that name already exists") }
        if !isThere && transfer.isRefresh { throw LXDError.notFound("Storage volume not found") }
        let incoming = IncomingSubvolumes()
        do {
            switch transfer.method {
            case .rsync(let features):
                let rsync = RsyncTransfer(archive: archive, channel: channel, features: features, progress: progress)
                try await receiveRsync(transfer, rsync, incoming)
            case .btrfs(let features): try await receiveSubvolumes(transfer, features, channel, incoming, progress)
            case .layers: throw LXDError.badRequest("This pool does not take layers")
            }
            try await publish(incoming, isRefresh: transfer.isRefresh)
        } catch {
            let places = incoming.all
            do {
                try await blocking { for place in places { try BtrfsSubvolume.delete(place) } }
            } catch let cleanup {
                log.error(
                    "A half received volume could not be removed",
                    metadata: ["pool": "\(poolName)", "error": "\(cleanup)"])
            }
            throw Self.translated(error)
        }
    }

    // MARK: rsync

    private func receiveRsync(_ transfer: IncomingTransfer, _ rsync: RsyncTransfer, _ incoming: IncomingSubvolumes)
        async throws
    {
        let place = newPlace()
        incoming.scratch.append(place)
        try await blocking { [self] in
            if transfer.isRefresh {
                try BtrfsSubvolume.snapshot(layout.path(transfer.volume), to: place, readOnly: false)
            } else {
                try BtrfsSubvolume.create(place)
            }
            if transfer.volume.kind == .container && !isThere(place + "/rootfs") {
                try check(clxd_mkdirat(CLXD_AT_FDCWD, place + "/rootfs", 0o755))
            }
        }
        let steps = transfer.snapshots.map { Optional($0) } + Array(repeating: nil, count: max(1, transfer.passes))
        for snapshot in steps {
            let item = try snapshot.map { try transfer.volume.withSnapshot($0) } ?? transfer.volume
            let folder = try await blocking { try ConfinedDirectory(path: place) }
            let isContainer = transfer.volume.kind == .container
            let files = isContainer ? try await blocking { try ConfinedDirectory(path: place + "/rootfs") } : nil
            try await rsync.receive(
                root: folder.descriptor.rawValue, files: files?.descriptor.rawValue, over: [], work: -1,
                name: item.description)
            withExtendedLifetime((folder, files)) {}
            if !transfer.diskIDMap.isEmpty, let files {
                var command = ArchiveCommand("unshift")
                command.add("--to", descriptor: files.descriptor.rawValue)
                for entry in transfer.diskIDMap {
                    let kind = entry.isUID ? entry.isGID ? "both" : "uid" : "gid"
                    command.add("--map", kind, String(entry.hostID), String(entry.namespaceID), String(entry.range))
                }
                try await archive.run(command)
            }
            try await blocking { [self] in try dropForeign(place, isContainer: isContainer) }
            if item.isSnapshot {
                let copy = newPlace()
                incoming.made.append((item, copy))
                try await blocking { try BtrfsSubvolume.snapshot(place, to: copy, readOnly: false) }
            }
        }
        incoming.scratch.removeAll()
        incoming.made.append((transfer.volume, place))
    }

    // MARK: Streams

    private func sendSubvolumes(
        _ transfer: OutgoingTransfer, _ features: [String], _ channel: any TransferChannel,
        _ progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        // Read-only copies for as long as it takes: what is sent does not change, and nobody waits for us to delete it.
        let volumes = try transfer.snapshots.map { try transfer.volume.parent.withSnapshot($0) } + [transfer.volume]
        let all = transfer.isRefresh ? try await snapshots(of: transfer.volume.parent) + [transfer.volume] : volumes
        let own = newPlace()
        let outcome: Result<Void, any Error>
        do {
            let header = try await blocking { [self] in
                try BtrfsSubvolume.snapshot(layout.path(transfer.volume), to: own, readOnly: true)
                return BtrfsStreamHeader(
                    subvolumes: try all.flatMap {
                        try subvolumes(
                            of: $0, sent: $0 == transfer.volume ? own : layout.path($0), top: transfer.volume)
                    })
            }
            let hasHeader = features.contains("migration_header")
            if !hasHeader || !features.contains("header_subvolumes"),
                header.subvolumes.contains(where: { $0.path != "/" })
            {
                throw LXDError.internalError(
                    "Subvolumes detected in source but target does not support receiving subvolumes")
            }
            if hasHeader { try await channel.send(json: header) }
            var answer = header
            if transfer.isRefresh && features.contains("header_subvolume_uuids") {
                answer = try BtrfsStreamHeader.decode(
                    try await channel.readAll(limit: 16 << 20), snapshots: header.subvolumes.map(\.snapshot))
            }
            try await sendStreams(answer, header, own: own, of: transfer.volume, channel, progress)
            outcome = .success(())
        } catch {
            outcome = .failure(Self.translated(error))
        }
        try await blocking { try BtrfsSubvolume.delete(own) }
        try outcome.get()
    }

    /// A volume's subvolumes as a header names them.
    private func subvolumes(of volume: Volume, sent place: String, top: Volume) throws -> [BtrfsStreamHeader.Subvolume]
    {
        let name = volume == top ? "" : volume.snapshot ?? ""
        let folder = try ConfinedDirectory(path: place, resolution: .beneath)
        let identity = try ConfinedDirectory(path: layout.path(volume))
        var list = [
            BtrfsStreamHeader.Subvolume(
                path: "/", snapshot: name, readonly: !name.isEmpty, uuid: try BtrfsSubvolume.info(identity).uuid,
                received: try BtrfsSubvolume.info(identity).receivedUUID)
        ]
        for path in try BtrfsSubvolume.nested(in: folder) {
            let info = try BtrfsSubvolume.info(folder.directory(path))
            list.append(.init(path: "/" + path, snapshot: name, readonly: info.isReadOnly, uuid: info.uuid))
        }
        return list
    }

    private func sendStreams(
        _ answer: BtrfsStreamHeader, _ header: BtrfsStreamHeader, own: String, of volume: Volume,
        _ channel: any TransferChannel,
        _ progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        var order: [String] = []
        for subvolume in header.subvolumes where order.last != subvolume.snapshot { order.append(subvolume.snapshot) }
        // What the target has afterwards; LXD asks for all snapshots it does not have.
        var shared = Set(answer.present ?? [])
        let asked = Set(answer.subvolumes.map(\.snapshot))
        if answer.present == nil, asked.contains(where: { !$0.isEmpty }) {
            shared.formUnion(order.filter { !asked.contains($0) })
        }
        shared.formUnion(asked)
        for subvolume in answer.subvolumes {
            guard let index = order.firstIndex(of: subvolume.snapshot) else {
                throw LXDError.badRequest("The other server asks for what was not offered")
            }
            func place(_ snapshot: String) throws -> String {
                snapshot.isEmpty ? own : layout.path(try volume.parent.withSnapshot(snapshot))
            }
            // What differs from the snapshot before, where the target has that.
            let source = try place(subvolume.snapshot) + (subvolume.path == "/" ? "" : subvolume.path)
            let before = try order[..<index].last(where: shared.contains).map {
                try place($0) + (subvolume.path == "/" ? "" : subvolume.path)
            }
            let base = before.flatMap { BtrfsSubvolume.isOne($0) ? $0 : nil }
            let name = subvolume.snapshot.isEmpty ? volume.description : volume.name + "/" + subvolume.snapshot
            try await withReadOnly([source] + (base.map { [$0] } ?? [])) {
                try await BtrfsProgram(
                    channel: channel, progress: { progress(TransferProgress(name: name, bytes: $0)) }
                ).send(source, base: base)
            }
        }
    }

    /// Subvolumes inside a snapshot may be writable; only read-only ones can be sent.
    private func withReadOnly(_ places: [String], _ body: @Sendable () async throws -> Void) async throws {
        let changed = try await blocking {
            try places.filter { place in
                let folder = try ConfinedDirectory(path: place)
                guard try !BtrfsSubvolume.info(folder).isReadOnly else { return false }
                try BtrfsSubvolume.setReadOnly(folder, true)
                return true
            }
        }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        try await blocking { for place in changed { try BtrfsSubvolume.setReadOnly(place, false) } }
        try outcome.get()
    }

    private func receiveSubvolumes(
        _ transfer: IncomingTransfer, _ features: [String], _ channel: any TransferChannel,
        _ incoming: IncomingSubvolumes,
        _ progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws {
        var header = BtrfsStreamHeader(
            subvolumes: transfer.snapshots.map { .init(path: "/", snapshot: $0, readonly: true) } + [
                .init(path: "/", snapshot: "", readonly: false)
            ])
        if features.contains("migration_header") {
            let bytes = try await channel.readAll(limit: 16 << 20)
            // Of a refresh it tells all snapshots of the source; those that are not wanted are passed over.
            header = try BtrfsStreamHeader.decode(bytes, snapshots: transfer.isRefresh ? nil : transfer.snapshots)
        }
        if transfer.isRefresh && features.contains("header_subvolume_uuids") {
            let wanted = Set(transfer.snapshots)
            header.present = try await presentSnapshots(of: transfer.volume, header)
            header.subvolumes.removeAll { !$0.snapshot.isEmpty && !wanted.contains($0.snapshot) }
            try await channel.send(json: header)
        }
        for snapshot in transfer.snapshots + [""] {
            let parts = header.subvolumes.filter { $0.snapshot == snapshot }
            guard parts.first?.path == "/", Set(parts.map(\.path)).count == parts.count else {
                throw LXDError.badRequest(
                    "The other server does not send \(snapshot.isEmpty ? "the volume" : "snapshot \"\(snapshot)\"")")
            }
            let item = snapshot.isEmpty ? transfer.volume : try transfer.volume.withSnapshot(snapshot)
            let program = BtrfsProgram(channel: channel) {
                progress(TransferProgress(name: item.description, bytes: $0))
            }
            var received: [(path: String, place: String, isReadOnly: Bool)] = []
            for part in parts {
                let folder = newPlace()
                incoming.folders.append(folder)
                try await blocking { _ = try check(clxd_mkdirat(CLXD_AT_FDCWD, folder, 0o700)) }
                try await program.receive(into: folder)
                let place = try await blocking { [self] in
                    let names = try names(in: folder)
                    guard names.count == 1, BtrfsSubvolume.isOne(folder + "/" + names[0]) else {
                        throw LXDError.internalError("Failed to determine received subvolume")
                    }
                    return folder + "/" + names[0]
                }
                received.append((part.path, place, part.readonly && part.path != "/"))
            }
            let top = newPlace()
            incoming.made.append((item, top))
            try await blocking { [self, received] () throws in
                try assemble(received, at: top)
                try dropForeign(top, isContainer: item.kind == .container)
            }
        }
    }

    /// The snapshots that were received from just those of the source.
    private func presentSnapshots(of volume: Volume, _ header: BtrfsStreamHeader) async throws -> [String] {
        let own = try await snapshots(of: volume)
        return try await blocking { [layout] in
            try own.compactMap { snapshot in
                let received = try BtrfsSubvolume.info(ConfinedDirectory(path: layout.path(snapshot))).receivedUUID
                let isSame = header.subvolumes.contains {
                    $0.path == "/" && $0.snapshot == snapshot.snapshot && !received.isEmpty
                        && [$0.uuid, $0.received].contains(received)
                }
                return isSame ? snapshot.snapshot : nil
            }
        }
    }

    /// Puts received subvolumes into each other, as they were.
    private func assemble(_ parts: [(path: String, place: String, isReadOnly: Bool)], at top: String) throws {
        for part in parts {
            let sender = try BtrfsSubvolume.info(ConfinedDirectory(path: part.place)).receivedUUID
            try BtrfsSubvolume.setReadOnly(part.place, false)
            if part.path == "/" {
                try check(clxd_renameat_noreplace(CLXD_AT_FDCWD, part.place, CLXD_AT_FDCWD, top))
                try BtrfsSubvolume.setReceivedUUID(of: ConfinedDirectory(path: top), to: sender)
                continue
            }
            let folder = try ConfinedDirectory(path: top, resolution: .beneath)
            let names = part.path.split(separator: "/").map(String.init)
            let holder = try names.count == 1 ? folder : folder.directory(names.dropLast().joined(separator: "/"))
            guard let name = names.last else { continue }
            // An empty directory stands where the subvolume was.
            _ = clxd_unlinkat(holder.descriptor.rawValue, name, CLXD_AT_REMOVEDIR)
            try check(clxd_renameat_noreplace(CLXD_AT_FDCWD, part.place, holder.descriptor.rawValue, name))
            try BtrfsSubvolume.setReceivedUUID(of: holder.directory(name), to: sender)
        }
        let folder = try ConfinedDirectory(path: top, resolution: .beneath)
        for part in parts where part.isReadOnly {
            try BtrfsSubvolume.setReadOnly(folder.directory(String(part.path.dropFirst())), true)
        }
    }

    /// Of what a peer put beside an instance's root, plain files of the known names stay.
    private func dropForeign(_ place: String, isContainer: Bool) throws {
        guard isContainer else { return }
        try check(clxd_fchmodat(CLXD_AT_FDCWD, place, 0o700))
        let folder = try ConfinedDirectory(path: place, resolution: .beneath)
        guard try folder.status("rootfs").kind == .directory else {
            throw LXDError.badRequest("The other server sent no root file system")
        }
        for name in try folder.list() where name != "rootfs" {
            let kind = try folder.status(name).kind
            if kind == .regular && LayerManifest.isFileName(name) { continue }
            if kind == .directory && name == "templates" {
                for inner in try folder.list("templates") where try folder.status("templates/" + inner).kind != .regular
                {
                    try folder.removeTree("templates/" + inner)
                }
                continue
            }
            try folder.removeTree(name)
        }
        try check(clxd_fchownat(CLXD_AT_FDCWD, place, 0, 0, CLXD_AT_SYMLINK_NOFOLLOW))
        try check(clxd_fchmodat(CLXD_AT_FDCWD, place, 0o100))
    }

    // MARK: The end

    /// Subvolumes that are not to be seen before all have arrived. One task at a time has it.
    final class IncomingSubvolumes: @unchecked Sendable {
        // SAFETY: made, changed and read by the one task that receives.
        var made: [(volume: Volume, place: String)] = []
        var scratch: [String] = []
        /// Folders in which the program makes them.
        var folders: [String] = []

        var all: [String] { made.map(\.place) + scratch }
    }

    private func publish(_ incoming: IncomingSubvolumes, isRefresh: Bool) async throws {
        let (made, folders) = (incoming.made, incoming.folders)
        try await blocking { [self] in
            try syncToDisk()
            var published: [Volume] = []
            do {
                for (volume, place) in made {
                    if isRefresh && !volume.isSnapshot {
                        try replace(volume, by: place)
                    } else {
                        try publish(place, as: volume)
                        published.append(volume)
                    }
                }
            } catch {
                for volume in published { try BtrfsSubvolume.delete(layout.path(volume)) }
                throw error
            }
            for (volume, _) in made where volume.isSnapshot {
                try BtrfsSubvolume.setReadOnly(layout.path(volume), true)
            }
            for folder in folders { try removeHostTree(folder) }
        }
    }
}
