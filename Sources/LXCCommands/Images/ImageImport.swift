import Glibc
import LXDAPI
import LXDClient

struct ImageImport: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import images into the image store",
        usage: "<tarball>|<directory>|<URL> [<rootfs tarball>] [<remote>:] [key=value...]",
        discussion: """
            Import image into the image store

            Directory import is only available on Linux and must be performed as root.
            """)
    static let argumentCount = 1...Int.max
    static let examples = """
        lxc image import debian.tar.xz --alias debian description="Our own Debian"
            Import an image that is one file.

        lxc image import metadata.tar.xz rootfs.squashfs
            Import an image that is two files.
        """

    @Flag(help: "Make image public") var `public` = false
    @Option(help: "New aliases to add to the image") var alias: [String] = []
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        var files: [String] = []
        var remote = ""
        var properties: [String: String] = [:]
        for word in arguments {
            if let (key, value) = word.split(once: "="), (try? LocalFile(word)) == nil {
                properties[key.trimmingBlanks] = value.trimmingBlanks
            } else if word.hasSuffix(":") {
                remote = word
            } else {
                files.append(word)
            }
        }
        let server = try session.resource(remote).server
        let first = files.first ?? arguments[0]
        if first.hasPrefix("http://") { throw CommandFailure("Only https:// is supported for remote image import") }
        let fingerprint: String
        if first.hasPrefix("https://") {
            fingerprint = try await fetch(first, properties, server, session)
        } else {
            var upload = ImageUpload(session: session)
            upload.isPublic = `public`
            upload.properties = properties
            let rootfs = files.count > 1 ? files[files.count - 1] : nil
            if let rootfs { upload.isVirtualMachine = try Self.isDiskImage(rootfs) }
            let folder = try TemporaryFolder()
            let metadata = try LocalFile(first).kind == .directory ? try Self.pack(first, into: folder.path) : first
            fingerprint = try await upload.send(metadata: metadata, rootfs: rootfs, to: server)
        }
        session.say("Image imported with fingerprint: \(fingerprint)")
        try await ImageAliases.ensure(alias, on: server, fingerprint: fingerprint)
    }

    private func fetch(
        _ url: String, _ properties: [String: String], _ server: ServerConnection, _ session: Session
    ) async throws -> String {
        var body = try JSONValue(
            encoding: ImagesPost.with {
                $0.public = `public`
                $0.properties = properties
                $0.source = .with {
                    $0.type = "url"
                    $0.mode = "pull"
                    $0.protocol = "direct"
                    $0.url = url
                }
            })
        if properties.isEmpty { body["properties"] = .null }
        let ended = try await session.wait(
            try await server.createImage(body), showing: session.renderer("Transferring image: %s"))
        return ended.metadata["fingerprint"]?.stringValue ?? ""
    }

    /// Whether a file is the disk of a virtual machine.
    private static func isDiskImage(_ path: String) throws -> Bool {
        try LocalReader(path).next(4) == [UInt8(ascii: "Q"), UInt8(ascii: "F"), UInt8(ascii: "I"), 0xfb]
    }

    private static func pack(_ folder: String, into place: String) throws -> String {
        guard geteuid() == 0 else { throw CommandFailure("Must run as root to import from directory") }
        guard let tar = Child.find("tar") else { throw CommandFailure("exec: \"tar\": executable file not found in $PATH") }
        let file = "\(place)/lxd_image"
        let status = try Child.run(
            tar,
            [
                "tar", "-C", folder, "--numeric-owner", "--restrict", "--force-local", "--xattrs", "-cJf", file, "--", "rootfs",
                "templates", "metadata.yaml",
            ])
        guard status == 0 else { throw CommandFailure("Failed to run: tar: exit status \(status)") }
        return file
    }
}

struct ImageExport: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Export and download images", usage: "[<remote>:]<image> [<target>]",
        discussion: """
            Export and download images

            The output target is optional and defaults to the working directory.
            """)
    static let argumentCount = 1...2
    static let examples = """
        lxc image export debian12 /backup/
            Write the file or the two files of an image into a folder.
        """

    @Flag(help: "Query virtual machine images") var vm = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let reference = try ImageReference(arguments[0], session)
        let target = arguments.count > 1 ? arguments[1] : "."
        let isFolder = (try? LocalFile(target).kind) == .directory
        let folder = isFolder ? target : PathText.directory(target)
        let progress = session.renderer("Exporting the image: %s")
        let files = try await reference.download(type: vm ? "virtual-machine" : "", into: folder, progress)
        if isFolder {
            try Self.move(files.metadata, to: files.metadataName.isEmpty ? nil : PathText.join(folder, files.metadataName))
            if let rootfs = files.rootfs {
                try Self.move(rootfs, to: files.rootfsName.isEmpty ? nil : PathText.join(folder, files.rootfsName))
            }
        } else if let rootfs = files.rootfs {
            try Self.move(files.metadata, to: target)
            try Self.move(rootfs, to: target + ".root")
        } else {
            let ending = files.metadataName.split(once: ".")?.tail ?? ""
            try Self.move(files.metadata, to: ending.isEmpty ? target : "\(target).\(ending)")
        }
        session.say("Image exported successfully!")
    }

    private static func move(_ path: String, to place: String?) throws {
        guard let place else { return }
        guard rename(path, place) == 0 else { throw LocalFailure.of("rename", place) }
    }
}

struct ImageCopy: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy", abstract: "Copy images between servers", usage: "[<remote>:]<image> <remote>:",
        discussion: """
            Copy images between servers

            The auto-update flag instructs the server to keep this image up to date.
            It requires the source to be an alias and for it to be public.
            """,
        aliases: ["cp"])
    static let argumentCount = 2...2
    static let examples = """
        lxc image copy debian12 other: --copy-aliases
            Give the server "other" an image and its names.
        """

    @Flag(help: "Make image public") var `public` = false
    @Flag(help: "Copy aliases from source") var copyAliases = false
    @Flag(help: "Keep the image up to date after initial copy") var autoUpdate = false
    @Option(help: "New aliases to add to the image") var alias: [String] = []
    @Flag(help: "Copy virtual machine images") var vm = false
    @Option(help: "Transfer mode. One of pull (default), push or relay") var mode = "pull"
    @Option(help: "Copy to a project different from the source") var targetProject = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        if mode != "pull", autoUpdate { throw CommandFailure("Auto update is only available in pull mode") }
        let target = try session.resource(arguments[1])
        guard target.name.isEmpty else { throw CommandFailure("Can't provide a name for the target image") }
        let destination = targetProject.isEmpty ? target.server : target.server.using(project: targetProject)
        let source = try session.parse(arguments[0])
        if let remote = session.configuration.remotes[source.remote], remote.protocol == "simplestreams" {
            return try await copyFromStreams(remote, source, destination, session)
        }
        // --project names that of the target; the source keeps the one of its remote.
        let reference = try ImageReference(arguments[0], session)
        let project = session.configuration.remotes[source.remote]?.project ?? ""
        let server = try reference.server.using(project: project)
        let image = try await server.image(try await ImageReference(server, source).resolved()).value
        let byAlias = image.public && !image.fingerprint.hasPrefix(source.name) ? source.name : ""
        try await ImageTransfer(session: session, source: .lxd(server), destination: destination, mode: mode)
            .run(image, from: server, isPublic: `public`, autoUpdate: autoUpdate, alias: byAlias)
        session.say("Image copied successfully!")
        var aliases = alias.map { name in ImageAlias.with { $0.name = name } }
        if copyAliases { aliases += image.aliases }
        try await ImageAliases.ensure(aliases, on: destination, fingerprint: image.fingerprint)
    }

    private func copyFromStreams(
        _ remote: Remote, _ source: RemoteName, _ destination: ServerConnection, _ session: Session
    ) async throws {
        let type = vm ? "virtual-machine" : ""
        let reference = try ImageReference(arguments[0], session)
        let fingerprint: String
        switch mode {
        case "pull": fingerprint = try await pullFromStreams(remote, source.name, type, destination, session)
        case "relay":
            let image = try await reference.image(type: type).value
            fingerprint = try await ImageTransfer(session: session, source: reference.shelf, destination: destination, mode: mode)
                .relay(image, isPublic: `public`)
        default: throw CommandFailure("The image server can't push images: use the mode pull or relay")
        }
        session.say("Image copied successfully!")
        var aliases = alias.map { name in ImageAlias.with { $0.name = name } }
        if copyAliases { aliases += try await reference.image(type: type).value.aliases }
        try await ImageAliases.ensure(aliases, on: destination, fingerprint: fingerprint)
    }

    private func pullFromStreams(
        _ remote: Remote, _ name: String, _ type: String, _ destination: ServerConnection, _ session: Session
    ) async throws -> String {
        let request = ImagesPost.with {
            $0.public = `public`
            $0.autoUpdate = autoUpdate
            $0.source = .with {
                $0.type = "image"
                $0.mode = "pull"
                $0.protocol = "simplestreams"
                $0.server = remote.address
                $0.alias = name.isEmpty ? "default" : name
                $0.imageType = type
            }
        }
        let progress = session.renderer("Copying the image: %s")
        let ended = try await session.wait(try await destination.createImage(request), showing: progress)
        return ended.metadata["fingerprint"]?.stringValue ?? ""
    }
}
