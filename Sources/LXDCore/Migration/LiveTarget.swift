import LXDAPI
import LXDConfig
import LXDDatabase
import LXDLinux
import LXDRuntime
import LXDRuntimePlan
import LXDStorage
import Logging
import Synchronization

/// The target's part in the move of a running instance.
///
/// Until the source has decided there is nothing here that does not go again; from then on the instance is ours, and what
/// fails ends in an instance that can be started from its images.
final class LiveTarget: Sendable {
    private let service: MigrationService
    private let connection: MigrationConnection
    private let intake: MigrationIntake
    private let report: TransferReport
    private struct State {
        /// Whatever becomes of the connection, the source has to be asked.
        var isReady = false
        var isOurs = false
        /// What is left to do once it runs.
        var rest: (@Sendable () async throws -> Void)?
        /// Brings what came for it while it stood still.
        var frames: Task<Void, Never>?
    }
    private let state = Mutex(State())

    init(
        _ service: MigrationService, over connection: MigrationConnection, _ intake: MigrationIntake, _ report: TransferReport
    ) {
        (self.service, self.connection, self.intake, self.report) = (service, connection, intake, report)
    }

    private var environment: InstanceEnvironment { service.environment }
    private var lifecycle: InstanceLifecycle { service.lifecycle }
    private var faults: MigrationFaults { service.faults }

    /// Takes the instance and lets it go on here; ``finish()`` follows.
    ///
    /// - Parameter created: Its rows; nothing else is there.
    func run(_ created: LoadedInstance) async throws {
        try await faults.reach(.targetCreated)
        let offer: MigrationHeader
        do { offer = try await connection.receiveHeader() } catch {
            throw LXDError.from(error).wrapped("Failed receiving migration offer header")
        }
        guard let theirs = offer.live, offer.stateTransfer == .rsync else {
            throw LXDError.badRequest(
                "The source server can't send a running instance to this one; copy or move it with --stateless")
        }
        var own = LiveTerms.ofHost(criuVersion: try await lifecycle.engine.checkpointVersion(), limits: environment.hostLimits)
        try theirs.check(against: own)
        try await service.requirePostCopy(theirs)
        own.isPostCopy = theirs.isPostCopy
        try await ProcessorDescription.check(theirs.processor, folder: environment.paths.liveImages + "/cpu-" + created.runtimeName)
        let instance = try await adopt(theirs, created)
        let record = try await note(theirs, instance)
        let folder = try await LiveFolder.make(record.images, bytes: theirs.memoryBytes)
        let pages = own.isPostCopy ? ArrivingPages(over: connection) : nil
        if pages != nil { try await ArrivingPages.mark(folder) }
        let answer = own
        do {
            try await lifecycle.devicesJoined(instance)
            try await lifecycle.startArriving(
                instance, arrival: { [self] in try await arrive(offer, answer, folder) },
                hold: { [self] in try await hold(record) }, pages: pages, plugged: { [self] plugged in await takeFrames(plugged) })
        } catch {
            await pages?.giveUp()
            guard state.withLock({ $0.isOurs }) else { throw error }
            try await service.keepTrying(record, instance, after: error)
        }
        try await service.conclude(record, instance, faults, isWhole: pages == nil)
        state.withLock { state in
            state.rest = { [self] in
                if let pages { try await wait(for: pages, record, instance) }
                await succeed(record, instance)
                await folder.remove()
            }
        }
        if pages == nil { try await finish() }
    }

    /// Waits for memory that comes while the instance runs, and tells the source that we have everything.
    func finish() async throws {
        let rest = state.withLock { state in
            defer { state.rest = nil }
            return state.rest
        }
        try await rest?()
    }

    private func wait(
        for pages: ArrivingPages, _ record: LiveMigrationRow, _ instance: LoadedInstance
    ) async throws {
        do {
            try? await faults.reach(.targetPages)
            try await pages.wait()
        } catch {
            throw await service.lose(record, instance, after: error)
        }
        try await environment.store.write { try $0.deleteLiveMigration(id: record.id) }
    }

    /// The instance is plugged in: the source may send what it has kept for it.
    private func takeFrames(_ plugged: PluggedInstance) async {
        guard let images = connection.images else { return }
        // A source that is gone sends nothing any more.
        guard (try? await connection.say(.plugged)) != nil else { return }
        let task = Task { [logger = environment.logger] in
            // What is answered before would be lost.
            await plugged.forgotten.value
            do {
                let count = try await HeldFrames.deliver(from: images, to: plugged.ports)
                logger.debug("Gave an instance what came while it stood still", metadata: ["frames": "\(count)"])
            } catch {
                logger.debug("What came for an instance while it stood still was lost", metadata: ["error": "\(error)"])
            }
        }
        state.withLock { $0.frames = task }
    }

    private func succeed(_ record: LiveMigrationRow, _ instance: LoadedInstance) async {
        if let frames = state.withLock({ $0.frames }) {
            let limit = Task {
                try await Task.sleep(for: .seconds(2))
                frames.cancel()
            }
            await frames.value
            limit.cancel()
        }
        do {
            try await intake.pool.flush()
            try await connection.reportSuccess()
        } catch {
            // The source will ask, or forget.
            environment.logger.warning(
                "The source was not told that its instance runs", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
            Task { [decisions = service.decisions] in await decisions.confirm(record) }
        }
    }

    /// Gives the instance the ids and addresses that its processes have.
    private func adopt(_ terms: LiveTerms, _ instance: LoadedInstance) async throws -> LoadedInstance {
        var changes: [String: String?] = [:]
        let wanted = try terms.idMapEntries
        if try wanted != StartPlan.idmap(instance) {
            changes.merge(try service.adoptedIDMap(wanted, instance)) { $1 }
        }
        for device in instance.devicesInOrder where device.config["type"] == "nic" {
            for suffix in ["hwaddr", "name"] where device.config[suffix] == nil {
                let key = "volatile.\(device.name).\(suffix)"
                if let value = terms.volatile[key], value.utf8.count <= 64 { changes[key] = value }
            }
        }
        try InstanceKeys.validate(changes.compactMapValues { $0 })
        try await environment.setVolatile(instance, changes)
        return instance.with(config: changes)
    }

    private func note(_ terms: LiveTerms, _ instance: LoadedInstance) async throws -> LiveMigrationRow {
        var row = LiveMigrationRow(
            id: terms.id, side: .target, project: instance.project, instance: instance.name, secret: terms.secret)
        // The name becomes part of paths and addresses.
        guard terms.id.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || $0 == UInt8(ascii: "-") })
        else { throw ProtoReader.malformed }
        row.peers = terms.peers.filter { !$0.contains("\n") && $0.utf8.count < 256 }
        row.certificate = terms.certificate
        row.images = environment.paths.liveImages + "/" + terms.id
        let record = row
        try await environment.store.write { try $0.insertLiveMigration(record) }
        return record
    }

    /// Takes the volume and the images; the devices are up.
    private func arrive(_ offer: MigrationHeader, _ own: LiveTerms, _ folder: LiveFolder) async throws -> String {
        try await faults.reach(.targetDevices)
        guard let images = connection.images else { throw LXDError.internalError("Missing criu secret") }
        let faults = faults
        try await intake.receive(offer, live: own, over: connection, report) {
            try await LiveImages.receive(into: folder.path, from: images)
            try await faults.reach(.targetImages)
        }
        try await faults.reach(.targetReceived)
        return folder.path
    }

    /// Everything is restored and stands still: waits for the decision.
    private func hold(_ record: LiveMigrationRow) async throws {
        try await faults.reach(.targetRestored)
        try await environment.store.write { try $0.decideLiveMigration(id: record.id, from: .open, .ready) }
        state.withLock { $0.isReady = true }
        // Cancelled or not, the source may be deciding.
        try await Task { [self] in
            if try await !isOurs(record) {
                throw LXDError.internalError("The source server kept the instance")
            }
            state.withLock { $0.isOurs = true }
            // From here on the instance runs on, whatever a test makes fail.
            try? await faults.reach(.targetGo)
        }.value
    }

    private func isOurs(_ record: LiveMigrationRow) async throws -> Bool {
        do {
            try await faults.reach(.targetReady)
            try await connection.say(.ready)
            try await faults.reach(.targetWaiting)
            try await connection.awaitStep(.go)
            return true
        } catch {
            if let refusal = connection.refusal { throw LXDError.internalError(refusal) }
            // Whatever broke here, the source is not to wait for us.
            await connection.close(after: error)
            environment.logger.warning(
                "The source is asked for its decision over a live migration",
                metadata: ["instance": "\(record.instance)", "error": "\(error)"])
            return try await service.decisions.ask(record)
        }
    }
}

extension MigrationService {
    /// - Throws: When running instances cannot come here, or not into this project.
    func requireLive(_ project: String) async throws {
        do { _ = try await lifecycle.engine.checkpointVersion() } catch {
            throw LXDError.from(error).wrapped("Unable to perform container live migration")
        }
        let config = try await environment.store.read { try $0.requireProject(project).config }
        // Images say what processes are and may do, and are believed: who sends them might make anything of them.
        guard !isTrue(config["restricted"]) || config["restricted.containers.lowlevel"] == "allow" else {
            throw LXDError.forbidden(
                "Project \(goQuoted(project)) doesn't take running instances from other servers (restricted.containers.lowlevel)")
        }
    }

    /// Takes back what was made of an instance that did not come, unless that is to be found out yet.
    func forgetArrival(_ instance: LoadedInstance) async throws {
        try await Task { [self] in
            let rows = try await environment.store.read { tx in
                try tx.liveMigrations().filter { $0.side == .target && $0.key == instance.key }
            }
            let current = try await environment.store.read { try $0.instance(project: instance.project, name: instance.name) }
            // Once its rows are valid it is ours, whatever else went wrong.
            guard let current, current.id == instance.row.id, current.phase == .creating else { return }
            try await removeArrived(environment.load(instance.key))
            for row in rows {
                await LiveFolder(path: row.images).remove()
                try await environment.store.write { try $0.deleteLiveMigration(id: row.id) }
            }
        }.value
    }

    /// The volatile keys by which an instance gets the ids that its processes have.
    ///
    /// - Throws: When these ids are not ours to give.
    func adoptedIDMap(_ wanted: [IDMapEntry], _ instance: LoadedInstance) throws -> [String: String?] {
        let (hosts, isPrivileged) = (environment.hostIDs, instance.isPrivileged)
        let last = wanted.map { UInt64($0.hostID) + UInt64($0.range) }.max() ?? 0
        let isCovered = wanted.allSatisfy { entry in
            let (base, count) = entry.isUID ? (hosts.uidBase, hosts.uidRange) : (hosts.gidBase, hosts.gidRange)
            return Int64(entry.hostID) >= base && Int64(entry.hostID) + Int64(entry.range) <= base + count
        }
        guard isCovered, !isPrivileged, let first = wanted.first,
            !isTrue(instance.expandedConfig["security.idmap.isolated"])
        else {
            throw LXDError.badRequest("Target cannot map uid range \(wanted.first?.hostID ?? 0)-\(last)")
        }
        let map = IDMapSet(
            wanted.map {
                IDMapSet.Entry(
                    isUID: $0.isUID, isGID: $0.isGID, hostID: Int64($0.hostID), namespaceID: Int64($0.namespaceID), range: Int64($0.range))
            })
        return ["volatile.idmap.next": map.json, "volatile.idmap.base": "\(first.namespaceID == 0 ? Int64(first.hostID) : 0)"]
    }

    /// An instance that is ours did not go on from its images: tries once more, then leaves it stopped with its state.
    func keepTrying(_ record: LiveMigrationRow, _ instance: LoadedInstance, after error: any Error) async throws {
        if await ArrivingPages.areWanted(by: record.images) { throw await lose(record, instance, after: error) }
        environment.logger.error(
            "An instance that has moved here did not go on; trying again",
            metadata: ["instance": "\(instance.key)", "error": "\(error)"])
        do {
            try await lifecycle.startArriving(instance, arrival: { record.images }, hold: {})
        } catch {
            try await lifecycle.keepState(of: instance, from: record.images)
            try await settle(record, instance)
            throw LXDError.internalError(
                "The instance belongs to this server now but could not go on: \(LXDError.from(error).message); its state is kept, lxc start tries again",
                cause: error)
        }
    }

    /// Makes the rows of an instance that runs here valid.
    ///
    /// - Parameter isWhole: Nothing of it is still to come, so that the record can go.
    func conclude(
        _ record: LiveMigrationRow, _ instance: LoadedInstance, _ faults: MigrationFaults, isWhole: Bool = true
    ) async throws {
        try? await faults.reach(.targetResumed)
        try await settle(record, instance, isWhole: isWhole)
        try? await faults.reach(.targetDone)
    }

    func settle(_ record: LiveMigrationRow, _ instance: LoadedInstance, isWhole: Bool = true) async throws {
        try await environment.store.write { tx in
            for row in try tx.snapshots(instanceID: instance.row.id) {
                try tx.setSnapshotPhase(id: row.id, .ready)
            }
            try tx.setInstancePhase(id: instance.row.id, .ready)
            if isWhole {
                try tx.deleteLiveMigration(id: record.id)
            } else if try tx.liveMigration(id: record.id, .target)?.phase == .ready {
                try tx.decideLiveMigration(id: record.id, from: .ready, .committed)
            }
        }
    }
}
