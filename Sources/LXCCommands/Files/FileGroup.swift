import FoundationEssentials
import Glibc
import LXDAPI
import LXDClient

struct FileGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "file", abstract: "Manage files in instances",
        subcommands: [FileDelete.self, FileEdit.self, FileMount.self, FilePull.self, FilePush.self])
}

/// A path in an instance, as a person names it: `remote:instance/path`.
struct InstancePath {
    let server: ServerConnection
    let instance: String
    /// Without the slash that it begins with.
    let path: String

    /// - Parameter complaint: What an error calls a name without a path.
    init(_ argument: String, _ session: Session, complaint: String) throws {
        let resource = try session.resource(argument)
        guard let (instance, path) = resource.name.split(once: "/") else {
            throw CommandFailure("\(complaint) \(resource.name)")
        }
        server = resource.server
        self.instance = instance
        self.path = path
    }
}

/// Paths as text; nothing is asked of a file system.
enum PathText {
    /// Without `.`, `..` and doubled slashes, as Go's `path.Clean` does it.
    static func clean(_ path: String) -> String {
        let isAbsolute = path.hasPrefix("/")
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if let last = parts.last, last != ".." {
                parts.removeLast()
            } else if !isAbsolute {
                parts.append(part)
            }
        }
        let joined = parts.joined(separator: "/")
        if isAbsolute { return "/" + joined }
        return joined.isEmpty ? "." : joined
    }

    static func join(_ parts: String...) -> String {
        clean(parts.filter { !$0.isEmpty }.joined(separator: "/"))
    }

    static func base(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? (path.hasPrefix("/") ? "/" : ".")
    }

    static func directory(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return clean(String(path[...slash]))
    }
}

/// What a local path is.
struct LocalFile {
    let attributes: FileAttributes
    let kind: FileKind?
    let size: Int

    /// - Parameter followsLinks: Whether a symlink is looked through.
    init(_ path: String, followsLinks: Bool = true) throws {
        var status = stat()
        let result = followsLinks ? stat(path, &status) : lstat(path, &status)
        guard result == 0 else { throw LocalFailure.of(followsLinks ? "stat" : "lstat", path) }
        self.init(status)
    }

    init(descriptor: Int32, _ path: String) throws {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw LocalFailure.of("stat", path) }
        self.init(status)
    }

    private init(_ status: stat) {
        attributes = FileAttributes(
            uid: Int(status.st_uid), gid: Int(status.st_gid), mode: Int(status.st_mode & 0o777))
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .directory
            case S_IFLNK: .symlink
            default: nil
            }
        size = Int(status.st_size)
    }
}

/// The last failure of the system, as Go words it: `open /x: no such file or directory`.
enum LocalFailure {
    static func of(_ call: String, _ path: String) -> CommandFailure {
        CommandFailure("\(call) \(path): \(Standard.errorText(errno))")
    }
}

struct FileDelete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete files in instances",
        usage: "[<remote>:]<instance>/<path> [[<remote>:]<instance>/<path>...]", aliases: ["rm"])
    static let argumentCount = 1...Int.max
    static let examples = """
        lxc file delete u1/tmp/old
            Delete a file of "u1".
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        for argument in arguments {
            let file = try InstancePath(argument, session, complaint: "Invalid path")
            try await file.server.deleteFile(file.path, of: file.instance)
        }
    }
}

struct FileEdit: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit", abstract: "Edit files in instances", usage: "[<remote>:]<instance>/<path>")
    static let argumentCount = 1...1
    static let examples = """
        lxc file edit u1/etc/hosts
            Open a file of "u1" in an editor.
        """
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        var push = FileUpload(session: session)
        push.keepsAttributes = true
        if !Standard.isTerminal(Standard.input) { return try await push.run(["-"], to: arguments[0]) }
        let folder = FileManager.default.temporaryDirectory.path
        let path = "\(folder)/lxd_file_edit_\(getpid())_\(PathText.base(arguments[0]))"
        defer { unlink(path) }
        try await FileDownload(session: session).run([arguments[0]], to: path)
        try Editor.open(path)
        try await push.run([path], to: arguments[0])
    }
}
