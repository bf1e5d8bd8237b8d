import LXDAPI
import LXDClient

/// What devices belong to: an instance or a profile.
struct DeviceOwner {
    enum Kind { case instance, profile }

    let kind: Kind
    let resource: Resource

    typealias Devices = [String: [String: String]]

    init(_ kind: Kind, _ argument: String, _ session: Session) throws {
        self.kind = kind
        resource = try session.resource(argument)
        guard !resource.name.isEmpty else { throw CommandFailure("Missing name") }
    }

    init(_ kind: Kind, _ server: ServerConnection, _ name: String) {
        self.kind = kind
        resource = Resource(server: server, reference: RemoteName(remote: "", name: name))
    }

    /// Its own devices, and those that profiles give it besides.
    func load() async throws -> (own: Devices, expanded: Devices) {
        switch kind {
        case .instance:
            let instance = try await resource.server.instance(resource.name).value
            return (instance.devices, instance.expandedDevices)
        case .profile:
            let profile = try await resource.server.profile(resource.name).value
            return (profile.devices, profile.devices)
        }
    }

    /// Changes its own devices.
    func change(_ change: (inout Devices, _ expanded: Devices) throws -> Void) async throws {
        switch kind {
        case .instance:
            let current = try await resource.server.instance(resource.name)
            var request = current.value.writable
            try change(&request.devices, current.value.expandedDevices)
            try await resource.server.updateInstance(resource.name, request, etag: current.etag).wait()
        case .profile:
            let current = try await resource.server.profile(resource.name)
            var request = current.value.writable
            try change(&request.devices, current.value.devices)
            try await resource.server.updateProfile(resource.name, request, etag: current.etag)
        }
    }

    /// Refuses a device that is not there, or only in a profile.
    static func require(_ name: String, in own: Devices, _ expanded: Devices, orFail message: String) throws {
        guard own[name] == nil else { return }
        throw CommandFailure(expanded[name] == nil ? "Device doesn't exist" : message)
    }

    /// Changes a device of its own.
    func changeDevice(_ name: String, _ change: (inout [String: String]) -> Void) async throws {
        try await self.change { devices, expanded in
            try Self.require(
                name, in: devices, expanded,
                orFail: "Device from profile(s) cannot be modified for individual instance. "
                    + "Override device or modify profile instead")
            change(&devices[name, default: [:]])
        }
    }

    static func properties(_ words: some Sequence<String>) throws -> [String: String] {
        var values: [String: String] = [:]
        for word in words {
            guard let (key, value) = word.split(once: "=") else {
                throw CommandFailure("No value found in \(word.goQuoted)")
            }
            values[key] = value
        }
        return values
    }
}
