import LXDAPI
import LXDClient
import LXDImageBuilder
import SystemPackage

struct ImageBuild: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Build images from a distribution's own packages",
        usage: "<distribution>/<release> [<remote>:]",
        discussion: """
            Build images from a distribution's own packages

            The image is made on this machine, without an image server, and then sent to the server. It is an ordinary
            system image: it boots with its own init, gets its address by DHCP and has LXD's templates.
            """)
    static let argumentCount = 1...2
    static let examples = """
        lxc image build debian/12 --alias debian12
            Make an image of Debian 12.

        lxc launch debian12 first
            Use it.
        """

    @Option(help: "New aliases to add to the image (default: the name of the release)") var alias: [String] = []
    @Option(help: "Package mirror to use in place of the one this machine uses") var mirror = ""
    @Flag(help: "Make image public") var `public` = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let release = try Release(parsing: arguments[0])
        let target = try session.resource(arguments.count > 1 ? arguments[1] : "")
        guard target.name.isEmpty else { throw CommandFailure("Can't provide a name for the target image") }
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/debian-\(release.number).tar.zst"
        let builder = ImageBuilder(release: release, mirror: mirror.isEmpty ? nil : mirror) { line in
            session.say(line)
        }
        try await builder.build(to: FilePath(file))
        var upload = ImageUpload(session: session)
        upload.isPublic = `public`
        let fingerprint = try await upload.send(metadata: file, rootfs: nil, to: target.server)
        session.say("Image imported with fingerprint: \(fingerprint)")
        let names = alias.isEmpty ? ["debian\(release.number)"] : alias
        try await ImageAliases.ensure(names, on: target.server, fingerprint: fingerprint)
        session.say("Image aliases: \(names.joined(separator: ", "))")
    }
}
