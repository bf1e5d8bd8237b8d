import LXDAPI
import LXDClient

struct NetworkGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "network", abstract: "Manage and attach instances to networks",
        subcommands: [
            NetworkAttach.self, NetworkAttachProfile.self, NetworkCreate.self, NetworkDelete.self, NetworkDetach.self,
            NetworkDetachProfile.self, NetworkEdit.self, NetworkGet.self, NetworkInfo.self, NetworkList.self,
            NetworkListLeases.self, NetworkRename.self, NetworkSet.self, NetworkShow.self, NetworkUnset.self,
        ])

    static let missingName = "Missing network name"

    static func thing(_ argument: String, target: String = "", _ session: Session) throws -> ConfiguredThing<Network> {
        let resource = try session.named(argument, orFail: missingName)
        let server = resource.server.using(target: target)
        return ConfiguredThing {
            try await server.network(resource.name)
        } store: {
            try await server.updateNetwork(resource.name, $0, etag: $1)
        } checkChangeable: { network in
            guard network.managed else { throw CommandFailure("Only managed networks can be modified") }
        }
    }
}

struct NetworkCreate: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create new networks", usage: "[<remote>:]<network> [key=value...]")
    static let argumentCount = 1...Int.max
    static let examples = """
        lxc network create lxdbr1 ipv4.address=10.9.8.1/24 ipv6.address=none
            Make a bridge with a subnet of your choice.
        """

    @Option(help: "Cluster member name") var target = ""
    @Option(short: "t", help: "Network type") var type = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        let request = try NetworksPost.with {
            $0.name = resource.name
            $0.type = type
            $0.config = try CreationProperties.parse(arguments.dropFirst()) { "Bad key/value pair: \($0)" }
        }
        try await resource.server.using(target: target).createNetwork(request)
        session.say(
            target.isEmpty ? "Network \(resource.name) created" : "Network \(resource.name) pending on member \(target)"
        )
    }
}

struct NetworkDelete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete networks", usage: "[<remote>:]<network>", aliases: ["rm"])
    static let argumentCount = 1...1
    static let examples = """
        lxc network delete lxdbr1
            Delete a network that nothing uses.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: NetworkGroup.missingName)
        try await resource.server.deleteNetwork(resource.name)
        session.say("Network \(resource.name) deleted")
    }
}

struct NetworkEdit: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Edit network configurations as YAML", usage: "[<remote>:]<network>")
    static let argumentCount = 1...1
    static let examples = """
        lxc network edit lxdbr0 < network.yaml
            Change a network to what a file says.
        """

    var arguments: [String] = []

    private static let help = """
        ### This is a YAML representation of the network.
        ### Any line starting with a '# will be ignored.
        ###
        ### A network consists of a set of configuration items.
        ###
        ### An example would look like:
        ### name: lxdbr0
        ### config:
        ###   ipv4.address: 10.62.42.1/24
        ###   ipv4.nat: true
        ###   ipv6.address: fd00:56ad:9f7a:9800::1/64
        ###   ipv6.nat: true
        ### managed: true
        ### type: bridge
        ###
        ### Note that only the configuration can be changed.
        """

    func run(_ session: Session) async throws {
        try await NetworkGroup.thing(arguments[0], session).edit(help: Self.help)
    }
}

struct NetworkGet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Get values for network configuration keys", usage: "[<remote>:]<network> <key>")
    static let argumentCount = 2...2
    static let examples = """
        lxc network get lxdbr0 ipv4.address
            Show the address of a bridge.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await NetworkGroup.thing(arguments[0], target: target, session).get(arguments[1])
    }
}

struct NetworkList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List available networks", usage: "[<remote>:]", aliases: ["ls"])
    static let argumentCount = 0...1
    static let examples = """
        lxc network list
            Show the networks of the server and the interfaces of its host.
        """

    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments.first ?? "")
        guard resource.name.isEmpty else { throw CommandFailure("Filtering isn't supported yet") }
        let networks = try await resource.server.networks()
        var table = Table(["NAME", "TYPE", "MANAGED", "IPV4", "IPV6", "DESCRIPTION", "USED BY", "STATE"])
        table.rows = networks.filter { $0.type != "loopback" && $0.type != "unknown" }.map { network in
            [
                network.name, network.type, network.managed ? "YES" : "NO", network.config["ipv4.address"] ?? "",
                network.config["ipv6.address"] ?? "", network.description, "\(network.usedBy.count)",
                network.status.uppercased(),
            ]
        }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: networks))
    }
}

struct NetworkListLeases: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list-leases", abstract: "List DHCP leases", usage: "[<remote>:]<network>")
    static let argumentCount = 1...1
    static let examples = """
        lxc network list-leases lxdbr0
            Show who has which address on a bridge.
        """

    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: NetworkGroup.missingName)
        let leases = try await resource.server.networkLeases(resource.name)
        let isClustered = try await resource.server.isClustered()
        var table = Table(["HOSTNAME", "MAC ADDRESS", "IP ADDRESS", "TYPE"] + (isClustered ? ["LOCATION"] : []))
        table.rows = leases.map { lease in
            [lease.hostname, lease.hwaddr, lease.address, lease.type.uppercased()]
                + (isClustered ? [lease.location] : [])
        }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: leases))
    }
}

struct NetworkRename: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Rename networks", usage: "[<remote>:]<network> <new-name>", aliases: ["mv"])
    static let argumentCount = 2...2
    static let examples = """
        lxc network rename lxdbr1 backend
            Give a network that nothing uses another name.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: NetworkGroup.missingName)
        try await resource.server.renameNetwork(resource.name, to: arguments[1])
        session.say("Network \(resource.name) renamed to \(arguments[1])")
    }
}

struct NetworkSet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set network configuration keys",
        usage: "[<remote>:]<network> <key>=<value>...",
        discussion: """
            Set network configuration keys

            For backward compatibility, a single configuration key may still be set with:
                lxc network set [<remote>:]<network> <key> <value>
            """)
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc network set lxdbr0 ipv4.nat=false
            Let the addresses of a bridge be seen from outside.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await NetworkGroup.thing(arguments[0], target: target, session).set(arguments.dropFirst())
    }
}

struct NetworkShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show network configurations", usage: "[<remote>:]<network>")
    static let argumentCount = 1...1
    static let examples = """
        lxc network show lxdbr0
            Show all of a network as YAML.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await NetworkGroup.thing(arguments[0], target: target, session).show()
    }
}

struct NetworkUnset: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset", abstract: "Unset network configuration keys", usage: "[<remote>:]<network> <key>")
    static let argumentCount = 2...2
    static let examples = """
        lxc network unset lxdbr0 ipv4.dhcp.ranges
            Give out all addresses of a bridge again.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await NetworkGroup.thing(arguments[0], target: target, session).unset(arguments[1])
    }
}
