import LXDAPI
import LXDDatabase
import LXDLinux
import LXDRuntime
import LXDRuntimePlan
import LXDStorage
import Logging
import Synchronization

/// The source's part in the move of a running instance.
///
/// Until the decision is written down the instance goes on here whatever happens; from then on it is the target's.
final class LiveSource: Sendable {
    private struct State {
        var session: CheckpointSession?
        var folder: LiveFolder?
        var images: Task<Int64, any Error>?
        var stoodStill: ContinuousClock.Instant?
        var frames: HeldFrames?
        var isCommitted = false
        /// Of a post-copy.
        var pages: PageCarrier?
    }
    let terms: LiveTerms
    private let instance: LoadedInstance
    private let record: LiveMigrationRow
    private let connection: MigrationConnection
    private let lifecycle: InstanceLifecycle
    private let faults: MigrationFaults
    private let state = Mutex(State())

    /// How long the other side may be silent before it counts as lost.
    static let silenceMax = Duration.seconds(10)
    /// How long the target may take from the decision until the instance is plugged in there.
    private static let pluggedMax = Duration.seconds(2)

    init(
        _ instance: LoadedInstance, terms: LiveTerms, over connection: MigrationConnection, lifecycle: InstanceLifecycle,
        faults: MigrationFaults
    ) {
        (self.instance, self.terms, self.connection) = (instance, terms, connection)
        (self.lifecycle, self.faults) = (lifecycle, faults)
        record = LiveMigrationRow(
            id: terms.id, side: .source, project: instance.project, instance: instance.name, secret: terms.secret)
    }

    private var environment: InstanceEnvironment { lifecycle.environment }
    var isCommitted: Bool { state.withLock { $0.isCommitted } }

    /// Before anything is sent.
    func begin() async throws {
        try await faults.reach(.sourceChecked)
        let record = record
        try await environment.store.write { try $0.insertLiveMigration(record) }
    }

    /// - Throws: When the target cannot take a running instance from us.
    func accept(_ answer: MigrationHeader) async throws {
        guard answer.stateTransfer == .rsync, answer.live?.version == LiveTerms.currentVersion else {
            throw LXDError.badRequest(
                "The target server can't take a running instance from this one; copy or move it with --stateless")
        }
        guard terms.isPostCopy else { return }
        guard answer.live?.isPostCopy == true else { throw PostCopyText.refusal("target", "memory can't be taken so") }
        _ = try await connection.pages()  // Connected before anything stands still.
    }

    /// Brings the instance to a stand and begins to send its images.
    func standStill() async throws {
        try await faults.reach(.sourceFirstPass)
        guard let images = connection.images else { throw LXDError.internalError("Missing criu secret") }
        let folder = try await LiveFolder.make(
            environment.paths.liveImages + "/" + terms.id, bytes: await lifecycle.engine.memory(instance.runtimeName))
        state.withLock { $0.folder = folder }
        let session = try await lifecycle.checkpointLocked(
            instance, keepsRunning: false, isPostCopy: terms.isPostCopy, into: folder.path
        ) { [self] in
            state.withLock { $0.stoodStill = .now }
        } locked: { [self] in
            let frames = HeldFrames(instance.hostPorts)
            state.withLock { $0.frames = frames }
        }
        state.withLock { $0.session = session }
        if let stream = session.takePages() {
            let pages = try await PageCarrier(stream, over: connection.pages())
            connection.whenLost { pages.cut() }
            state.withLock { $0.pages = pages }
        }
        try await faults.reach(.sourceDumped)
        let task = Task { [faults] in
            let bytes = try await LiveImages.send(folder.path, over: images)
            try await faults.reach(.sourceImagesSent)
            return bytes
        }
        state.withLock { $0.images = task }
    }

    /// Waits until the images have been sent.
    func sent() async throws {
        if let images = state.withLock({ $0.images }) { _ = try await images.value }
        try await faults.reach(.sourceSent)
    }

    /// Waits until the target holds the instance, decides, and lets it end here.
    func conclude() async throws {
        try await connection.awaitStep(.ready)
        try await faults.reach(.sourceReady)
        guard let session = state.withLock({ $0.session }) else { return }
        try await decide(session)
        // Nobody changes their mind any more.
        await Task { await carryOut(session) }.value
        do {
            try await connection.awaitSuccess()
        } catch {
            throw LXDError.internalError(
                "The instance belongs to the target server now, which has not said that it \(terms.isPostCopy ? "has all of its memory" : "runs"): \(LXDError.from(error).message)",
                cause: error)
        }
        try await environment.store.write { [terms] in try $0.deleteLiveMigration(id: terms.id) }
    }

    private func decide(_ session: CheckpointSession) async throws {
        try Task.checkCancellation()
        if state.withLock({ $0.pages })?.isLost == true {
            throw LXDError.unavailable("The connection over which memory was to follow the instance was lost")
        }
        try await session.awaitDecision()
        let (id, instanceID) = (terms.id, instance.row.id)
        do {
            try await environment.store.writeDurably { tx in
                try tx.decideLiveMigration(id: id, from: .open, .committed)
                try tx.mergeInstanceConfig(id: instanceID, [VolatileKeys.lastPower: "STOPPED"])
            }
        } catch {
            // What counts is what is on the disk.
            guard try await environment.store.read({ try $0.liveMigration(id: id, .source)?.phase }) == .committed else { throw error }
        }
        state.withLock { $0.isCommitted = true }
    }

    private func carryOut(_ session: CheckpointSession) async {
        let name = instance.runtimeName
        func attempt(_ what: String, _ body: () async throws -> Void) async {
            do { try await body() } catch {
                environment.logger.warning(
                    "Failed to \(what)", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
            }
        }
        await attempt("go on") { try await faults.reach(.sourceCommitted) }
        await attempt("tell the target of the decision") { try await connection.say(.go) }
        await attempt("go on") { try await faults.reach(.sourceGo) }
        await attempt("send after the instance what comes for it") { try await forward() }
        // The kernel takes a network that ends apart piece by piece: its firewall goes before its interfaces.
        await attempt("unplug the instance that has moved") { try await lifecycle.unplug(instance) }
        await attempt("end the instance that has moved") {
            try await lifecycle.withExpectedEnd(of: name) {
                // In a post-copy: when all pages have been fetched, or nobody will fetch them any more.
                await attempt("end the checkpoint") { try await session.commit() }
                try await lifecycle.engine.kill(name)
            }
        }
        await lifecycle.cleanUp(instance)
        await attempt("note the end of the instance that has moved") {
            try await environment.store.write { [terms] in try $0.decideLiveMigration(id: terms.id, from: .committed, .ended) }
        }
        if let folder = state.withLock({ $0.folder }) { await folder.remove() }
        let time = state.withLock { $0.stoodStill }.map { "\($0.duration(to: .now))" } ?? ""
        environment.logger.info(
            "Instance has moved while it ran", metadata: ["instance": "\(instance.key)", "stoodStill": "\(time)"])
        await attempt("go on") { try await faults.reach(.sourceEnded) }
    }

    /// Sends what has come for the instance while it stood still, and what still comes here until it is plugged in there.
    private func forward() async throws {
        guard let frames = state.withLock({ $0.frames }), let images = connection.images else { return }
        var count = try await frames.send(over: images)
        let plugged = Task { try await connection.awaitStep(.plugged) }
        let limit = Task {
            try await Task.sleep(for: Self.pluggedMax)
            plugged.cancel()
        }
        _ = await plugged.result
        limit.cancel()
        try await lifecycle.unplug(instance)
        count += try await frames.send(over: images)
        try await images.finish()
        environment.logger.debug("Sent frames after an instance", metadata: ["instance": "\(instance.key)", "count": "\(count)"])
    }

    /// The instance goes on here, and nobody knows any more that it was to move.
    func giveUp() async {
        await Task { [self] in
            let (session, folder, images) = state.withLock { ($0.session, $0.folder, $0.images) }
            images?.cancel()
            do {
                try await session?.abort()
            } catch {
                environment.logger.error(
                    "Failed to let an instance go on", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
            }
            await state.withLock { $0.frames }?.giveBack()
            _ = await images?.result
            await folder?.remove()
            do {
                try await environment.store.write { [terms] in try $0.deleteLiveMigration(id: terms.id) }
            } catch {
                environment.logger.error("Failed to forget a live migration", metadata: ["error": "\(error)"])
            }
        }.value
    }
}

extension MigrationService {
    /// What a running instance takes that moves now.
    ///
    /// - Throws: What keeps it from moving, before anything has been done.
    func liveTerms(of instance: LoadedInstance) async throws -> LiveTerms {
        try await lifecycle.requireCheckpointable(instance)
        var terms = LiveTerms.ofHost(criuVersion: try await lifecycle.engine.checkpointVersion(), limits: environment.hostLimits)
        terms.idMap = try StartPlan.idmap(instance).map {
            MigrationIDRange(
                isUID: $0.isUID, isGID: $0.isGID, hostID: Int64($0.hostID), namespaceID: Int64($0.namespaceID), range: Int64($0.range))
        }
        terms.processor = try await ProcessorDescription.own(
            folder: environment.paths.liveImages + "/cpu-" + instance.runtimeName)
        terms.memoryBytes = await lifecycle.engine.memory(instance.runtimeName)
        terms.isPostCopy = try await wantsPostCopy(instance)
        terms.id = VolatileKeys.newID()
        terms.secret = Operations.newSecret()
        terms.peers = await identity.addresses()
        terms.certificate = identity.certificatePEM
        terms.volatile = instance.row.config.filter { key, _ in
            key.hasPrefix("volatile.") && (key.hasSuffix(".hwaddr") || key.hasSuffix(".name"))
        }
        guard !terms.peers.isEmpty else {
            throw LXDError.badRequest(Self.unreachable)
        }
        return terms
    }

    /// Sends a running instance with its state.
    func sendLive(_ request: SourceRequest, over connection: MigrationConnection, _ report: TransferReport) async throws {
        let instance = try await environment.load(request.instance)
        var offer = try await offer(of: request)
        let live = LiveSource(
            instance, terms: try await liveTerms(of: instance), over: connection, lifecycle: lifecycle, faults: faults)
        offer.live = live
        do {
            try await live.begin()
            try await offer.send(over: connection, report)
        } catch {
            if !live.isCommitted { await live.giveUp() }
            throw error
        }
        environment.announce(.instanceStopped, request.instance, by: nil)
    }
}
