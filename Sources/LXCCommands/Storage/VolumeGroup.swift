import LXDAPI
import LXDClient

struct VolumeGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "volume",
        abstract: "Manage storage volumes",
        discussion: """
            Manage storage volumes

            Unless specified through a prefix, all volume operations affect "custom" (user created) volumes.
            """,
        subcommands: [
            VolumeAttach.self, VolumeAttachProfile.self, VolumeCopy.self, VolumeCreate.self, VolumeDelete.self,
            VolumeDetach.self, VolumeDetachProfile.self, VolumeEdit.self, VolumeExport.self, VolumeGet.self,
            VolumeImport.self, VolumeInfo.self, VolumeList.self, VolumeMove.self, VolumeRename.self, VolumeRestore.self,
            VolumeSet.self, VolumeShow.self, VolumeSnapshot.self, VolumeUnset.self,
        ])
}

/// A volume as a person names it: `data`, `container/web`, `data/snap0`.
struct VolumeReference {
    let pool: String
    let type: String
    /// Without the snapshot.
    let name: String
    let snapshot: String?
    /// With the snapshot, without the type.
    let fullName: String
    let server: ServerConnection

    init(_ poolArgument: String, _ volume: String, target: String = "", _ session: Session) throws {
        let resource = try session.named(poolArgument, orFail: StorageGroup.missingName)
        let server = resource.server.using(target: target)
        let parts = volume.split(once: "/")
        let hasType = parts.map { ["custom", "image", "container", "virtual-machine"].contains($0.head) } ?? false
        let fullName = hasType ? parts?.tail ?? "" : volume
        let fields = fullName.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard fields.count <= 2 else { throw CommandFailure("Invalid snapshot name") }
        pool = resource.name
        type = hasType ? parts?.head ?? "custom" : "custom"
        name = fields[0]
        snapshot = fields.count > 1 ? fields[1] : nil
        self.fullName = fullName
        self.server = server
    }

    func load() async throws -> Versioned<StorageVolume> { try await server.storageVolume(pool, type, name) }

    var thing: ConfiguredThing<StorageVolume> {
        ConfiguredThing {
            try await load()
        } store: {
            try await server.updateStorageVolume(pool, type, name, $0, etag: $1)
        }
    }

    /// The same of what is no snapshot.
    var changeable: ConfiguredThing<StorageVolume> {
        get throws {
            guard snapshot == nil else {
                throw CommandFailure("Snapshots are read-only and can't have their configuration changed")
            }
            return thing
        }
    }

    func loadSnapshot(_ snapshot: String) async throws -> Versioned<StorageVolumeSnapshot> {
        try await server.volumeSnapshot(pool, type, name, snapshot)
    }
}

struct VolumeCreate: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Create new custom storage volumes",
        usage: "[<remote>:]<pool> <volume> [key=value...]")
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc storage volume create default data size=10GiB
            Make a volume for instances to share.
        """

    @Option(help: "Cluster member name") var target = ""
    @Option(help: "Content type, block or filesystem") var type = "filesystem"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], target: target, session)
        let request = try StorageVolumesPost.with {
            $0.name = volume.fullName
            $0.type = volume.type
            $0.contentType = type
            $0.config = try CreationProperties.parse(arguments.dropFirst(2)) { "Bad key=value pair: [\($0)]" }
        }
        try await volume.server.createStorageVolume(volume.pool, request)
        session.say("Storage volume \(arguments[1]) created")
    }
}

struct VolumeDelete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete storage volumes", usage: "[<remote>:]<pool> <volume>[/<snapshot>]",
        aliases: ["rm"])
    static let argumentCount = 2...2
    static let examples = """
        lxc storage volume delete default data
            Delete a volume that nothing uses.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], target: target, session)
        if let snapshot = volume.snapshot {
            try await volume.server.deleteVolumeSnapshot(volume.pool, volume.type, volume.name, snapshot).wait()
        } else {
            try await volume.server.deleteStorageVolume(volume.pool, volume.type, volume.name)
        }
        session.say("Storage volume \(arguments[1]) deleted")
    }
}

struct VolumeEdit: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Edit storage volume configurations as YAML",
        usage: "[<remote>:]<pool> <volume>[/<snapshot>]")
    static let argumentCount = 2...2
    static let examples = """
        lxc storage volume edit [<remote>:]<pool> <volume> < volume.yaml
            Update a storage volume using the content of pool.yaml.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    private static let help = """
        ### This is a YAML representation of a storage volume.
        ### Any line starting with a '# will be ignored.
        ###
        ### A storage volume consists of a set of configuration items.
        ###
        ### name: vol1
        ### type: custom
        ### used_by: []
        ### config:
        ###   size: "61203283968"
        """

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], target: target, session)
        guard let snapshot = volume.snapshot else { return try await volume.thing.edit(help: Self.help) }
        try await DocumentEdit.run(help: Self.help) {
            try await volume.loadSnapshot(snapshot)
        } apply: { (edited: StorageVolumeSnapshotPut, etag) in
            try await volume.server.updateVolumeSnapshot(
                volume.pool, volume.type, volume.name, snapshot, edited, etag: etag)
        }
    }
}

struct VolumeGet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Get values for storage volume configuration keys",
        usage: "[<remote>:]<pool> <volume>[/<snapshot>] <key>")
    static let argumentCount = 3...3
    static let examples = """
        lxc storage volume get default data size
            Show the size of a volume.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], target: target, session)
        guard let snapshot = volume.snapshot else { return try await volume.thing.get(arguments[2]) }
        let config = try await volume.loadSnapshot(snapshot).value.config
        if let value = config[arguments[2]] { Standard.output(value + "\n") }
    }
}

struct VolumeSet: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set storage volume configuration keys",
        usage: "[<remote>:]<pool> <volume> <key>=<value>...",
        discussion: """
            Set storage volume configuration keys

            For backward compatibility, a single configuration key may still be set with:
                lxc storage volume set [<remote>:]<pool> <volume> <key> <value>
            """)
    static let argumentCount = 3...Int.max
    static let examples = """
        lxc storage volume set default data snapshots.expiry=1w
            Keep snapshots of a volume for a week.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], target: target, session)
        try await volume.changeable.set(arguments.dropFirst(2))
    }
}

struct VolumeShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show storage volume configurations",
        usage: "[<remote>:]<pool> <volume>[/<snapshot>]")
    static let argumentCount = 2...2
    static let examples = """
        lxc storage volume show default data
            Will show the properties of a custom volume called "data" in the "default" pool.

        lxc storage volume show default container/data
            Will show the properties of the filesystem for a container called "data" in the "default" pool.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], target: target, session)
        guard let snapshot = volume.snapshot else { return try await volume.thing.show() }
        Standard.output(try LXDYAML.encode(try await volume.loadSnapshot(snapshot).value))
    }
}

struct VolumeUnset: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset", abstract: "Unset storage volume configuration keys",
        usage: "[<remote>:]<pool> <volume> <key>")
    static let argumentCount = 3...3
    static let examples = """
        lxc storage volume unset default data snapshots.expiry
            Keep snapshots of a volume until they are deleted.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], target: target, session)
        try await volume.changeable.unset(arguments[2])
    }
}
