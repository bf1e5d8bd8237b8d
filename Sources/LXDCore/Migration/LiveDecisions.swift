import LXDAPI
import LXDDatabase
import LXDLinux
import Logging

/// Whose a running instance is that was on its way when a connection broke or a daemon died.
///
/// The source's record is the decision. It answers whoever knows the move's name and secret, at the address of an operation of
/// that name, until the target has said that it knows.
struct LiveDecisions: OperationDesk {
    let store: Store
    let dialer: any OperationDialer
    let logger: Logger

    init(store: Store, dialer: any OperationDialer, logger: Logger) {
        (self.store, self.dialer, self.logger) = (store, dialer, logger)
    }

    // MARK: The source answers

    func knows(id: String, secret: String) async -> Bool {
        guard let row = try? await row(id) else { return false }
        let (kept, given) = (Array(row.secret.utf8), Array(secret.utf8))
        guard kept.count == given.count else { return false }
        return zip(kept, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    func serve(id: String, over socket: any OperationSocket) async {
        do {
            let step: MigrationControl.Step =
                switch try await row(id)?.phase {
                case .committed?, .ended?: .go
                case nil: .kept
                default: .undecided
                }
            try await socket.send(.binary(MigrationControl(step).encoded))
            if step == .go, case .binary(let bytes)? = try await socket.receive(),
                try MigrationControl(decoding: bytes).isSuccess
            {
                try await store.write { try $0.deleteLiveMigration(id: id) }
            }
        } catch {
            logger.debug("A question about a live migration was not answered", metadata: ["id": "\(id)", "error": "\(error)"])
        }
        await socket.close()
    }

    private func row(_ id: String) async throws -> LiveMigrationRow? {
        try await store.read { try $0.liveMigration(id: id, .source) }
    }

    // MARK: The target asks

    /// Whether the instance is ours; asks until somebody knows. A yes is on the disk here before the source forgets it.
    func ask(_ row: LiveMigrationRow) async throws -> Bool {
        var pause = Duration.milliseconds(200)
        while true {
            for peer in row.peers {
                do {
                    if let decision = try await askOnce(row, peer) { return decision }
                } catch let error as LXDError where error.code == .notFound {
                    // That server knows of no such move: what was not committed is forgotten.
                    return false
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    logger.debug("Nobody answers about a live migration", metadata: ["peer": "\(peer)", "error": "\(error)"])
                }
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(5))
        }
    }

    /// Lets the source forget a move that has come to its end here; when it cannot be reached it keeps a row that says so.
    func confirm(_ row: LiveMigrationRow) async {
        for peer in row.peers {
            do {
                let socket = try await connect(row, peer)
                if case .binary? = try await socket.receive() {
                    try await socket.send(.binary(MigrationControl(isSuccess: true).encoded))
                }
                return await socket.close()
            } catch {
                logger.debug("The source of a live migration was not told of its end", metadata: ["peer": "\(peer)", "error": "\(error)"])
            }
        }
    }

    private func connect(_ row: LiveMigrationRow, _ peer: String) async throws -> any OperationSocket {
        let remote = try RemoteOperation(url: "https://\(peer)/1.0/operations/\(row.id)", certificatePEM: row.certificate)
        return try await dialer.connect(to: remote, secret: row.secret)
    }

    private func askOnce(_ row: LiveMigrationRow, _ peer: String) async throws -> Bool? {
        let socket = try await connect(row, peer)
        do {
            let timer = Task {
                try await Task.sleep(for: .seconds(10))
                await socket.close()
            }
            defer { timer.cancel() }
            guard case .binary(let bytes)? = try await socket.receive() else {
                throw LXDError.unavailable("The other server closed the connection")
            }
            let step = try MigrationControl(decoding: bytes).step
            if step == .go {
                try await store.writeDurably { try $0.decideLiveMigration(id: row.id, from: .ready, .committed) }
                try await socket.send(.binary(MigrationControl(isSuccess: true).encoded))
            }
            await socket.close()
            return step == .go ? true : step == .kept ? false : nil
        } catch {
            await socket.close()
            throw error
        }
    }
}
