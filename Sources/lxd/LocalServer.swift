import Foundation
import LXDAPI
import LXDClient
import LXDCore
import LXDHTTP

/// The daemon of this machine, as the other `lxd` commands reach it.
enum LocalServer {
    static var paths: DaemonPaths { DaemonPaths(environment: ProcessInfo.processInfo.environment) }

    /// `LXD_SOCKET`, or the socket in `LXD_DIR`.
    static var socketPath: String {
        if let path = ProcessInfo.processInfo.environment["LXD_SOCKET"], !path.isEmpty { return path }
        return paths.socket
    }

    static func connect() -> ServerConnection { ServerConnection(socketPath: socketPath) }

    /// Asks for a path outside the API, such as `/internal/ready`.
    static func query(_ method: String, _ path: String, body: JSONValue? = nil) async throws -> JSONValue {
        let server = connect()
        do {
            let answer = try await server.send(
                method, path, headers: body == nil ? [] : [("Content-Type", "application/json")],
                body: body == nil ? .none : .data(try LXDJSON.encode(body ?? .null)))
            let response: ResponseRaw = try await server.envelope(answer, path).value
            await server.close()
            return response.metadata
        } catch {
            await server.close()
            throw error
        }
    }
}
