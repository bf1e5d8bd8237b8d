import LXDAPI
import LXDClient

struct ConfigMetadataGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "metadata", abstract: "Manage instance metadata files",
        subcommands: [ConfigMetadataEdit.self, ConfigMetadataShow.self])
}

extension Session {
    /// An instance that was really named.
    func instance(_ argument: String) throws -> Resource {
        let resource = try resource(argument)
        guard !resource.name.isEmpty else { throw CommandFailure("Missing instance name") }
        return resource
    }
}

struct ConfigMetadataEdit: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Edit instance metadata files", usage: "[<remote>:]<instance>")
    static let argumentCount = 1...1
    static let examples = """
        lxc config metadata edit u1 < metadata.yaml
            Replace the image metadata of "u1".
        """
    var arguments: [String] = []

    private static let help = """
        ### This is a YAML representation of the instance metadata.
        ### Any line starting with a '# will be ignored.
        ###
        ### A sample configuration looks like:
        ###
        ### architecture: x86_64
        ### creation_date: 1477146654
        ### expiry_date: 0
        ### properties:
        ###   architecture: x86_64
        ###   description: BusyBox x86_64
        ###   name: busybox-x86_64
        ###   os: BusyBox
        ### templates:
        ###   /template:
        ###     when:
        ###     - ""
        ###     create_only: false
        ###     template: template.tpl
        ###     properties: {}
        """

    func run(_ session: Session) async throws {
        let instance = try session.instance(arguments[0])
        try await DocumentEdit.run(help: Self.help) {
            try await instance.server.metadata(of: instance.name)
        } apply: { (metadata: ImageMetadata, etag) in
            try await instance.server.updateMetadata(of: instance.name, metadata, etag: etag)
        }
    }
}

struct ConfigMetadataShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show instance metadata files", usage: "[<remote>:]<instance>")
    static let argumentCount = 1...1
    static let examples = """
        lxc config metadata show u1
            Show the image metadata of "u1".
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let instance = try session.instance(arguments[0])
        Standard.output(try LXDYAML.encode(try await instance.server.metadata(of: instance.name).value))
    }
}
