import Glibc
import LXDAPI
import LXDDatabase
import LXDLinux
import Logging
import SystemPackage
import Testing

@testable import LXDCore

/// What two servers say to each other while a running instance moves.
@Suite struct LiveTermsTests {
    private func terms(_ change: (inout LiveTerms) -> Void = { _ in }) -> LiveTerms {
        var terms = LiveTerms()
        terms.criuVersion = "4.2.1"
        terms.machine = "x86_64"
        terms.cgroupLayout = "cpu=1 memory=1"
        terms.idMap = [MigrationIDRange(isUID: true, isGID: false, hostID: 100000, namespaceID: 0, range: 65536)]
        terms.memoryBytes = 1 << 33
        terms.processor = [1, 2, 3]
        (terms.id, terms.secret) = ("0a-1b", "ff")
        terms.peers = ["10.0.0.1:8443"]
        terms.certificate = "PEM"
        terms.volatile = ["volatile.eth0.hwaddr": "00:16:3e:00:00:01"]
        terms.isPostCopy = true
        change(&terms)
        return terms
    }

    @Test func theyTravelWhole() throws {
        var header = MigrationHeader()
        header.live = terms()
        #expect(try MigrationHeader(decoding: header.encoded).live == terms())
    }

    @Test(arguments: [
        ("criu", "needs criu 4.2.1 or newer on the target (found 4.1)"), ("machine", "can't go on on aarch64"),
        ("cgroup", "control groups of the two servers differ"),
    ])
    func whatDiffersIsNamed(_ what: String, _ message: String) throws {
        let own = terms { own in
            switch what {
            case "criu": own.criuVersion = "4.1"
            case "machine": own.machine = "aarch64"
            default: own.cgroupLayout = "cpu=2 memory=2"
            }
        }
        #expect { try terms().check(against: own) } throws: { "\($0)".contains(message) }
        try terms().check(against: terms { $0.criuVersion = "4.10" })
    }

    @Test func aSourceThatNobodyCanAskIsRefused() throws {
        #expect { try terms { $0.peers = [] }.check(against: terms()) } throws: { "\($0)".contains("core.https_address") }
    }

    @Test(arguments: ["", "../x.img", ".hidden.img", "dump.log", "a b.img"])
    func onlyImagesAreTaken(_ name: String) {
        #expect(throws: LXDError.self) { try LiveImages.name(Array(name.utf8)) }
    }

    @Test func stepsAreHeardInAnyOrderAndTheEndIsTheEnd() async throws {
        let (control, far) = MemorySocket.pair()
        let connection = MigrationConnection(control: control, fs: MemorySocket.pair().0)
        for step in [MigrationControl.Step.alive, .ready, .alive] {
            try await far.send(.binary(MigrationControl(step).encoded))
        }
        try await connection.awaitStep(.ready)
        try await far.send(.binary(MigrationControl(isSuccess: false, message: "No more").encoded))
        await #expect { try await connection.awaitStep(.go) } throws: { "\($0)" == "No more" }
        #expect(connection.refusal == "No more")
    }

    /// criu's end of a stream for the test, and the other.
    private func stream() throws -> (criu: (reading: AsyncDescriptor, writing: AsyncDescriptor), ours: FileDescriptor) {
        var ends = try SocketPair(.stream)
        guard let own = ends.first.take(), let other = ends.second.take() else { throw Errno.badFileDescriptor }
        return (try AsyncDescriptor.bothWays(owning: own.release()), other.release())
    }

    /// Pages travel both ways, and the end of one side's stream is the end of the other's.
    @Test func pagesAreCarriedUntilOneSideIsDone() async throws {
        let (near, far) = MemorySocket.pair()
        let (serving, served) = try stream()
        let (asking, asked) = try stream()
        let source = try PageCarrier(served, over: near)
        let target = try PageCarrier(asked, over: far)
        try await asking.writing.write(Array("page 7".utf8))
        #expect(try await serving.reading.read() == Array("page 7".utf8))
        let page = [UInt8](repeating: 7, count: 4 << 20)
        async let sent: Void = serving.writing.write(page)
        var got: [UInt8] = []
        while got.count < page.count, let bytes = try await asking.reading.read() { got += bytes }
        try await sent
        #expect(got == page)
        asking.reading.close()
        asking.writing.close()
        #expect(try await serving.reading.read() == nil)
        await source.wait()
        await target.wait()
        #expect(!source.isLost && !target.isLost)
    }

    /// A connection that goes without a word is the end of the stream too, and is known for what it was.
    @Test func pagesThatAreCutOffAreALoss() async throws {
        let (near, far) = MemorySocket.pair()
        let (serving, served) = try stream()
        let source = try PageCarrier(served, over: near)
        await far.close()
        #expect(try await serving.reading.read() == nil)
        await source.wait()
        #expect(source.isLost)
    }

    @Test(arguments: [nil, "the kernel does not track changes of memory (soft-dirty)"])
    func whyMemoryIsNotSentAheadIsSaid(_ refusal: String?) {
        let text = MemoryAheadNote.text(refusal)
        #expect(text.contains("migration.incremental.memory") && text.contains(refusal ?? "this server"))
        let note = MemoryAheadNote()
        #expect(note.first() && !note.first())
    }

    @Test func silenceIsALoss() async throws {
        let (control, far) = MemorySocket.pair()
        let connection = MigrationConnection(control: control, fs: MemorySocket.pair().0)
        connection.keepAlive(giveUpAfter: .milliseconds(50))
        await #expect { try await connection.awaitStep(.go) } throws: { "\($0)".contains("not been heard of") }
        #expect(connection.refusal == nil)
        await connection.close()
        withExtendedLifetime(far) {}
    }
}

/// Who owns an instance is what the source has written down.
@Suite struct LiveDecisionTests {
    @Test func theSourceTellsUntilItIsBelieved() async throws {
        try await withStore { store in
            let decisions = LiveDecisions(store: store, dialer: NobodyThere(), logger: Logger(label: "test"))
            let row = LiveMigrationRow(id: "a-1", side: .source, project: "default", instance: "c1", secret: "ff")
            try await store.write { try $0.insertLiveMigration(row) }
            #expect(await decisions.knows(id: "a-1", secret: "ff"))
            #expect(await !decisions.knows(id: "a-1", secret: "fe"))
            #expect(await !decisions.knows(id: "a-2", secret: "ff"))
            #expect(try await answer(of: decisions) == .undecided)
            try await store.writeDurably { try $0.decideLiveMigration(id: "a-1", from: .open, .committed) }
            // Who does not say that it has heard may ask again.
            #expect(try await answer(of: decisions, confirms: false) == .go)
            try await store.write { try $0.decideLiveMigration(id: "a-1", from: .committed, .ended) }
            #expect(try await answer(of: decisions) == .go)
            #expect(try await answer(of: decisions) == .kept)
            #expect(await !decisions.knows(id: "a-1", secret: "ff"))
        }
    }

    @Test func aDecisionIsMadeOnce() async throws {
        try await withStore { store in
            let row = LiveMigrationRow(id: "a-1", side: .source, project: "default", instance: "c1", secret: "ff")
            try await store.write { try $0.insertLiveMigration(row) }
            try await store.write { try $0.decideLiveMigration(id: "a-1", from: .open, .committed) }
            await #expect(throws: LXDError.self) {
                try await store.write { try $0.decideLiveMigration(id: "a-1", from: .open, .committed) }
            }
        }
    }

    private func answer(of decisions: LiveDecisions, confirms: Bool = true) async throws -> MigrationControl.Step? {
        let (near, far) = MemorySocket.pair()
        let serving = Task { await decisions.serve(id: "a-1", over: near) }
        guard case .binary(let bytes)? = try await far.receive() else { return nil }
        if confirms { try await far.send(.binary(MigrationControl(isSuccess: true).encoded)) }
        await far.close()
        await serving.value
        return try MigrationControl(decoding: bytes).step
    }

    private func withStore(_ body: (Store) async throws -> Void) async throws {
        let path = "/tmp/lxd-live-test-\(VolatileKeys.newID()).db"
        let store = try Store(path: path)
        defer {
            try? store.close()
            for suffix in ["", "-wal", "-shm", "-reserve"] { unlink(path + suffix) }
        }
        try await body(store)
    }
}

private struct NobodyThere: OperationDialer {
    func connect(to operation: RemoteOperation, secret: String) async throws -> any OperationSocket {
        throw LXDError.unavailable("Unable to connect to: nobody")
    }
}
