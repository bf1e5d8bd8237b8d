import LXDAPI
import LXDClient

struct StorageGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "storage", abstract: "Manage storage pools and volumes",
        subcommands: [
            StorageCreate.self, StorageDelete.self, StorageEdit.self, StorageGet.self, StorageInfo.self,
            StorageList.self,
            StorageSet.self, StorageShow.self, StorageUnset.self, VolumeGroup.self,
        ])

    static let missingName = "Missing pool name"

    static func thing(_ argument: String, target: String = "", _ session: Session) throws -> ConfiguredThing<StoragePool> {
        let resource = try session.named(argument, orFail: missingName)
        let server = resource.server.using(target: target)
        return ConfiguredThing {
            try await server.storagePool(resource.name)
        } store: {
            try await server.updateStoragePool(resource.name, $0, etag: $1)
        }
    }
}

struct StorageCreate: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create storage pools", usage: "[<remote>:]<pool> <driver> [key=value...]")
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc storage create fast dir source=/mnt/ssd
            Make a pool on a directory of your choice.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        let request = try StoragePoolsPost.with {
            $0.name = resource.name
            $0.driver = arguments[1]
            $0.config = try CreationProperties.parse(arguments.dropFirst(2)) { "Bad key=value pair: [\($0)]" }
        }
        try await resource.server.using(target: target).createStoragePool(request)
        session.say(
            target.isEmpty
                ? "Storage pool \(resource.name) created" : "Storage pool \(resource.name) pending on member \(target)")
    }
}

struct StorageDelete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete storage pools", usage: "[<remote>:]<pool>", aliases: ["rm"])
    static let argumentCount = 1...1
    static let examples = """
        lxc storage delete fast
            Delete a pool that holds nothing.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: StorageGroup.missingName)
        try await resource.server.deleteStoragePool(resource.name)
        session.say("Storage pool \(resource.name) deleted")
    }
}

struct StorageEdit: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Edit storage pool configurations as YAML", usage: "[<remote>:]<pool>")
    static let argumentCount = 1...1
    static let examples = """
        lxc storage edit [<remote>:]<pool> < pool.yaml
            Update a storage pool using the content of pool.yaml.
        """

    var arguments: [String] = []

    private static let help = """
        ### This is a YAML representation of a storage pool.
        ### Any line starting with a '#' will be ignored.
        ###
        ### A storage pool consists of a set of configuration items.
        ###
        ### An example would look like:
        ### name: default
        ### driver: zfs
        ### used_by: []
        ### config:
        ###   size: "61203283968"
        ###   source: /home/chb/mnt/lxd_test/default.img
        ###   zfs.pool_name: default
        """

    func run(_ session: Session) async throws {
        try await StorageGroup.thing(arguments[0], session).edit(help: Self.help)
    }
}

struct StorageGet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Get values for storage pool configuration keys", usage: "[<remote>:]<pool> <key>"
    )
    static let argumentCount = 2...2
    static let examples = """
        lxc storage get default source
            Show what a pool is on.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await StorageGroup.thing(arguments[0], target: target, session).get(arguments[1])
    }
}

struct StorageList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List available storage pools", usage: "[<remote>:]", aliases: ["ls"])
    static let argumentCount = 0...1
    static let examples = """
        lxc storage list
            Show the pools and how many things use each.
        """

    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let server = try session.resource(arguments.first ?? "").server
        let pools = try await server.storagePools()
        let source = try await server.isClustered() ? [] : ["SOURCE"]
        var table = Table(["NAME", "DRIVER"] + source + ["DESCRIPTION", "USED BY", "STATE"])
        table.rows = pools.map { pool in
            [pool.name, pool.driver] + (source.isEmpty ? [] : [pool.config["source"] ?? ""])
                + [pool.description, "\(pool.usedBy.count)", pool.status.uppercased()]
        }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: pools))
    }
}

struct StorageSet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set storage pool configuration keys",
        usage: "[<remote>:]<pool> <key> <value>",
        discussion: """
            Set storage pool configuration keys

            For backward compatibility, a single configuration key may still be set with:
                lxc storage set [<remote>:]<pool> <key> <value>
            """)
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc storage set default rsync.bwlimit 10MB
            Limit how fast volumes of a pool are sent.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await StorageGroup.thing(arguments[0], target: target, session).set(arguments.dropFirst())
    }
}

struct StorageShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show storage pool configurations and resources", usage: "[<remote>:]<pool>")
    static let argumentCount = 1...1
    static let examples = """
        lxc storage show default --resources
            Show how much space a pool has and how much is used.
        """

    @Flag(help: "Show the resources available to the storage pool") var resources = false
    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        guard resources else { return try await StorageGroup.thing(arguments[0], target: target, session).show() }
        let resource = try session.named(arguments[0], orFail: StorageGroup.missingName)
        let server = resource.server.using(target: target)
        Standard.output(try LXDYAML.encode(try await server.storagePoolResources(resource.name)))
    }
}

struct StorageUnset: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset", abstract: "Unset storage pool configuration keys", usage: "[<remote>:]<pool> <key>")
    static let argumentCount = 2...2
    static let examples = """
        lxc storage unset default rsync.bwlimit
            Send volumes of a pool as fast as can be again.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await StorageGroup.thing(arguments[0], target: target, session).unset(arguments[1])
    }
}
