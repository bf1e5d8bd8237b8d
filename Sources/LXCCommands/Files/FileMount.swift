import FoundationEssentials
import Glibc
import LXDAPI
import LXDClient
import LXDHTTP
import NIOCore

struct FileMount: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount", abstract: "Mount files from instances",
        usage: "[<remote>:]<instance>[/<path>] [<target path>]")
    static let argumentCount = 1...2
    static let examples = """
        lxc file mount foo/root fooroot
           To mount /root from the instance foo onto the local fooroot directory.

        lxc file mount foo --listen 127.0.0.1:2022
           To let SFTP clients reach the files of foo.
        """

    @Option(help: "Setup SSH SFTP listener on address:port instead of mounting") var listen = ""
    @Flag(help: "Disable authentication when using SSH SFTP listener") var noAuth = false
    @Option(help: "Set authentication user when using SSH SFTP listener") var authUser = ""
    var arguments: [String] = []

    private var login: SSHLogin {
        if noAuth { return .anybody }
        let user = authUser.isEmpty ? SFTPListener.randomWord(8) : authUser
        return .password(user: user, password: SFTPListener.randomWord(16))
    }

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        let parts = resource.name.split(once: "/")
        guard arguments.count > 1 else {
            if parts != nil { throw CommandFailure("Instance path cannot be used in SSH SFTP listener mode") }
            return try await SFTPListener(resource: resource, login: login).run(on: listen.isEmpty ? "127.0.0.1:0" : listen)
        }
        let target = PathText.clean(arguments[1])
        guard try LocalFile(target).kind == .directory else { throw CommandFailure("Target path must be a directory") }
        if !listen.isEmpty { throw CommandFailure("Target path and --listen flag cannot be used together") }
        guard let (instance, path) = parts else {
            throw CommandFailure("Invalid instance path: \(resource.name.goQuoted)")
        }
        guard let program = Child.find("sshfs") else {
            throw CommandFailure("sshfs not found. Try SSH SFTP mode using the --listen flag")
        }
        let mount = FileSystemMount(
            program: program, instance: instance, path: PathText.clean("/" + path), target: target)
        try await mount.run(try await addingContext("Failed connecting to instance SFTP") {
            try await resource.server.fileServer(of: instance)
        })
    }
}

/// Lets sshfs speak with an instance's file server through a pair of pipes.
struct FileSystemMount {
    let program: String
    let instance: String
    let path: String
    let target: String

    func run(_ server: RawConnection) async throws {
        signal(SIGPIPE, SIG_IGN)
        var toChild: [Int32] = [0, 0]
        var fromChild: [Int32] = [0, 0]
        guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else {
            throw CommandFailure("Failed starting sshfs: \(Standard.errorText(errno))")
        }
        for descriptor in toChild + fromChild { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        let child = try Child.start(
            program, ["sshfs", "-o", "passive", "lxd.\(instance):\(path)", target],
            streams: [0: toChild[0], 1: fromChild[1]])
        close(toChild[0])
        close(fromChild[1])
        Standard.output("sshfs mounting \((instance + path).goQuoted) on \(target.goQuoted)\nPress ctrl+c to finish\n")
        let (input, output) = (toChild[1], fromChild[0])
        let signals = SignalStream([SIGINT, SIGTERM])
        let interrupt = Task {
            for await _ in signals.signals {
                kill(child, SIGINT)  // sshfs takes this as a wish to unmount.
                return
            }
        }
        let incoming = Task {
            while let bytes = try? await server.receive() {
                var rest = bytes.readableBytesView[...]
                while !rest.isEmpty {
                    let count = rest.withContiguousStorageIfAvailable { write(input, $0.baseAddress, $0.count) } ?? -1
                    if count <= 0 { return }
                    rest = rest.dropFirst(count)
                }
            }
            kill(child, SIGINT)
        }
        while let bytes = await StreamPump.read(output) {
            guard (try? await server.send(bytes)) != nil else { break }
        }
        incoming.cancel()
        interrupt.cancel()
        signals.stop()
        close(input)
        server.abort()
        let status = Child.wait(child)
        guard status == 0 else { throw CommandFailure("exit status \(status)") }
        Standard.output("sshfs has stopped\n")
    }
}
