import LXDAPI
import LXDDatabase
import LXDLinux
import Logging

/// What a daemon that starts makes of moves of running instances that the last one died in.
extension MigrationService {
    /// Whether the instance of that runtime name belongs to another server now, so that the processes that may still be here
    /// must not go on. Asked before the runtime looks for them; nothing comes to them over the network any more.
    package func committedNames() async throws -> Set<String> {
        let rows = try await environment.store.read { try $0.liveMigrations() }
            .filter { $0.side == .source && $0.phase == .committed }
        for row in rows {
            do { try await lifecycle.unplug(environment.load(row.key)) } catch {
                // It may be gone already.
                environment.logger.debug("An instance was not unplugged", metadata: ["instance": "\(row.key)", "error": "\(error)"])
            }
        }
        return Set(rows.map(\.key.runtimeName))
    }

    /// Takes back what was not decided and carries out what was, once the runtime knows what runs.
    ///
    /// - Returns: Instances that are neither here nor there yet: they are unfinished and must stay.
    package func recover() async -> Set<InstanceKey> {
        var pending: Set<InstanceKey> = []
        var folders: Set<String> = []
        do {
            for row in try await environment.store.read({ try $0.liveMigrations() }) {
                do {
                    if try await recover(row) {
                        pending.insert(row.key)
                        folders.insert(row.id)
                    }
                } catch {
                    pending.insert(row.key)
                    folders.insert(row.id)
                    environment.logger.error(
                        "Failed to recover a live migration", metadata: ["instance": "\(row.key)", "error": "\(error)"])
                }
            }
            try await removeFolders(except: folders)
        } catch {
            environment.logger.error("Failed to look for live migrations", metadata: ["error": "\(error)"])
        }
        return pending
    }

    /// - Returns: Whether it is still open.
    private func recover(_ row: LiveMigrationRow) async throws -> Bool {
        let instance = try await environment.store.read { tx in
            try tx.instance(project: row.project, name: row.instance) == nil ? nil : try tx.loadInstance(row.key)
        }
        switch (row.side, row.phase) {
        case (.source, .committed):
            if let instance, await lifecycle.isRunning(row.key) {
                // It was to end here, and something kept it from that.
                try await lifecycle.withExpectedEnd(of: instance.runtimeName) {
                    try await lifecycle.engine.kill(instance.runtimeName)
                }
                await lifecycle.cleanUp(instance)
            }
            try await environment.store.write { try $0.decideLiveMigration(id: row.id, from: .committed, .ended) }
            return false
        case (.source, .ended): return false
        case (.source, _):
            // It went on, by the death of the one who would have decided.
            try await environment.store.write { try $0.deleteLiveMigration(id: row.id) }
            return false
        case (.target, .open):
            if let instance { try await removeArrived(instance) }
            try await environment.store.write { try $0.deleteLiveMigration(id: row.id) }
            return false
        case (.target, _):
            guard let instance else {
                try await environment.store.write { try $0.deleteLiveMigration(id: row.id) }
                return false
            }
            guard await lifecycle.isRunning(row.key) else {
                guard row.phase == .committed, await ArrivingPages.areWanted(by: row.images) else { return true }
                // It ran until its memory came no more.
                await lifecycle.cleanUp(instance)
                _ = await lose(row, instance, after: LXDError.unavailable("The daemon was ended while it came"))
                return false
            }
            // It may have begun to run before it was plugged in.
            await lifecycle.repairNetworkDevices(of: [row.key])
            try await settle(row, instance)
            Task { [decisions] in await decisions.confirm(row) }
            return false
        }
    }

    /// Finds out what became of the instances that ``recover()`` left open. Returns when all are known.
    package func resolve() async {
        let rows = (try? await environment.store.read { try $0.liveMigrations() }) ?? []
        await withDiscardingTaskGroup { group in
            for row in rows where row.side == .target && row.phase != .open {
                group.addTask { await self.resolve(row) }
            }
        }
    }

    private func resolve(_ row: LiveMigrationRow) async {
        do {
            try await environment.locks.with(row.key, .create) {
                let instance = try await environment.load(row.key)
                var isOurs = row.phase == .committed
                if !isOurs { isOurs = try await decisions.ask(row) }
                guard isOurs else {
                    try await removeArrived(instance)
                    try await environment.store.write { try $0.deleteLiveMigration(id: row.id) }
                    return
                }
                try await goOn(row, instance)
            }
            try await removeFolders(except: [])
        } catch is CancellationError {
            // The next start asks again.
        } catch {
            environment.logger.error(
                "An instance that has moved here does not run", metadata: ["instance": "\(row.key)", "error": "\(error)"])
        }
    }

    private func goOn(_ row: LiveMigrationRow, _ instance: LoadedInstance) async throws {
        let isKept = await BlockingPool.shared.run { (try? ConfinedDirectory(path: row.images).list().isEmpty) == false }
        guard isKept else {
            // The host went down with them.
            environment.logger.error(
                "The state of an instance that has moved here was lost with the host; it can be started anew",
                metadata: ["instance": "\(instance.key)"])
            return try await settle(row, instance)
        }
        do {
            if await ArrivingPages.areWanted(by: row.images) {
                throw LXDError.unavailable("The daemon was ended before its memory came")
            }
            try await lifecycle.startArriving(instance, arrival: { row.images }, hold: {})
        } catch {
            try await keepTrying(row, instance, after: error)
        }
        try await conclude(row, instance, faults)
    }

    /// Removes everything of an instance that did not come to be here.
    func removeArrived(_ instance: LoadedInstance) async throws {
        if await lifecycle.isRunning(instance.key) {
            try await lifecycle.withExpectedEnd(of: instance.runtimeName) {
                try await lifecycle.engine.kill(instance.runtimeName)
            }
        }
        await lifecycle.cleanUp(instance)
        await lifecycle.devicesLeft(instance)
        try await environment.removeEverything(of: instance)
    }

    private func removeFolders(except kept: Set<String>) async throws {
        let place = environment.paths.liveImages
        let names = await BlockingPool.shared.run { (try? ConfinedDirectory(path: place).list()) ?? [] }
        let present = Set(try await environment.store.read { try $0.liveMigrations().filter { $0.side == .target }.map(\.id) })
        for name in names where !kept.contains(name) && !present.contains(name) {
            await LiveFolder(path: place + "/" + name).remove()
        }
    }
}

extension LiveMigrationRow {
    var key: InstanceKey { InstanceKey(project: project, name: instance) }
}
