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
        configuration.adopt(environment)
        if let content = FileManager.default.contents(atPath: configuration.path) {
            let file = try decode(content)
            configuration.remotes = file.remotes.mapValues(\.remote)
            configuration.aliases = file.aliases
            configuration.otherFields = file.others
            if !file.defaultRemote.isEmpty { configuration.chosenDefault = file.defaultRemote }
        } else if FileManager.default.fileExists(atPath: configuration.path) {
            throw .internalError("Unable to read the configuration file: open \(configuration.path): permission denied")
        }
        for (name, remote) in try configuration.globalRemotes() where configuration.remotes[name] == nil {
            configuration.remotes[name] = remote
        }
        for (name, builtIn) in Remote.statics {
            var remote = builtIn
            remote.project = configuration.remotes[name]?.project ?? ""
            remote.otherFields = configuration.remotes[name]?.otherFields ?? [:]
            configuration.remotes[name] = remote
        }
        // Old files have the image server of the community with a protocol that it no longer speaks.
        if let images = configuration.remotes["images"], images.address == Remote.images.address,
            images.protocol != Remote.images.protocol
        {
            configuration.remotes["images"] = Remote.images
        }
        return configuration
    }

    private func globalRemotes() throws(LXDError) -> [String: Remote] {
        let path = "\(globalDirectory)/config.yml"
        guard let content = FileManager.default.contents(atPath: path) else { return [:] }
        return try Self.decode(content).remotes.mapValues {
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
        file.defaultRemote = chosenDefault
        file.aliases = aliases
        file.others = otherFields
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

/// `config.yml` as it is written: its own keys in the order in which LXD writes them, then those of others.
private struct ConfigurationFile: WireValue {
    var defaultRemote = ""
    var remotes: [String: RemoteEntry] = [:]
    var aliases: [String: String] = [:]
    var others: [String: JSONValue] = [:]

    init() {}

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: FieldName.self)
        for field in fields.allKeys {
            switch field.stringValue {
            case "default-remote": defaultRemote = try fields.decodeIfPresent(String.self, forKey: field) ?? ""
            case "remotes": remotes = try fields.decodeIfPresent([String: RemoteEntry].self, forKey: field) ?? [:]
            case "aliases": aliases = try fields.decodeIfPresent([String: String].self, forKey: field) ?? [:]
            default: others[field.stringValue] = try fields.decode(JSONValue.self, forKey: field)
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: FieldName.self)
        try fields.encode(defaultRemote, forKey: "default-remote")
        try fields.encode(remotes, forKey: "remotes")
        try fields.encode(aliases, forKey: "aliases")
        try fields.encode(others)
    }
}

private struct RemoteEntry: WireValue {
    var remote = Remote(address: "")

    init() {}

    init(_ remote: Remote) { self.remote = remote }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: FieldName.self)
        func text(_ field: FieldName) throws -> String { try fields.decodeIfPresent(String.self, forKey: field) ?? "" }
        for field in fields.allKeys {
            switch field.stringValue {
            case "addr": remote.address = try text(field)
            case "auth_type": remote.authType = try text(field)
            case "domain": remote.domain = try text(field)
            case "project": remote.project = try text(field)
            case "protocol": remote.protocol = try text(field)
            case "public": remote.isPublic = try fields.decodeIfPresent(Bool.self, forKey: field) ?? false
            default: remote.otherFields[field.stringValue] = try fields.decode(JSONValue.self, forKey: field)
            }
        }
        if remote.authType.isEmpty, !remote.isPublic { remote.authType = "tls" }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: FieldName.self)
        try fields.encode(remote.address, forKey: "addr")
        let texts: [(FieldName, String)] = [
            ("auth_type", remote.authType), ("domain", remote.domain), ("project", remote.project), ("protocol", remote.protocol),
        ]
        for (name, text) in texts where !text.isEmpty { try fields.encode(text, forKey: name) }
        try fields.encode(remote.isPublic, forKey: "public")
        try fields.encode(remote.otherFields)
    }
}

/// Any key of a mapping.
private struct FieldName: CodingKey, ExpressibleByStringLiteral {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    init(stringLiteral value: String) { stringValue = value }
}

extension KeyedEncodingContainer<FieldName> {
    fileprivate mutating func encode(_ others: [String: JSONValue]) throws {
        for (name, value) in others.sorted(by: { $0.key < $1.key }) { try encode(value, forKey: FieldName(stringValue: name)) }
    }
}
