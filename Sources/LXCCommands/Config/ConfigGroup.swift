import LXDAPI
import LXDClient

struct ConfigGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Manage instance and server configuration options",
        subcommands: [
            ConfigDeviceGroup.self, ConfigEdit.self, ConfigGet.self, ConfigMetadataGroup.self, ConfigProfileGroup.self,
            ConfigSet.self,
            ConfigShow.self, ConfigTemplateGroup.self, ConfigTrustGroup.self, ConfigUnset.self,
        ])
}

/// Where the profile commands were once; kept for scripts.
struct ConfigProfileGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Manage profiles", shouldDisplay: false,
        subcommands: ProfileGroup.configuration.subcommands)
}

/// What the configuration commands are about: an instance, a snapshot or a whole server.
enum ConfigTarget {
    case instance(Resource)
    case snapshot(ServerConnection, parent: String, name: String)
    case server(ServerConnection)

    /// - Parameters:
    ///   - argument: `remote:name`; empty for the default server.
    ///   - member: The value of `--target`.
    init(_ argument: String, member: String, _ session: Session) async throws {
        let resource = try session.resource(argument)
        if resource.name.isEmpty {
            self = .server(try await resource.server.onMember(member))
            return
        }
        guard member.isEmpty else { throw CommandFailure("--target cannot be used with instances") }
        if let snapshot = resource.reference.snapshot {
            self = .snapshot(resource.server, parent: snapshot.parent, name: snapshot.name)
        } else {
            self = .instance(resource)
        }
    }
}

extension ServerConnection {
    /// The same server, with requests sent on to a member of its cluster; itself when no member is named.
    func onMember(_ member: String) async throws -> ServerConnection {
        guard !member.isEmpty else { return self }
        guard try await isClustered() else {
            throw CommandFailure("To use --target, the destination remote must be a cluster")
        }
        return using(target: member)
    }
}

struct ConfigGet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Get values for instance or server configuration keys",
        usage: "[<remote>:][<instance>] <key>")
    static let argumentCount = 1...2
    static let examples = """
        lxc config get u1 limits.memory
            Show the memory limit of "u1".

        lxc config get core.https_address
            Show where the server listens.
        """

    @Flag(short: "e", help: "Access the expanded configuration") var expanded = false
    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let key = arguments[arguments.count - 1]
        let value: String
        switch try await ConfigTarget(arguments.count > 1 ? arguments[0] : "", member: target, session) {
        case .instance(let resource):
            let instance = try await resource.server.instance(resource.name).value
            value = (expanded ? instance.expandedConfig : instance.config)[key] ?? ""
        case .snapshot(let server, let parent, let name):
            let snapshot = try await server.snapshot(name, of: parent).value
            value = (expanded ? snapshot.expandedConfig : snapshot.config)[key] ?? ""
        case .server(let server):
            if expanded { throw CommandFailure("--expanded cannot be used with a server") }
            value = Self.text(try await server.server().value.config[key])
        }
        Standard.output(value + "\n")
    }

    /// How a value of the server's configuration is shown.
    private static func text(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null: ""
        case .string(let text): text
        case .bool(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .some(let other): (try? LXDJSON.encodeString(other)) ?? ""
        }
    }
}

struct ConfigSet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set instance or server configuration keys",
        usage: "[<remote>:][<instance>] <key>=<value>...",
        discussion: """
            Set instance or server configuration keys

            For backward compatibility, a single configuration key may still be set with:
                lxc config set [<remote>:][<instance>] <key> <value>
            """)
    static let argumentCount = 1...Int.max
    static let examples = """
        lxc config set [<remote>:]<instance> limits.cpu=2
            Will set a CPU limit of "2" for the instance.

        lxc config set core.https_address=[::]:8443
            Will have LXD listen on IPv4 and IPv6 port 8443.

        lxc config set core.trust_password=blah
            Will set the server's trust password to blah.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let place = Self.namesServer(arguments) ? "" : arguments[0]
        let words = place.isEmpty ? arguments : Array(arguments.dropFirst())
        try await Self.change(try await ConfigTarget(place, member: target, session), try KeyValues.parse(words))
    }

    /// Whether the first argument is already a key of the server.
    static func namesServer(_ words: [String]) -> Bool {
        if words.allSatisfy({ $0.contains("=") }) { return true }
        if words.count == 2, !words.contains(where: { $0.contains("=") }) { return true }
        let key = words[0].split(once: ":")?.tail ?? words[0]
        return key.contains(".")
    }

    private static func change(_ target: ConfigTarget, _ values: [String: String]) async throws {
        switch target {
        case .instance(let resource):
            let current = try await resource.server.instance(resource.name)
            var request = current.value.writable
            request.config.merge(values) { _, new in new }
            try await resource.server.updateInstance(resource.name, request, etag: current.etag).wait()
        case .snapshot:
            throw CommandFailure("The configuration of a snapshot cannot be changed")
        case .server(let server):
            let current = try await server.server()
            var request = current.value.writable
            for (key, value) in values { request.config[key] = .string(value) }
            try await server.updateServer(request, etag: current.etag)
        }
    }
}

struct ConfigUnset: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset", abstract: "Unset instance or server configuration keys",
        usage: "[<remote>:][<instance>] <key>")
    static let argumentCount = 1...2
    static let examples = """
        lxc config unset u1 limits.memory
            Lift the memory limit of "u1".
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let key = arguments[arguments.count - 1]
        switch try await ConfigTarget(arguments.count > 1 ? arguments[0] : "", member: target, session) {
        case .instance(let resource):
            let current = try await resource.server.instance(resource.name)
            var request = current.value.writable
            guard request.config.removeValue(forKey: key) != nil else {
                throw CommandFailure("Can't unset key '\(key)', it's not currently set")
            }
            try await resource.server.updateInstance(resource.name, request, etag: current.etag).wait()
        case .snapshot:
            throw CommandFailure("The configuration of a snapshot cannot be changed")
        case .server(let server):
            let current = try await server.server()
            var request = current.value.writable
            request.config[key] = .string("")
            try await server.updateServer(request, etag: current.etag)
        }
    }
}

struct ConfigShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show instance or server configurations",
        usage: "[<remote>:][<instance>[/<snapshot>]]")
    static let argumentCount = 0...1
    static let examples = """
        lxc config show u1 --expanded
            Show the configuration of "u1" with what its profiles add.
        """

    @Flag(short: "e", help: "Show the expanded configuration") var expanded = false
    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let text: String
        switch try await ConfigTarget(arguments.first ?? "", member: target, session) {
        case .instance(let resource):
            let instance = try await resource.server.instance(resource.name).value
            var shown = instance.writable
            if expanded {
                shown.config = instance.expandedConfig
                shown.devices = instance.expandedDevices
            }
            text = try LXDYAML.encode(shown)
        case .snapshot(let server, let parent, let name):
            var snapshot = try await server.snapshot(name, of: parent).value
            if expanded {
                snapshot.config = snapshot.expandedConfig
                snapshot.devices = snapshot.expandedDevices
            }
            text = try LXDYAML.encode(snapshot)
        case .server(let server):
            if expanded { throw CommandFailure("--expanded cannot be used with a server") }
            text = try LXDYAML.encode(try await server.server().value.writable)
        }
        Standard.output(text)
    }
}

struct ConfigEdit: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Edit instance or server configurations as YAML",
        usage: "[<remote>:][<instance>[/<snapshot>]]")
    static let argumentCount = 0...1
    static let examples = """
        lxc config edit <instance> < instance.yaml
            Update the instance configuration from config.yaml.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    private static let help = """
        ### This is a YAML representation of the configuration.
        ### Any line starting with a '# will be ignored.
        ###
        ### A sample configuration looks like:
        ### name: instance1
        ### profiles:
        ### - default
        ### config:
        ###   volatile.eth0.hwaddr: 00:16:3e:e9:f8:7f
        ### devices:
        ###   homedir:
        ###     path: /extra
        ###     source: /home/user
        ###     type: disk
        ### ephemeral: false
        ###
        ### Note that the name is shown but cannot be changed
        """

    func run(_ session: Session) async throws {
        switch try await ConfigTarget(arguments.first ?? "", member: target, session) {
        case .instance(let resource):
            try await DocumentEdit.run(help: Self.help) {
                var current = try await resource.server.instance(resource.name)
                current.value.expandedConfig = [:]
                current.value.expandedDevices = [:]
                return current
            } apply: { (edited: InstancePut, etag) in
                try await resource.server.updateInstance(resource.name, edited, etag: etag).wait()
            }
        case .snapshot(let server, let parent, let name):
            try await DocumentEdit.run(help: Self.help) {
                var current = try await server.snapshot(name, of: parent)
                current.value.expandedConfig = [:]
                current.value.expandedDevices = [:]
                return current
            } apply: { (edited: InstanceSnapshotPut, etag) in
                try await server.updateSnapshot(name, of: parent, edited, etag: etag).wait()
            }
        case .server(let server):
            try await DocumentEdit.run(help: "") {
                let current = try await server.server()
                return Versioned(current.value.writable, etag: current.etag)
            } apply: { (edited: ServerPut, etag) in
                try await server.updateServer(edited, etag: etag)
            }
        }
    }
}
