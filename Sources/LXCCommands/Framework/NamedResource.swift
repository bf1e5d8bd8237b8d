import LXDAPI
import LXDClient

extension Session {
    /// The server and the name of an argument that must name something.
    ///
    /// - Parameter message: What is said when the name is missing.
    func named(_ argument: String, orFail message: String) throws -> Resource {
        let resource = try resource(argument)
        guard !resource.name.isEmpty else { throw CommandFailure(message) }
        return resource
    }
}

/// Properties given as `key=value...` to a command that creates something.
enum CreationProperties {
    static func parse(_ words: some Sequence<String>, orFail message: (String) -> String) throws -> [String: String] {
        var config: [String: String] = [:]
        for word in words {
            guard let (key, value) = word.split(once: "=") else { throw CommandFailure(message(word)) }
            config[key] = value
        }
        return config
    }
}

extension DeviceOwner {
    /// Adds a device that must not be there yet.
    func addDevice(_ name: String, _ device: [String: String]) async throws {
        try await change { devices, _ in
            guard devices[name] == nil else { throw CommandFailure("Device already exists: \(name)") }
            devices[name] = device
        }
    }

    /// Removes the device of a name or, without one, the only device that fits.
    ///
    /// - Parameters:
    ///   - none: What is said when none fits.
    ///   - other: What is said when the device of that name does not fit; nil accepts any.
    func removeDevice(
        _ name: String, orFail none: String, mismatch other: String? = nil, where fits: ([String: String]) -> Bool
    ) async throws {
        try await change { devices, _ in
            var name = name
            if name.isEmpty {
                let found = devices.filter { fits($0.value) }.keys
                if found.count > 1 { throw CommandFailure("More than one device matches, specify the device name") }
                guard let only = found.first else { throw CommandFailure(none) }
                name = only
            }
            guard let device = devices[name] else { throw CommandFailure("The specified device doesn't exist") }
            if let other, !fits(device) { throw CommandFailure(other) }
            devices[name] = nil
        }
    }
}
