import FoundationEssentials
import Glibc
import LXDAPI
import LXDAuth
import LXDClient
import LXDHTTP

struct RemoteAdd: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add new remote servers", usage: "[<remote>] <IP|FQDN|URL|token>",
        discussion: """
            Add new remote servers

            URL for remote resources must be HTTPS (https://).

            The project given by --project is used for the remote from then on.
            """)
    static let argumentCount = 1...2
    static let examples = """
        lxc remote add office 10.0.0.5
            Add the server at 10.0.0.5; its certificate is shown to be confirmed.

        lxc remote add office <token>
            Add a server with a token made there by "lxc config trust add".
        """

    @Flag(help: "Accept certificate") var acceptCertificate = false
    @Option(help: "Remote admin password") var password = ""
    @Option(help: "Server protocol (lxd or simplestreams)") var `protocol` = ""
    @Option(help: "Server authentication type (tls or candid)") var authType = ""
    @Flag(help: "Public image server") var `public` = false
    @Option(help: "Candid domain to use") var domain = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let name = arguments[0]
        let address = arguments[arguments.count - 1]
        guard !name.contains(":") else { throw CommandFailure("Remote names may not contain colons") }
        if let existing = session.configuration.remotes[name] {
            throw CommandFailure("Remote \(name) exists as <\(existing.address)>")
        }
        if let token = try? CertificateAddToken(tokenText: address), !token.fingerprint.isEmpty {
            return try await RemoteSetup(session: session, name: name, command: self).add(token, text: address)
        }
        switch `protocol` {
        case "", "lxd": break
        case "simplestreams":
            guard address.hasPrefix("https://") else {
                throw CommandFailure("Only https URLs are supported for simplestreams")
            }
            return try session.changeConfiguration { configuration in
                var remote = Remote(address: address)
                remote.isPublic = true
                remote.protocol = "simplestreams"
                configuration.remotes[name] = remote
            }
        default: throw CommandFailure("Invalid protocol: \(`protocol`)")
        }
        guard authType.isEmpty || authType == "tls" else {
            throw CommandFailure("Authentication type '\(authType)' not supported by this client")
        }
        let whole = try RemoteAddress.complete(address) { path in
            var status = stat()
            return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
        }
        let setup = RemoteSetup(session: session, name: name, command: self)
        if whole.hasPrefix("unix:") { try await setup.addSocket(whole) } else { try await setup.addServer(whole) }
    }
}

/// Makes a server known: its certificate, our certificate there, the project.
struct RemoteSetup {
    let session: Session
    let name: String
    let command: RemoteAdd

    private func remote(_ address: String, authType: String) -> Remote {
        var remote = Remote(address: address)
        remote.protocol = "lxd"
        remote.authType = authType
        remote.domain = command.domain
        return remote
    }

    func addSocket(_ address: String) async throws {
        var remote = remote(address, authType: "tls")
        remote.project = try await project(on: try server(remote))
        try store(remote)
    }

    func addServer(_ address: String) async throws {
        if !command.public { try ensureClientCertificate() }
        var remote = remote(address, authType: "tls")
        remote.isPublic = command.public
        if !(await isTrustedBySystem(remote)) {
            let certificate = try await certificate(of: address)
            try confirm(certificate)
            try keep(certificate)
        }
        let server = try server(remote)
        if command.public { return try store(publicRemote(address)) }
        var info = try await server.server().value
        if info.public { return try store(publicRemote(address)) }
        guard info.authMethods.isEmpty || info.authMethods.contains("tls") else {
            throw CommandFailure("Authentication type 'tls' not supported by server")
        }
        if info.auth != "trusted" {
            try await server.createCertificate(
                .with {
                    $0.password = try command.password.isEmpty ? askPassword() : command.password
                    $0.type = "client"
                })
            info = try await server.server().value
            guard info.auth == "trusted" else { throw CommandFailure("Server doesn't trust us after authentication") }
            Standard.output("Client certificate now trusted by server: \(name)\n")
        }
        remote.project = try await project(on: server)
        try store(remote)
    }

    func add(_ token: CertificateAddToken, text: String) async throws {
        try ensureClientCertificate()
        for address in token.addresses {
            do {
                return try await add(token, text, at: "https://\(address)")
            } catch let error as LXDError where error.code == .unavailable {
                continue  // Another address of the same server may be reached.
            }
        }
        Standard.output(
            "All server addresses are unavailable\nPlease provide an alternate server address (empty to abort): ")
        guard let line = Standard.readLine(), !line.isEmpty else { throw CommandFailure("Failed to add remote") }
        try await add(token, text, at: try RemoteAddress.complete(line) { _ in false })
    }

    private func add(_ token: CertificateAddToken, _ text: String, at address: String) async throws {
        var remote = remote(address, authType: "tls")
        if !(await isTrustedBySystem(remote)) {
            let certificate: PeerCertificate
            do {
                certificate = try await self.certificate(of: address)
            } catch {
                throw LXDError.unavailable("Unavailable remote server: \(FailureText.of(error))")
            }
            guard certificate.fingerprint == token.fingerprint else {
                throw CommandFailure(
                    "Certificate fingerprint mismatch between certificate token and server \(address.goQuoted)")
            }
            try keep(certificate)
        }
        let server = try server(remote)
        try await addingContext("Failed to create certificate") {
            try await server.createCertificate(.with { $0.password = text })
        }
        remote.project = try await project(on: server)
        try store(remote)
    }

    // MARK: - Parts

    private func publicRemote(_ address: String) -> Remote {
        var remote = Remote(address: address)
        remote.isPublic = true
        return remote
    }

    private func store(_ remote: Remote) throws {
        try session.changeConfiguration { $0.remotes[name] = remote }
    }

    /// A connection to a remote that is not stored yet.
    private func server(_ remote: Remote) throws -> ServerConnection {
        var configuration = session.configuration
        configuration.projectOverride = ""
        configuration.remotes[name] = remote
        return try ServerConnection(remote: name, of: configuration, allowPublic: true)
    }

    private func isTrustedBySystem(_ remote: Remote) async -> Bool {
        guard let server = try? server(remote) else { return false }
        // Any failure makes the certificate be asked for; that tells what is wrong.
        return (try? await server.server()) != nil
    }

    private func certificate(of address: String) async throws -> PeerCertificate {
        let (host, port) = try ServerConnection.hostAndPort(address)
        let endpoint = HTTPEndpoint.tcp(host: host, port: port, tls: try ClientTLS(verification: .none))
        do {
            guard let certificate = try await HTTPClientSession(endpoint, group: ClientLoop.group).serverCertificate() else {
                throw CommandFailure("\(address) shows no certificate")
            }
            return certificate
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure("Get \"\(address)\": \(NetworkFailure.reason(error, host: host))")
        }
    }

    private func confirm(_ certificate: PeerCertificate) throws {
        if command.acceptCertificate { return }
        Standard.output("Certificate fingerprint: \(certificate.fingerprint)\nok (y/n/[fingerprint])? ")
        let answer = Standard.readLine() ?? ""
        if answer == certificate.fingerprint { return }
        switch answer.lowercased().first {
        case "y": return
        case nil, "n": throw CommandFailure("Server certificate NACKed by user")
        default: throw CommandFailure("Please type 'y', 'n' or the fingerprint:")
        }
    }

    private func keep(_ certificate: PeerCertificate) throws {
        let folder = "\(session.configuration.directory)/servercerts"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
            try Data(PEM.certificate(der: certificate.der).utf8).write(to: URL(filePath: "\(folder)/\(name).crt"))
        } catch {
            throw CommandFailure("Could not create server cert dir")
        }
    }

    private func ensureClientCertificate() throws {
        let configuration = session.configuration
        let files = FileManager.default
        if files.fileExists(atPath: configuration.clientCertificatePath),
            files.fileExists(atPath: configuration.clientKeyPath)
        {
            return
        }
        Standard.error("Generating a client certificate. This may take a minute...\n")
        _ = try KeyPair.loadOrMake(.client, name: "client", in: configuration.directory, addsHosts: false)
    }

    private func askPassword() throws -> String {
        Standard.output("Admin password (or token) for \(name): ")
        let isTerminal = Standard.isTerminal(Standard.input)
        var saved = termios()
        if isTerminal {
            tcgetattr(Standard.input, &saved)
            var silent = saved
            silent.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(Standard.input, TCSANOW, &silent)
        }
        let password = Standard.readLine() ?? ""
        if isTerminal { tcsetattr(Standard.input, TCSANOW, &saved) }
        Standard.output("\n")
        return password
    }

    /// The project to use: the one that was named, the only one there is, or the one the person chooses.
    private func project(on server: ServerConnection) async throws -> String {
        let named = session.globals.project
        if !named.isEmpty {
            _ = try await server.project(named)
            return named
        }
        let names = try await server.projectNames()
        if names.count == 1 { return names[0] }
        if names.isEmpty || names.contains("default") { return "" }
        Standard.output("Available projects:\n" + names.map { " - \($0)\n" }.joined())
        while true {
            Standard.output("Name of the project to use for this remote: ")
            guard let answer = Standard.readLine() else { throw CommandFailure("EOF") }
            if names.contains(answer) { return answer }
            Standard.error("Invalid input, try again.\n\n")
        }
    }
}
