import LXDAPI
import LXDClient

/// The flags that `lxc init` and `lxc launch` share.
struct CreateOptions: Sendable {
    @Option(short: "c", help: "Config key/value to apply to the new instance")
    var config: [String] = []
    @Option(short: "d", help: "New key/value to apply to a specific device")
    var device: [String] = []
    @Option(short: "p", help: "Profile to apply to the new instance")
    var profile: [String] = []
    @Flag(short: "e", help: "Ephemeral instance") var ephemeral = false
    @Option(short: "n", help: "Network name") var network = ""
    @Option(short: "s", help: "Storage pool name") var storage = ""
    @Option(short: "t", help: "Instance type") var type = ""
    @Option(help: "Cluster member name") var target = ""
    @Flag(help: "Create the instance with no profiles applied") var noProfiles = false
    @Flag(help: "Create an empty instance") var empty = false
    @Flag(help: "Create a virtual machine") var vm = false
}

/// Makes an instance as `lxc init` and `lxc launch` do.
struct InstanceCreation {
    let session: Session
    let options: CreateOptions
    let arguments: [String]

    /// - Returns: The server and the name of the new instance.
    func create() async throws -> (server: ServerConnection, name: String) {
        var base = InstancePut()
        var hasProfiles = false
        if !Standard.isTerminal(Standard.input) {
            let text = try Standard.readInputText()
            if !text.trimmingBlanks.isEmpty {
                base = try LXDYAML.decode(InstancePut.self, from: text)
                hasProfiles = !base.profiles.isEmpty
            }
        }
        let places = try readPlaces()
        var server = try session.server(places.target.remote)
        if !options.target.isEmpty { server = server.using(target: options.target) }
        var name = places.target.name
        session.say(name.isEmpty ? "Creating the instance" : "Creating \(name)")

        if !options.network.isEmpty { base.devices["eth0"] = try await nic(server) }
        for entry in options.config {
            guard let (key, value) = entry.split(once: "=") else { throw CommandFailure("Bad key=value pair: \(entry)") }
            base.config[key] = value
        }
        if !options.storage.isEmpty {
            try await addingContext("Failed loading storage pool \(options.storage.goQuoted)") {
                _ = try await server.storagePool(options.storage)
            }
            base.devices["root"] = ["type": "disk", "path": "/", "pool": options.storage]
        }
        var profiles: [String]? = hasProfiles ? base.profiles : nil
        if !options.profile.isEmpty { profiles = options.profile } else if options.noProfiles { profiles = [] }
        try await override(&base.devices, profiles, server)

        var request = InstancesPost.with {
            $0.writable = base
            $0.ephemeral = options.ephemeral
            $0.name = name
            $0.instanceType = options.type
            $0.type = options.vm ? .virtualMachine : .container
        }
        let ended: Operation
        if let image = places.image {
            ended = try await InstanceFromImage(session: session, server: server).create(
                &request, profiles: profiles, image: image, target: places.target.remote, wantsVM: options.vm)
        } else {
            request.source.type = "none"
            let operation = try await server.createInstance(try InstanceRequest.body(request, profiles: profiles))
            ended = try await operation.wait()
        }
        guard let path = (ended.resources["instances"] ?? ended.resources["containers"])?.first else {
            throw CommandFailure("Didn't get any affected image, instance or snapshot from server")
        }
        if name.isEmpty {
            name = path.prefix { $0 != "?" }.split(separator: "/").last.map(String.init) ?? ""
            Standard.output("Instance name is: \(name)\n")
        }
        await warnWithoutNetwork(server, name)
        return (server, name)
    }

    private func readPlaces() throws -> (image: RemoteName?, target: RemoteName) {
        let words = try arguments.map(session.parse)
        if options.empty {
            if words.count > 1 { throw CommandFailure("--empty cannot be combined with an image name") }
            return (nil, try words.first ?? session.parse(""))
        }
        return (words.first, try words.count > 1 ? words[1] : session.parse(""))
    }

    private func nic(_ server: ServerConnection) async throws -> [String: String] {
        let network = try await addingContext("Failed loading network \(options.network.goQuoted)") {
            try await server.network(options.network).value
        }
        if network.managed { return ["name": "eth0", "type": "nic", "network": network.name] }
        return [
            "name": "eth0", "type": "nic", "nictype": network.type == "bridge" ? "bridged" : "macvlan",
            "parent": options.network,
        ]
    }

    /// Applies `--device`; a device that only a profile has is copied from there first.
    private func override(
        _ devices: inout [String: [String: String]], _ profiles: [String]?, _ server: ServerConnection
    ) async throws {
        let overrides = try DeviceOverrides.parse(options.device)
        var inherited: [String: [String: String]] = [:]
        if overrides.contains(where: { devices[$0.key] == nil }) {
            for profile in profiles.flatMap({ $0.isEmpty ? nil : $0 }) ?? ["default"] {
                let loaded = try await addingContext("Failed loading profile \(profile.goQuoted) for device override") {
                    try await server.profile(profile).value
                }
                inherited.merge(loaded.devices) { _, new in new }
            }
        }
        for (name, values) in overrides {
            guard let device = devices[name] ?? inherited[name] else {
                throw CommandFailure("Cannot override config for device \(name.goQuoted): Device not found in profile devices")
            }
            devices[name] = device.merging(values) { _, new in new }
        }
    }

    private func warnWithoutNetwork(_ server: ServerConnection, _ name: String) async {
        // Only advice: an instance that cannot be read is reported by whoever uses it next.
        guard let instance = try? await server.instance(name).value else { return }
        if instance.expandedDevices.values.contains(where: { $0["type"] == "nic" }) { return }
        Standard.error(
            """

            The instance you are starting doesn't have any network attached to it.
              To create a new network, use: lxc network create
              To attach a network to an instance, use: lxc network attach


            """)
    }
}

/// The body of a request for a new instance.
enum InstanceRequest {
    /// - Parameter profiles: nil asks for the server's default, an empty list for none at all.
    static func body(_ request: InstancesPost, profiles: [String]?) throws -> JSONValue {
        var body = try JSONValue(encoding: request)
        body["profiles"] = profiles.map { JSONValue.strings($0) } ?? .null
        return body
    }
}

/// Values for devices, given as `<device>,<key>=<value>`.
enum DeviceOverrides {
    static func parse(_ entries: [String]) throws -> [String: [String: String]] {
        var devices: [String: [String: String]] = [:]
        for entry in entries {
            guard let (device, rest) = entry.split(once: ","), let (key, value) = rest.split(once: "=") else {
                throw CommandFailure("Bad device override syntax, expecting <device>,<key>=<value>: \(entry)")
            }
            devices[device, default: [:]][key] = value
        }
        return devices
    }
}

/// Puts what was being done before the text of an error.
@discardableResult
func addingContext<Value>(_ context: String, _ work: () async throws -> Value) async throws -> Value {
    do {
        return try await work()
    } catch {
        throw CommandFailure("\(context): \(FailureText.of(error))")
    }
}
