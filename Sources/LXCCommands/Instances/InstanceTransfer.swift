import LXDAPI
import LXDClient
import LXDHTTP

/// Moves the data of an instance from one server to another.
struct InstanceTransfer {
    let session: Session
    let mode: String
    let from: ServerConnection
    let to: ServerConnection

    /// - Parameters:
    ///   - request: The new instance; its source is filled in here.
    ///   - migrate: Starts the sending side; with a target, it connects there itself.
    func run(
        _ request: InstancesPost, migrate: (InstancePostTarget?) async throws -> ServerOperation
    ) async throws -> Operation {
        switch mode {
        case "pull": try await pull(request, migrate)
        case "push": try await push(request, migrate)
        case "relay": try await relay(request, migrate)
        default: throw CommandFailure("Unknown transfer mode \(mode.goQuoted): one of pull, push or relay")
        }
    }

    private var progress: ProgressRenderer { session.renderer("Transferring instance: %s") }

    private func pull(
        _ request: InstancesPost, _ migrate: (InstancePostTarget?) async throws -> ServerOperation
    ) async throws -> Operation {
        let sending = try await migrate(nil)
        var request = request
        request.source.type = "migration"
        request.source.mode = "pull"
        request.source.secrets = sending.initial.metadata.compactMapValues(\.stringValue)
        request.source.certificate = try await from.certificate()
        let template = request
        do {
            return try await RemoteSource.tryAll(try await from.addresses(), failure: "Failed instance creation") { address in
                var request = template
                request.source.operation = "\(address)/1.0/operations/\(sending.id)"
                return try await session.wait(try await to.createInstance(request), showing: progress)
            }
        } catch {
            try? await sending.cancel()  // It may have ended by itself.
            throw error
        }
    }

    private func push(
        _ request: InstancesPost, _ migrate: (InstancePostTarget?) async throws -> ServerOperation
    ) async throws -> Operation {
        let receiving = try await startReceiving(request)
        let certificate = try await to.certificate()
        let sent = try await RemoteSource.tryAll(try await to.addresses(), failure: "Failed instance migration") { address in
            let target = InstancePostTarget.with {
                $0.operation = "\(address)/1.0/operations/\(receiving.id)"
                $0.secrets = receiving.initial.metadata.compactMapValues(\.stringValue)
                $0.certificate = certificate
            }
            return try await session.wait(try await migrate(target), showing: progress)
        }
        _ = sent
        return try await receiving.wait()
    }

    private func startReceiving(_ request: InstancesPost) async throws -> ServerOperation {
        var request = request
        request.source.type = "migration"
        request.source.mode = "push"
        return try await to.createInstance(request)
    }

    /// Copies between the websockets of both sides.
    private func relay(
        _ request: InstancesPost, _ migrate: (InstancePostTarget?) async throws -> ServerOperation
    ) async throws -> Operation {
        let sending = try await migrate(nil)
        let receiving = try await startReceiving(request)
        let pairs = sending.secrets.compactMap { name, secret in receiving.secrets[name].map { (secret, $0) } }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for (source, target) in pairs {
                let left = try await sending.webSocket(secret: source)
                let right = try await receiving.webSocket(secret: target)
                group.addTask { await Self.copy(left, right) }
                group.addTask { await Self.copy(right, left) }
            }
            let ended = try await session.wait(receiving, showing: progress)
            group.cancelAll()
            return ended
        }
    }

    private static func copy(_ source: WebSocketConnection, _ target: WebSocketConnection) async {
        do {
            while let message = try await source.receive() { try await target.send(message) }
        } catch {
            // One side has gone: closing the other tells it.
        }
        await target.close()
    }
}
