import LXDAPI
import LXDStorage
import Synchronization

/// What a server sends: a volume with its snapshots, and everything that is to be said about them.
package struct MigrationOffer: Sendable {
    /// Without what the pool offers, which is filled in.
    var header: MigrationHeader
    var index: MigrationIndex
    let pool: any PoolDriver
    let poolConfig: [String: String]
    /// The volume, or the snapshot that the target is to make a volume of.
    let volume: Volume
    var isRunning = false
    var isAllowInconsistent = false
    /// The instance moves while it runs.
    var live: LiveSource?

    /// Sends everything and returns once the target has said that it has it.
    func send(over connection: MigrationConnection, _ report: TransferReport) async throws {
        var header = header
        // A second pass takes a method that has one.
        let methods = pool.transferMethods.filter { live == nil || !$0.isBtrfs }
        let formats = MigrationFormats(methods, poolConfig: poolConfig)
        formats.offer(in: &header)
        if let live {
            header.stateTransfer = .rsync
            header.live = live.terms
        }
        header.indexHeaderVersion = 1
        do { try await connection.send(header) } catch {
            throw LXDError.from(error).wrapped("Failed sending migration offer header")
        }
        let answer = try await connection.receiveHeader()
        try await live?.accept(answer)
        if live != nil { connection.keepAlive(giveUpAfter: LiveSource.silenceMax) }
        let method = try formats.agreed(by: answer)
        var wanted = header.snapshotNames
        var index = index
        if answer.refresh == true {
            let asked = Set(answer.snapshotNames)
            guard asked.isSubset(of: wanted) else {
                throw LXDError.badRequest("The other server asks for snapshots that were not offered")
            }
            wanted.removeAll { !asked.contains($0) }
            index.keepSnapshots(wanted)
        }
        var standStill: (@Sendable () async throws -> Void)?
        if let live { standStill = { try await live.standStill() } }
        let transfer = OutgoingTransfer(
            volume: volume, snapshots: wanted, method: method, isRunning: isRunning, isRefresh: answer.refresh == true,
            bandwidthLimit: poolConfig["rsync.bwlimit"], isAllowInconsistent: isAllowInconsistent, standStill: standStill)
        let hasIndex = answer.indexHeaderVersion ?? 0 > 0
        var contents: any TransferChannel = connection.contents
        if case .rsync = method {} else if let pace = TransferPace(poolConfig["rsync.bwlimit"]) {
            contents = PacedChannel(contents, pace)
        }
        try await connection.whileListening { [index, pool, live, contents] in
            if hasIndex { try await connection.contents.send(index) }
            try await pool.send(transfer, over: contents) { report($0) }
            try await live?.sent()
        }
        guard let live else { return try await connection.awaitSuccess() }
        try await live.conclude()
    }
}

/// What a server takes from another: where it goes, and what is done with what is said about it.
struct MigrationIntake: Sendable {
    let pool: any PoolDriver
    let poolConfig: [String: String]
    let volume: Volume
    /// The volume is there and is brought up to date.
    let isRefresh: Bool
    /// Whether layers of this image may be used.
    let hasImage: @Sendable (_ fingerprint: String) async -> Bool
    /// Says which of the offered snapshots are wanted.
    let choose: @Sendable (_ offered: [MigrationSnapshot]) async throws -> [MigrationSnapshot]
    /// Writes down what comes, before it comes.
    let prepare: @Sendable (_ snapshots: [MigrationSnapshot], _ index: MigrationIndex) async throws -> Void
    /// Makes what has come valid.
    let commit: @Sendable () async throws -> Void

    /// Takes everything and tells the source so.
    func receive(over connection: MigrationConnection, _ report: TransferReport) async throws {
        let offer: MigrationHeader
        do { offer = try await connection.receiveHeader() } catch {
            throw LXDError.from(error).wrapped("Failed receiving migration offer header")
        }
        try await receive(offer, over: connection, report)
        try await commit()
        try await connection.reportSuccess()
    }

    /// Answers an offer and takes what comes then.
    ///
    /// - Parameters:
    ///   - live: Our part of the terms when the instance moves while it runs.
    ///   - body: Runs beside it, and is ended with it.
    func receive(
        _ offer: MigrationHeader, live: LiveTerms? = nil, over connection: MigrationConnection, _ report: TransferReport,
        beside body: @escaping @Sendable () async throws -> Void = {}
    ) async throws {
        let methods = pool.transferMethods.filter { live == nil || !$0.isBtrfs }
        let formats = MigrationFormats(methods, poolConfig: poolConfig)
        let method = try formats.choose(from: offer, isRefresh: isRefresh)
        let snapshots = try await choose(Self.snapshots(of: offer))
        var answer = MigrationHeader()
        formats.answer(method, in: &answer)
        answer.snapshots = snapshots
        answer.snapshotNames = snapshots.map(\.name)
        answer.refresh = isRefresh
        answer.indexHeaderVersion = min(offer.indexHeaderVersion ?? 0, 1)
        answer.predump = false
        answer.stateTransfer =
            offer.stateTransfer == MigrationHeader.StateTransfer.none ? MigrationHeader.StateTransfer.none : nil
        if let live {
            answer.stateTransfer = .rsync
            answer.live = live
        }
        try await connection.send(answer)
        if live != nil { connection.keepAlive(giveUpAfter: LiveSource.silenceMax) }
        let hasIndex = answer.indexHeaderVersion == 1
        let transfer = IncomingTransfer(
            volume: volume, snapshots: snapshots.map(\.name), method: method, isRefresh: isRefresh, images: hasImage,
            diskIDMap: try offer.idMap.map { try $0.entry }, passes: answer.stateTransfer == nil ? 1 : 2,
            isLive: live != nil)
        try await connection.whileListening { [self] in
            let index = hasIndex ? try await connection.contents.receiveIndex(isRefresh: isRefresh) : MigrationIndex()
            try await prepare(snapshots, index)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await body() }
                group.addTask { try await pool.receive(transfer, over: connection.contents) { report($0) } }
                while try await group.next() != nil {}
            }
        }
    }

    /// The offered snapshots. Old servers send only names.
    private static func snapshots(of offer: MigrationHeader) throws -> [MigrationSnapshot] {
        var seen: Set<String> = []
        for name in offer.snapshotNames {
            guard seen.insert(try SnapshotName(name).rawValue).inserted else {
                throw LXDError.badRequest("The other server offers two snapshots of one name")
            }
        }
        guard offer.snapshots.map(\.name) == offer.snapshotNames else {
            return offer.snapshotNames.map { name in
                var snapshot = MigrationSnapshot()
                snapshot.name = name
                return snapshot
            }
        }
        return offer.snapshots
    }
}

/// Tells how far a transfer is, a few times a second.
package final class TransferReport: Sendable {
    private struct State {
        var name = ""
        var start = ContinuousClock.now
        var last: ContinuousClock.Instant?
    }
    private let state = Mutex(State())
    private let sink: ProgressSink

    package init(_ sink: ProgressSink) { self.sink = sink }

    func callAsFunction(_ progress: TransferProgress) {
        let now = ContinuousClock.now
        let text = state.withLock { state -> String? in
            if state.name != progress.name {
                state.name = progress.name
                state.start = now
                state.last = nil
            }
            if let last = state.last, last.duration(to: now) < .milliseconds(250) { return nil }
            state.last = now
            let rate = Double(progress.bytes) / max(state.start.duration(to: now) / .seconds(1), 0.001)
            return Self.text(progress, bytesPerSecond: Int64(rate))
        }
        if let text { sink("fs_progress", text) }
    }

    /// LXD's form with the percentage added where the end is known: `c1: 42% 123.45MB (12.30MB/s)`.
    static func text(_ progress: TransferProgress, bytesPerSecond: Int64) -> String {
        let percent = progress.totalBytes.flatMap { total in
            total > 0 ? "\(min(100, progress.bytes * 100 / total))% " : nil
        }
        return "\(progress.name): \(percent ?? "")\(ByteText.of(progress.bytes)) (\(ByteText.of(bytesPerSecond))/s)"
    }
}

/// Sizes as LXD's progress shows them: decimal units, two digits.
enum ByteText {
    static func of(_ bytes: Int64) -> String {
        guard bytes >= 1000 else { return "\(max(bytes, 0))B" }
        var value = Double(bytes) / 1000
        for unit in ["kB", "MB", "GB", "TB", "PB"] {
            if value < 1000 {
                let hundredths = Int64(value * 100)
                return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)\(unit)"
            }
            value /= 1000
        }
        return "\(bytes)B"
    }
}
