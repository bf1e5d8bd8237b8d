import LXDAPI
import LXDClient

/// Moves data from one server to another by two operations: one sends, one receives.
///
/// - pull: the receiving server connects to the sending one.
/// - push: the sending server connects to the receiving one.
/// - relay: this process connects to both and passes on what they say.
///
/// Whatever goes wrong, or ctrl+c, both operations are asked to stop, so that the source stays as it was and the target
/// removes what it began.
struct ServerTransfer {
    /// What the receiving server is told about where the data comes from.
    struct Source: Sendable {
        /// `pull` or `push`.
        var mode: String
        /// The sending operation's URL; empty for `push`.
        var operation = ""
        var secrets: [String: String] = [:]
        var certificate = ""
    }

    /// What the sending server is told about where the data goes.
    struct Target: Sendable {
        var operation: String
        var secrets: [String: String]
        var certificate: String
    }

    let session: Session
    let mode: String
    let from: ServerConnection
    let to: ServerConnection
    /// What stands around the progress.
    let progressText: String
    /// What comes before the reasons when no address of the other server worked.
    let pullFailure: String
    let pushFailure: String

    /// - Parameters:
    ///   - receive: Starts the receiving operation.
    ///   - send: Starts the sending operation; with a target, that one connects there itself.
    /// - Returns: The receiving operation as it ended.
    func run(
        receive: @Sendable (Source) async throws -> ServerOperation,
        send: @Sendable (Target?) async throws -> ServerOperation
    ) async throws -> Operation {
        switch mode {
        case "pull": try await pull(receive, send)
        case "push": try await push(receive, send)
        case "relay": try await relay(receive, send)
        default: throw CommandFailure("Unknown transfer mode \(mode.goQuoted): one of pull, push or relay")
        }
    }

    private var progress: ProgressRenderer { session.renderer(progressText) }

    private func pull(
        _ receive: @Sendable (Source) async throws -> ServerOperation,
        _ send: @Sendable (Target?) async throws -> ServerOperation
    ) async throws -> Operation {
        let certificate = try await from.certificate()
        let addresses = try await from.addresses()
        guard !addresses.isEmpty else { throw CommandFailure("The source server isn't listening on the network") }
        let sending = try await send(nil)
        return try await Self.cancelling([sending]) {
            let ended = try await RemoteSource.tryAll(addresses, failure: pullFailure) { address in
                let source = Source(
                    mode: "pull", operation: "\(address)/1.0/operations/\(sending.id)", secrets: sending.secrets,
                    certificate: certificate)
                return try await session.wait(try await receive(source), showing: progress)
            }
            await sending.settle()
            return ended
        }
    }

    private func push(
        _ receive: @Sendable (Source) async throws -> ServerOperation,
        _ send: @Sendable (Target?) async throws -> ServerOperation
    ) async throws -> Operation {
        let certificate = try await to.certificate()
        let addresses = try await to.addresses()
        guard !addresses.isEmpty else { throw CommandFailure("The target server isn't listening on the network") }
        let receiving = try await receive(Source(mode: "push"))
        return try await Self.cancelling([receiving]) {
            _ = try await RemoteSource.tryAll(addresses, failure: pushFailure) { address in
                let target = Target(
                    operation: "\(address)/1.0/operations/\(receiving.id)", secrets: receiving.secrets,
                    certificate: certificate)
                return try await session.wait(try await send(target), showing: progress)
            }
            return try await session.wait(receiving, showing: progress)
        }
    }

    private func relay(
        _ receive: @Sendable (Source) async throws -> ServerOperation,
        _ send: @Sendable (Target?) async throws -> ServerOperation
    ) async throws -> Operation {
        let sending = try await send(nil)
        return try await Self.cancelling([sending]) {
            let receiving = try await receive(Source(mode: "push"))
            return try await Self.cancelling([receiving]) {
                let relay = try await OperationRelay(from: sending, to: receiving)
                defer { relay.cut() }
                let ended = try await session.wait(receiving, showing: progress)
                // The sender still waits for the receiver's last words, which go through this process.
                await sending.settle()
                return ended
            }
        }
    }

    /// Asks operations to stop when the work fails.
    private static func cancelling(
        _ operations: [ServerOperation], _ work: () async throws -> Operation
    ) async throws -> Operation {
        do {
            return try await work()
        } catch {
            // In a task of its own, which goes on when this one is cancelled. Those that have ended by themselves refuse.
            await Task { for operation in operations { try? await operation.cancel() } }.value
            throw error
        }
    }
}
