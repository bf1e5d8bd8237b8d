package import LXDAPI
import LXDDatabase

/// The state of an instance that an ETag stands for.
package struct InstanceVersion: Encodable {
    private let instance: LoadedInstance

    package init(_ instance: LoadedInstance) { self.instance = instance }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(instance.row.architecture)
        try container.encode(instance.row.config)
        try container.encode(instance.row.devices)
        try container.encode(instance.row.ephemeral)
        try container.encode(instance.row.profiles)
    }
}

extension InstanceService {
    /// Replaces everything a client may change.
    package func put(_ key: InstanceKey, _ put: InstancePut, by requestor: EventLifecycleRequestor?) async throws {
        try await update(key, by: requestor) { row in
            // As LXD's: an architecture that is unknown or left out stays as it was.
            if let architecture = try? Architectures.named(put.architecture).id { row.architecture = architecture }
            row.config = put.config
            row.devices = put.devices
            row.description = put.description
            row.ephemeral = put.ephemeral
            row.profiles = put.profiles
        }
    }

    /// Changes what a request names; keys of maps are merged.
    ///
    /// - Parameter fields: The fields that the request has.
    package func patch(
        _ key: InstanceKey, _ patch: InstancePut, fields: Set<String>, by requestor: EventLifecycleRequestor?,
        precondition: @escaping @Sendable (LoadedInstance) throws -> Void
    ) async throws {
        try await update(key, by: requestor, precondition: precondition) { row in
            if fields.contains("architecture"), let architecture = try? Architectures.named(patch.architecture).id {
                row.architecture = architecture
            }
            if fields.contains("ephemeral") { row.ephemeral = patch.ephemeral }
            if fields.contains("profiles") { row.profiles = patch.profiles }
            if fields.contains("description") { row.description = patch.description }
            row.config.merge(patch.config) { $1 }
            row.devices.merge(patch.devices) { $1 }
        }
    }
}
