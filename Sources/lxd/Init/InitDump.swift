import LXDAPI
import LXDClient

/// The configuration of a server as a preseed that makes the same one again.
enum InitDump {
    static func text(_ server: ServerConnection) async throws -> String {
        var preseed = InitLocalPreseed()
        preseed.config = try await server.server().value.config
        preseed.networks = try await server.networks().filter(\.managed).map { network in
            .with {
                $0.config = network.config
                $0.description = network.description
                $0.name = network.name
                $0.type = network.type
                $0.project = "default"
            }
        }
        preseed.storagePools = try await server.storagePools().map { pool in
            .with {
                $0.config = pool.config
                $0.description = pool.description
                $0.name = pool.name
                $0.driver = pool.driver
            }
        }
        preseed.profiles = try await server.profiles().map { profile in
            .with {
                $0.config = profile.config
                $0.description = profile.description
                $0.devices = profile.devices
                $0.name = profile.name
            }
        }
        preseed.projects = try await server.projects().map { project in
            .with {
                $0.config = project.config
                $0.description = project.description
                $0.name = project.name
            }
        }
        return try LXDYAML.encode(preseed)
    }
}
