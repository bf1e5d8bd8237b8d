import LXDAPI
import LXDClient

struct ImageInfo: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Show useful information about images", usage: "[<remote>:]<image>")
    static let argumentCount = 1...1
    static let examples = """
        lxc image info debian12
            Show what is known about the image with the alias "debian12".
        """

    @Flag(help: "Query virtual machine images") var vm = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let image = try await ImageReference(arguments[0], session).image(type: vm ? "virtual-machine" : "").value
        Standard.output(Self.text(image))
    }

    static func text(_ image: Image) -> String {
        func line(_ name: String, _ time: LXDTime) -> String {
            "    \(name): \(time.isSet ? TimeText.listed(time) : "never")\n"
        }
        var text = """
            Fingerprint: \(image.fingerprint)
            Size: \(ByteText.fixed(Double(image.size) / 1024 / 1024, 2))MB
            Architecture: \(image.architecture)
            Type: \(image.type.isEmpty ? "container" : image.type)
            Public: \(image.public ? "yes" : "no")
            Timestamps:

            """
        if image.createdAt.isSet { text += line("Created", image.createdAt) }
        text += "    Uploaded: \(TimeText.universal(image.uploadedAt))\n"
        text += line("Expires", image.expiresAt) + line("Last used", image.lastUsedAt)
        text += "Properties:\n"
        for (key, value) in image.properties.sorted(by: { $0.key < $1.key }) { text += "    \(key): \(value)\n" }
        text += "Aliases:\n"
        for alias in image.aliases {
            text += "    - \(alias.name)" + (alias.description.isEmpty ? "" : " (\(alias.description))") + "\n"
        }
        text += "Cached: \(image.cached ? "yes" : "no")\nAuto update: \(image.autoUpdate ? "enabled" : "disabled")\n"
        if let source = image.updateSource {
            text += "Source:\n    Server: \(source.server)\n    Protocol: \(source.protocol)\n    Alias: \(source.alias)\n"
        }
        guard !image.profiles.isEmpty else { return text + "Profiles: []\n" }
        return text + "Profiles:\n" + image.profiles.map { "    - \($0)\n" }.joined()
    }
}

struct ImageShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show image properties", usage: "[<remote>:]<image>")
    static let argumentCount = 1...1
    static let examples = """
        lxc image show debian12 > image.yaml
            Keep the properties of an image in a file.
        """

    @Flag(help: "Query virtual machine images") var vm = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let image = try await ImageReference(arguments[0], session).image(type: vm ? "virtual-machine" : "").value
        Standard.output(try LXDYAML.encode(image.writable))
    }
}

struct ImageEdit: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Edit image properties", usage: "[<remote>:]<image>")
    static let argumentCount = 1...1
    static let examples = """
        lxc image edit <image>
            Launch a text editor to edit the properties

        lxc image edit <image> < image.yaml
            Load the image properties from a YAML file
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let reference = try ImageReference.named(arguments[0], session)
        let fingerprint = try await reference.resolved()
        let help = """
            ### This is a YAML representation of the image properties.
            ### Any line starting with a '# will be ignored.
            ###
            ### Each property is represented by a single line:
            ### An example would be:
            ###  description: My custom image
            """
        try await DocumentEdit.run(help: help) {
            let image = try await reference.server.image(fingerprint)
            return Versioned(image.value.writable, etag: image.etag)
        } apply: { (image: ImagePut, etag) in
            try await reference.server.updateImage(fingerprint, image, etag: etag)
        }
    }
}

extension ImageReference {
    /// An image of a server of ours that was really named.
    static func named(_ argument: String, _ session: Session) throws -> ImageReference {
        let reference = try ImageReference(argument, session, allowPublic: false)
        guard !reference.reference.name.isEmpty else { throw CommandFailure("Image identifier missing: \(argument)") }
        return reference
    }
}

struct ImageGetProperty: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "get-property", abstract: "Get image properties", usage: "[<remote>:]<image> <key>")
    static let argumentCount = 2...2
    static let examples = """
        lxc image get-property debian12 description
            Show one property of an image.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let image = try await ImageReference(arguments[0], session).image().value
        guard let value = image.properties[arguments[1]] else { throw CommandFailure("Property not found") }
        Standard.output(value + "\n")
    }
}

struct ImageSetProperty: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-property", abstract: "Set image properties", usage: "[<remote>:]<image> <key> <value>")
    static let argumentCount = 3...3
    static let examples = """
        lxc image set-property debian12 description "Our own Debian"
            Change one property of an image.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await Self.set(arguments[1], to: arguments[2], of: try ImageReference.named(arguments[0], session))
    }

    static func set(_ key: String, to value: String, of reference: ImageReference) async throws {
        let image = try await reference.image()
        var writable = image.value.writable
        writable.properties[key] = value
        try await reference.server.updateImage(image.value.fingerprint, writable, etag: image.etag)
    }
}

struct ImageUnsetProperty: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset-property", abstract: "Unset image properties", usage: "[<remote>:]<image> <key>")
    static let argumentCount = 2...2
    static let examples = """
        lxc image unset-property debian12 description
            Empty one property of an image.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await ImageSetProperty.set(arguments[1], to: "", of: try ImageReference.named(arguments[0], session))
    }
}

struct ImageDelete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete images", usage: "[<remote>:]<image> [[<remote>:]<image>...]",
        aliases: ["rm"])
    static let argumentCount = 1...Int.max
    static let examples = """
        lxc image delete debian12 busybox
            Delete two images.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let references = try arguments.map { try ImageReference($0, session, allowPublic: false) }
        for reference in references {
            guard !reference.reference.name.isEmpty else { throw CommandFailure("Image identifier missing") }
            try await reference.server.deleteImage(try await reference.resolved()).wait()
        }
    }
}

struct ImageRefresh: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh", abstract: "Refresh images", usage: "[<remote>:]<image> [[<remote>:]<image>...]")
    static let argumentCount = 1...Int.max
    static let examples = """
        lxc image refresh debian12
            Fetch the newest version of an image from where it came.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        for argument in arguments {
            let reference = try ImageReference(argument, session, allowPublic: false)
            guard !reference.reference.name.isEmpty else { throw CommandFailure("Image identifier missing") }
            let operation = try await reference.server.refreshImage(try await reference.resolved())
            let ended = try await session.wait(operation, showing: session.renderer("Refreshing the image: %s"))
            let isNew = ended.metadata["refreshed"]?.boolValue == true
            session.say(isNew ? "Image refreshed successfully!" : "Image already up to date.")
        }
    }
}
