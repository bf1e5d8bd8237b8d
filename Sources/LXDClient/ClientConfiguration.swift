import FoundationEssentials
public import LXDAPI

/// The client's own configuration: its remotes, aliases and defaults, in the format of LXD's `config.yml`.
public struct ClientConfiguration: Sendable {
    /// The default remote that the file names or that was chosen since.
    var chosenDefault = "local"
    /// The default remote that the environment names for this run; it is never written to the file.
    private var environmentDefault: String?
    public var remotes: [String: Remote]
    /// Command aliases, as in `"ll": "list -c ns46"`.
    public var aliases: [String: String] = [:]
    /// The project named on the command line; goes before that of a remote. Empty when none was named.
    public var projectOverride = ""
    /// The folder of `config.yml`, certificates and keys; empty for "none", as with `--force-local`.
    public let directory: String
    /// The folder of the remotes that all users of the machine share.
    var globalDirectory = Self.globalDirectory(ProcessInfo.processInfo.environment)
    /// What else the file has, which is none of ours and is written back as it was.
    var otherFields: [String: JSONValue] = [:]

    /// The remote used when a name has no `remote:` before it.
    public var defaultRemote: String {
        get { environmentDefault ?? chosenDefault }
        set {
            chosenDefault = newValue
            environmentDefault = nil
        }
    }

    /// The configuration of a user who never changed anything.
    public init(directory: String) {
        self.directory = directory
        remotes = Remote.statics
        remotes["images"] = Remote.images
    }

    /// Lets `LXC_REMOTE` name the default remote before all else, and `LXD_GLOBAL_CONF` the folder that all users share.
    mutating func adopt(_ environment: [String: String]) {
        globalDirectory = Self.globalDirectory(environment)
        if let named = environment["LXC_REMOTE"], !named.isEmpty { environmentDefault = named }
    }

    /// The folder that `LXD_CONF` or else `HOME` names.
    public static func standardDirectory(_ environment: [String: String]) -> String {
        if let named = environment["LXD_CONF"], !named.isEmpty { return named }
        return "\(environment["HOME"] ?? "/root")/.config/lxc"
    }

    /// The file that holds the configuration.
    public var path: String { "\(directory)/config.yml" }

    /// Where the certificate of a remote is kept, in PEM.
    public func serverCertificatePath(_ remote: String) -> String {
        let folder = remotes[remote]?.isGlobal == true ? globalDirectory : directory
        return "\(folder)/servercerts/\(remote).crt"
    }

    public var clientCertificatePath: String { "\(directory)/client.crt" }
    public var clientKeyPath: String { "\(directory)/client.key" }
    public var clientAuthorityPath: String { "\(directory)/client.ca" }

    private static func globalDirectory(_ environment: [String: String]) -> String {
        if let named = environment["LXD_GLOBAL_CONF"], !named.isEmpty { return named }
        return "/etc/lxd"
    }
}

/// What an argument like `remote:name` names.
public struct RemoteName: Sendable, Hashable {
    public let remote: String
    public let name: String

    public init(remote: String, name: String) {
        self.remote = remote
        self.name = name
    }

    /// The name split at the first `/`; nil if it names no snapshot.
    public var snapshot: (parent: String, name: String)? {
        guard let index = name.firstIndex(of: "/") else { return nil }
        return (String(name[..<index]), String(name[name.index(after: index)...]))
    }
}

extension ClientConfiguration {
    /// Reads `remote:name`; the only place where that is done.
    ///
    /// A colon inside the name of a snapshot does not count, unless a remote has that name.
    ///
    /// - Throws: `.notFound` when no remote has the name before the colon.
    public func parse(_ argument: String) throws(LXDError) -> RemoteName {
        guard let colon = argument.firstIndex(of: ":") else {
            return RemoteName(remote: defaultRemote, name: argument)
        }
        let remote = String(argument[..<colon])
        if remotes[remote] == nil {
            if remote.contains("/") { return RemoteName(remote: defaultRemote, name: argument) }
            throw .notFound("The remote \"\(remote)\" doesn't exist")
        }
        return RemoteName(remote: remote, name: String(argument[argument.index(after: colon)...]))
    }
}
