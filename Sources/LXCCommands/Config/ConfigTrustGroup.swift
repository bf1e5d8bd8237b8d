import FoundationEssentials
import Glibc
import LXDAPI
import LXDAuth
import LXDClient

struct ConfigTrustGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "trust", abstract: "Manage trusted clients",
        subcommands: [
            ConfigTrustAdd.self, ConfigTrustEdit.self, ConfigTrustList.self, ConfigTrustListTokens.self,
            ConfigTrustRemove.self, ConfigTrustRevokeToken.self, ConfigTrustShow.self,
        ])

    static let missingName = "Missing certificate fingerprint"
}

struct ConfigTrustAdd: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add new trusted client",
        usage: "[<remote>:] [<cert>]",
        discussion: """
            Add new trusted client

            The following certificate types are supported:
            - client (default)
            - metrics

            If the certificate is omitted, a token will be generated and returned. A client
            providing a valid token will have its client certificate added to the trusted list
            and the consumed token will be invalidated. Similar to certificates, tokens can be
            restricted to one or more projects.
            """)
    static let argumentCount = 0...2
    static let examples = """
        lxc config trust add --name laptop
            Make a token with which a client can add itself by "lxc remote add".
        """

    @Flag(help: "Restrict the certificate to one or more projects") var restricted = false
    @Option(help: "List of projects to restrict the certificate to") var projects = ""
    @Option(help: "Alternative certificate name") var name = ""
    @Option(help: "Type of certificate") var type = "client"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        guard ["client", "metrics"].contains(type) else {
            throw CommandFailure("Unknown certificate type \(type.goQuoted)")
        }
        let server = try session.resource(arguments.first ?? "").server
        if type == "metrics", try await !server.hasExtension("metrics") {
            throw CommandFailure("The server doesn't implement metrics")
        }
        var request = CertificatesPost.with {
            $0.type = type
            $0.restricted = restricted
            $0.projects =
                projects.isEmpty
                ? [] : projects.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        guard let file = arguments.last else { return try await addToken(&request, server, session) }
        let path = file == "-" ? "/dev/stdin" : file
        request.name = name.isEmpty ? path.split(separator: "/").last.map(String.init) ?? path : name
        request.certificate = Data(try certificate(at: path).der).base64EncodedString()
        try await server.createCertificate(request)
    }

    private func certificate(at path: String) throws -> CertificateFacts {
        guard let content = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("open \(path): \(Standard.errorText(errno))")
        }
        do {
            return try CertificateFacts(pem: String(decoding: content, as: UTF8.self))
        } catch {
            throw CommandFailure("invalid certificate file")
        }
    }

    private func addToken(_ request: inout CertificatesPost, _ server: ServerConnection, _ session: Session)
        async throws
    {
        request.token = true
        request.name = name
        if name.isEmpty {
            Standard.output("Please provide client name: ")
            guard let line = Standard.readLine(), !line.isEmpty else {
                throw CommandFailure("A client name is required")
            }
            request.name = line
        }
        if type == "metrics" { throw CommandFailure("Cannot use metrics type certificate when using a token") }
        let operation = try await server.createCertificateToken(request)
        guard let token = TrustToken(operation.initial) else {
            throw CommandFailure("Failed converting token operation to certificate add token")
        }
        session.say("Client \(request.name) certificate add token:")
        Standard.output(try token.text + "\n")
    }
}

struct ConfigTrustEdit: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Edit trust configurations as YAML", usage: "[<remote>:]<fingerprint>")
    static let argumentCount = 1...1
    static let examples = """
        lxc config trust edit 3c9b4f2a11d0
            Change the name or the projects of a trusted client.
        """

    var arguments: [String] = []

    private static let help = """
        ### This is a YAML representation of the certificate.
        ### Any line starting with a '# will be ignored.
        ###
        ### Note that the fingerprint is shown but cannot be changed
        """

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ConfigTrustGroup.missingName)
        try await DocumentEdit.run(help: Self.help) {
            try await resource.server.certificate(resource.name)
        } apply: { (edited: CertificatePut, etag) in
            try await resource.server.updateCertificate(resource.name, edited, etag: etag)
        }
    }
}

struct ConfigTrustList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List trusted clients", usage: "[<remote>:]", aliases: ["ls"])
    static let argumentCount = 0...1
    static let examples = """
        lxc config trust list
            Show which clients may use the server, and until when.
        """

    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let trusted = try await session.resource(arguments.first ?? "").server.certificates()
        var table = Table(["TYPE", "NAME", "COMMON NAME", "FINGERPRINT", "ISSUE DATE", "EXPIRY DATE"])
        table.rows = try trusted.map { entry in
            guard let facts = try? CertificateFacts(pem: entry.certificate) else {
                throw CommandFailure("Invalid certificate")
            }
            return [
                entry.type, entry.name, facts.commonName, String(entry.fingerprint.prefix(12)),
                Self.text(facts.notBefore),
                Self.text(facts.notAfter),
            ]
        }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: trusted))
    }

    private static func text(_ date: Date) -> String {
        TimeText.uploaded(LXDTime(seconds: Int64(date.timeIntervalSince1970.rounded(.down))))
    }
}

struct ConfigTrustListTokens: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list-tokens", abstract: "List all active certificate add tokens", usage: "[<remote>:]")
    static let argumentCount = 0...1
    static let examples = """
        lxc config trust list-tokens
            Show the tokens that nobody has used yet.
        """

    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    /// What JSON and YAML show; the names are the reference's.
    private struct Shown: Encodable {
        let ClientName: String
        let Token: String
        let ExpiresAt: String
    }

    func run(_ session: Session) async throws {
        let tokens = try await TrustToken.active(on: try session.resource(arguments.first ?? "").server).map(\.token)
        let shown = try tokens.map { token in
            Shown(
                ClientName: token.content.clientName, Token: try token.text,
                ExpiresAt: token.content.expiresAt.isSet ? TimeText.listed(token.content.expiresAt) : "")
        }
        var table = Table(["NAME", "TOKEN", "EXPIRES AT"])
        table.rows = shown.map { [$0.ClientName, $0.Token, $0.ExpiresAt] }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: shown))
    }
}

struct ConfigTrustRemove: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove trusted client", usage: "[<remote>:]<fingerprint>", aliases: ["rm"])
    static let argumentCount = 1...2
    static let examples = """
        lxc config trust remove 3c9b4f2a11d0
            Let a client no longer use the server.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        try await resource.server.deleteCertificate(arguments.count == 2 ? arguments[1] : resource.name)
    }
}

struct ConfigTrustRevokeToken: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke-token", abstract: "Revoke certificate add token", usage: "[<remote>:] <name>")
    static let argumentCount = 1...1
    static let examples = """
        lxc config trust revoke-token laptop
            Make a token useless.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        for (id, token) in try await TrustToken.active(on: resource.server)
        where token.content.clientName == resource.name {
            try await resource.server.cancelOperation(id)
            return session.say("Certificate add token for \(resource.name) deleted")
        }
        throw CommandFailure("No certificate add token for member \(resource.name) on remote: \(resource.remote)")
    }
}

struct ConfigTrustShow: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show trust configurations", usage: "[<remote>:]<fingerprint>")
    static let argumentCount = 1...1
    static let examples = """
        lxc config trust show 3c9b4f2a11d0
            Show all that is known about a trusted client as YAML.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ConfigTrustGroup.missingName)
        Standard.output(try LXDYAML.encode(try await resource.server.certificate(resource.name).value))
    }
}

/// A secret with which a client can add its certificate, as the operation that waits for it tells it.
private struct TrustToken {
    let content: CertificateAddToken

    init?(_ operation: Operation) {
        guard let name = operation.metadata["request"]?["name"].stringValue,
            let secret = operation.metadata["secret"]?.stringValue,
            let fingerprint = operation.metadata["fingerprint"]?.stringValue,
            let addresses = operation.metadata["addresses"]?.arrayValue
        else { return nil }
        content = .with {
            $0.clientName = name
            $0.secret = secret
            $0.fingerprint = fingerprint
            $0.addresses = addresses.compactMap(\.stringValue)
            $0.expiresAt = operation.metadata["expiresAt"]?.stringValue.flatMap { LXDTime(rfc3339: $0) } ?? .zero
        }
    }

    var text: String {
        get throws { try content.tokenText }
    }

    /// The tokens that can still be used, by the operations that wait for them.
    static func active(on server: ServerConnection) async throws -> [(id: String, token: TrustToken)] {
        try await server.using(project: "default").operations().values.joined()
            .filter { $0.class == OperationClass.token && $0.statusCode == .running }
            .compactMap { operation in TrustToken(operation).map { (operation.id, $0) } }
    }
}
