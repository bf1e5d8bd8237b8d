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

/// What `lxc config device` and `lxc profile device` do alike.
enum DeviceCommands {
    static func add(_ owner: DeviceOwner, _ words: [String], _ session: Session) async throws {
        let (name, type) = (words[0], words[1])
        var device = try DeviceOwner.properties(words.dropFirst(2))
        device["type"] = type
        let added = device
        try await owner.change { devices, _ in
            guard devices[name] == nil else { throw CommandFailure("The device already exists") }
            devices[name] = added
        }
        session.say("Device \(name) added to \(owner.resource.name)")
    }

    static func get(_ owner: DeviceOwner, _ name: String, _ key: String) async throws {
        let (own, expanded) = try await owner.load()
        try DeviceOwner.require(
            name, in: own, expanded, orFail: "Device from profile(s) cannot be retrieved for individual instance")
        Standard.output((own[name]?[key] ?? "") + "\n")
    }

    static func list(_ owner: DeviceOwner) async throws {
        let (own, _) = try await owner.load()
        Standard.output(own.keys.sorted().joined(separator: "\n") + "\n")
    }

    static func override(_ owner: DeviceOwner, _ name: String, _ words: [String], _ session: Session) async throws {
        let values = try DeviceOwner.properties(words)
        try await owner.change { devices, expanded in
            guard devices[name] == nil else { throw CommandFailure("The device already exists") }
            guard let inherited = expanded[name] else { throw CommandFailure("The profile device doesn't exist") }
            devices[name] = inherited.merging(values) { _, new in new }
        }
        session.say("Device \(name) overridden for \(owner.resource.name)")
    }

    static func remove(_ owner: DeviceOwner, _ names: [String], _ session: Session) async throws {
        try await owner.change { devices, expanded in
            for name in names {
                try DeviceOwner.require(
                    name, in: devices, expanded,
                    orFail: "Device from profile(s) cannot be removed from individual instance. "
                        + "Override device or modify profile instead")
                devices[name] = nil
            }
        }
        session.say("Device \(names.joined(separator: ", ")) removed from \(owner.resource.name)")
    }

    static func set(_ owner: DeviceOwner, _ name: String, _ values: [String: String]) async throws {
        try await owner.change { devices, expanded in
            try requireChangeable(name, devices, expanded)
            devices[name]?.merge(values) { _, new in new }
        }
    }

    static func unset(_ owner: DeviceOwner, _ name: String, _ key: String) async throws {
        try await owner.change { devices, expanded in
            try requireChangeable(name, devices, expanded)
            devices[name]?[key] = ""
        }
    }

    private static func requireChangeable(
        _ name: String, _ devices: DeviceOwner.Devices, _ expanded: DeviceOwner.Devices
    ) throws {
        try DeviceOwner.require(
            name, in: devices, expanded,
            orFail: "Device from profile(s) cannot be modified for individual instance. "
                + "Override device or modify profile instead")
    }

    static func show(_ owner: DeviceOwner) async throws {
        Standard.output(try LXDYAML.encode(try await owner.load().own))
    }
}
