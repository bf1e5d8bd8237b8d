public import FoundationEssentials
public import LXDAPI

extension ClientConfiguration {
    /// Reads the configuration of a folder; that of a new user when there is no file.
    ///
    /// The remotes of `/etc/lxd/config.yml` (or `LXD_GLOBAL_CONF`) are added, then the built-in ones. `LXC_REMOTE`
    /// names the default remote before all else.
    public static func load(
        from directory: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(LXDError) -> ClientConfiguration {
        var configuration = ClientConfiguration(directory: directory)
        guard let content = FileManager.default.contents(atPath: configuration.path) else {
            if FileManager.default.fileExists(atPath: configuration.path) {
                throw .internalError("Unable to read the configuration file: open \(configuration.path): permission denied")
            }
            return configuration
        }
        let file = try decode(content)
        configuration.remotes = [:]
        for (name, entry) in file.remotes {
            configuration.remotes[name] = entry.remote
        }
        for (name, remote) in try globalRemotes(environment) where configuration.remotes[name] == nil {
            configuration.remotes[name] = remote
        }
        for (name, builtIn) in Remote.statics {
            var remote = builtIn
            remote.project = configuration.remotes[name]?.project ?? ""
            configuration.remotes[name] = remote
        }
        configuration.aliases = file.aliases
        if let named = environment["LXC_REMOTE"], !named.isEmpty {
            configuration.defaultRemote = named
        } else if !file.defaultRemote.isEmpty {
            configuration.defaultRemote = file.defaultRemote
        }
        return configuration
    }

    private static func globalRemotes(_ environment: [String: String]) throws(LXDError) -> [String: Remote] {
        let path = "\(globalDirectory(environment))/config.yml"
        guard let content = FileManager.default.contents(atPath: path) else { return [:] }
        return try decode(content).remotes.mapValues {
            var remote = $0.remote
            remote.isGlobal = true
            return remote
        }
    }

    private static func decode(_ content: Data) throws(LXDError) -> ConfigurationFile {
        let text = String(decoding: content, as: UTF8.self)
        do {
            return try LXDYAML.decode(ConfigurationFile.self, from: text)
        } catch {
            // People append sections to the file; the last one of a name counts.
            let reduced = lastOfEachSection(text)
            guard reduced != text else { throw error.wrapped("Unable to decode the configuration") }
            do {
                return try LXDYAML.decode(ConfigurationFile.self, from: reduced)
            } catch {
                throw error.wrapped("Unable to decode the configuration")
            }
        }
    }

    /// The text without the top-level sections of which another follows with the same key.
    static func lastOfEachSection(_ text: String) -> String {
        var sections: [(key: Substring, lines: [Substring])] = [("", [])]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isKey = line.first.map { !$0.isWhitespace && $0 != "#" && $0 != "-" } ?? false
            if isKey, let colon = line.firstIndex(of: ":") {
                let key = line[..<colon]
                sections.removeAll { $0.key == key }
                sections.append((key, [line]))
            } else {
                sections[sections.count - 1].lines.append(line)
            }
        }
        return sections.flatMap(\.lines).joined(separator: "\n")
    }

    /// Writes the configuration beside the old file and puts it in its place.
    public func save() throws(LXDError) {
        var file = ConfigurationFile()
        file.defaultRemote = defaultRemote
        file.aliases = aliases
        for (name, remote) in remotes where !remote.isGlobal && (name == "local" || Remote.statics[name] == nil) {
            file.remotes[name] = RemoteEntry(remote)
        }
        let text = try LXDYAML.encode(file)
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw .internalError("Unable to create the configuration file: \(error)")
        }
    }
}

/// `config.yml` as it is written.
private struct ConfigurationFile: WireValue {
    @Zero var defaultRemote: String
    @Zero var remotes: [String: RemoteEntry]
    @Zero var aliases: [String: String]

    init() {}

    private enum CodingKeys: String, CodingKey {
        case defaultRemote = "default-remote"
        case remotes, aliases
    }
}

private struct RemoteEntry: WireValue {
    @Zero var addr: String
    @OmitEmpty var authType: String
    @OmitEmpty var domain: String
    @OmitEmpty var project: String
    @OmitEmpty var `protocol`: String
    @Zero var isPublic: Bool

    init() {}

    init(_ remote: Remote) {
        addr = remote.address
        authType = remote.authType
        domain = remote.domain
        project = remote.project
        `protocol` = remote.protocol
        isPublic = remote.isPublic
    }

    var remote: Remote {
        var remote = Remote(address: addr)
        remote.authType = authType.isEmpty && !isPublic ? "tls" : authType
        remote.domain = domain
        remote.project = project
        remote.protocol = `protocol`
        remote.isPublic = isPublic
        return remote
    }

    private enum CodingKeys: String, CodingKey {
        case addr
        case authType = "auth_type"
        case domain, project
        case `protocol` = "protocol"
        case isPublic = "public"
    }
}
