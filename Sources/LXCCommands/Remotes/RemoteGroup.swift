import FoundationEssentials
import Glibc
import LXDAPI
import LXDClient

struct RemoteGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "remote", abstract: "Manage the list of remote servers",
        subcommands: [
            RemoteAdd.self, RemoteGetDefault.self, RemoteList.self, RemoteRemove.self, RemoteRename.self, RemoteSetURL.self,
            RemoteSwitch.self,
        ])
}

struct RemoteGetDefault: LXCCommand {
    static let configuration = CommandConfiguration(commandName: "get-default", abstract: "Show the default remote", usage: "")
    static let argumentCount = 0...0
    static let examples = """
        lxc remote get-default
            Show which server is meant when none is named.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        Standard.output(session.configuration.defaultRemote + "\n")
    }
}

struct RemoteList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the available remotes", usage: "", aliases: ["ls"])
    static let argumentCount = 0...0
    static let examples = """
        lxc remote list
            Show all servers that this client knows.
        """
    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let configuration = session.configuration
        var table = Table(["NAME", "URL", "PROTOCOL", "AUTH TYPE", "PUBLIC", "STATIC", "GLOBAL"])
        table.rows = configuration.remotes.map { name, remote in
            [
                name == configuration.defaultRemote ? "\(name) (current)" : name, remote.address,
                remote.protocol.isEmpty ? "lxd" : remote.protocol, Self.authentication(remote),
                remote.isPublic ? "YES" : "NO", remote.isStatic ? "YES" : "NO", remote.isGlobal ? "YES" : "NO",
            ]
        }.sortedByColumns()
        let format = try TableFormat(named: format)
        let raw = configuration.remotes.mapValues { ShownRemote(remote: $0, isYAML: format == .yaml) }
        Standard.output(try table.render(format, raw: raw))
    }

    private static func authentication(_ remote: Remote) -> String {
        if !remote.authType.isEmpty {
            return remote.authType == "candid" && !remote.domain.isEmpty ? "candid (\(remote.domain))" : remote.authType
        }
        if remote.isLocalSocket { return "file access" }
        return remote.protocol == "simplestreams" ? "none" : "tls"
    }
}

/// A remote as `lxc remote list` shows it: with all its fields in JSON, as `config.yml` has it in YAML.
private struct ShownRemote: Encodable {
    let remote: Remote
    let isYAML: Bool

    private enum YAMLKeys: String, CodingKey {
        case addr, auth_type, domain, project, `protocol`, `public`
    }

    private enum JSONKeys: String, CodingKey {
        case Addr, AuthType, Domain, Project, `Protocol`, Public, Global, Static
    }

    func encode(to encoder: any Encoder) throws {
        if isYAML { return try encodeYAML(to: encoder) }
        var container = encoder.container(keyedBy: JSONKeys.self)
        try container.encode(remote.address, forKey: .Addr)
        try container.encode(remote.authType, forKey: .AuthType)
        try container.encode(remote.domain, forKey: .Domain)
        try container.encode(remote.project, forKey: .Project)
        try container.encode(remote.protocol, forKey: .Protocol)
        try container.encode(remote.isPublic, forKey: .Public)
        try container.encode(remote.isGlobal, forKey: .Global)
        try container.encode(remote.isStatic, forKey: .Static)
    }

    private func encodeYAML(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: YAMLKeys.self)
        try container.encode(remote.address, forKey: .addr)
        if !remote.authType.isEmpty { try container.encode(remote.authType, forKey: .auth_type) }
        if !remote.domain.isEmpty { try container.encode(remote.domain, forKey: .domain) }
        if !remote.project.isEmpty { try container.encode(remote.project, forKey: .project) }
        if !remote.protocol.isEmpty { try container.encode(remote.protocol, forKey: .protocol) }
        try container.encode(remote.isPublic, forKey: .public)
    }
}

extension ClientConfiguration {
    /// A remote that may be changed.
    func changeableRemote(_ name: String) throws -> Remote {
        guard let remote = remotes[name] else { throw CommandFailure("Remote \(name) doesn't exist") }
        if remote.isStatic { throw CommandFailure("Remote \(name) is static and cannot be modified") }
        return remote
    }

    /// Takes over the certificate that all users of the machine share, as one's own copy.
    func copyGlobalCertificate(of name: String, to newName: String) throws {
        guard let content = FileManager.default.contents(atPath: serverCertificatePath(name)) else { return }
        let folder = "\(directory)/servercerts"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try content.write(to: URL(filePath: "\(folder)/\(newName).crt"))
    }
}

struct RemoteRename: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename", abstract: "Rename remotes", usage: "<remote> <new-name>", aliases: ["mv"])
    static let argumentCount = 2...2
    static let examples = """
        lxc remote rename office berlin
            Call the server "office" "berlin" from now on.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let (old, new) = (arguments[0], arguments[1])
        try session.changeConfiguration { configuration in
            var remote = try configuration.changeableRemote(old)
            guard configuration.remotes[new] == nil else { throw CommandFailure("Remote \(new) already exists") }
            if remote.isGlobal {
                try configuration.copyGlobalCertificate(of: old, to: new)
                remote.isGlobal = false
            } else {
                let folder = "\(configuration.directory)/servercerts"
                if rename("\(folder)/\(old).crt", "\(folder)/\(new).crt") != 0, errno != ENOENT {
                    throw LocalFailure.of("rename", "\(folder)/\(old).crt")
                }
            }
            configuration.remotes[new] = remote
            configuration.remotes[old] = nil
            if configuration.defaultRemote == old { configuration.defaultRemote = new }
        }
    }
}

struct RemoteRemove: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove remotes", usage: "<remote>", aliases: ["rm"])
    static let argumentCount = 1...1
    static let examples = """
        lxc remote remove office
            Forget the server "office" and its certificate.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let name = arguments[0]
        try session.changeConfiguration { configuration in
            let remote = try configuration.changeableRemote(name)
            if remote.isGlobal { throw CommandFailure("Remote \(name) is global and cannot be removed") }
            if configuration.defaultRemote == name { throw CommandFailure("Can't remove the default remote") }
            unlink(configuration.serverCertificatePath(name))
            unlink("\(configuration.directory)/jars/\(name)")
            configuration.remotes[name] = nil
        }
    }
}

struct RemoteSwitch: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "switch", abstract: "Switch the default remote", usage: "<remote>", aliases: ["set-default"])
    static let argumentCount = 1...1
    static let examples = """
        lxc remote switch office
            Mean the server "office" when none is named.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let name = arguments[0]
        try session.changeConfiguration { configuration in
            guard configuration.remotes[name] != nil else { throw CommandFailure("Remote \(name) doesn't exist") }
            configuration.defaultRemote = name
        }
    }
}

struct RemoteSetURL: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "set-url", abstract: "Set the URL for the remote", usage: "<remote> <URL>")
    static let argumentCount = 2...2
    static let examples = """
        lxc remote set-url office https://10.0.0.5:8443
            Say where the server "office" is now.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let (name, url) = (arguments[0], arguments[1])
        try session.changeConfiguration { configuration in
            var remote = try configuration.changeableRemote(name)
            if remote.isGlobal {
                try configuration.copyGlobalCertificate(of: name, to: name)
                remote.isGlobal = false
            }
            remote.address = url
            configuration.remotes[name] = remote
        }
    }
}
