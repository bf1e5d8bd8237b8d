import FoundationEssentials
import Glibc
import LXDAPI
import LXDClient

struct FilePush: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Push files into instances",
        usage: "<source path>... [<remote>:]<instance>/<path>")
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc file push /etc/hosts foo/etc/hosts
           To push /etc/hosts into the instance "foo".

        lxc file push --recursive --create-dirs site foo/srv/www
           To push a folder and all in it.
        """

    @Flag(short: "r", help: "Recursively transfer files") var recursive = false
    @Flag(short: "p", help: "Create any directories necessary") var createDirs = false
    @Option(help: "Set the file's uid on push") var uid = -1
    @Option(help: "Set the file's gid on push") var gid = -1
    @Option(help: "Set the file's perms on push") var mode = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        var upload = FileUpload(session: session)
        upload.isRecursive = recursive
        upload.createsFolders = createDirs
        upload.attributes = FileAttributes(uid: uid, gid: gid)
        if !mode.isEmpty {
            let digits = mode.hasPrefix("0o") ? String(mode.dropFirst(2)) : mode
            guard let bits = Int(digits, radix: 8) else {
                throw CommandFailure("strconv.ParseInt: parsing \(mode.goQuoted): invalid syntax")
            }
            upload.attributes.mode = bits & 0o777
        }
        try await upload.run(Array(arguments.dropLast()), to: arguments[arguments.count - 1])
    }
}

/// Copies files of this machine to an instance.
struct FileUpload {
    let session: Session
    var isRecursive = false
    var createsFolders = false
    /// What was asked for; -1 takes it from the local file.
    var attributes = FileAttributes()
    /// Whether owner and permissions of what is there stay as they are.
    var keepsAttributes = false

    func run(_ sources: [String], to targetArgument: String) async throws {
        guard targetArgument.contains("/") else { throw CommandFailure("Invalid target \(targetArgument)") }
        let place = try InstancePath(targetArgument, session, complaint: "Invalid target")
        let target = PathText.clean("/" + place.path)
        let isFolder = targetArgument.hasSuffix("/") || target.hasSuffix("/")
        let sources = sources.map(PathText.clean)
        if isRecursive { return try await pushTrees(sources, to: target, place) }
        if sources.count > 1, !isFolder { throw CommandFailure("Missing target directory") }
        // All are opened before the first is sent.
        let readers = try sources.map { try LocalReader($0) }
        for reader in readers {
            let path = isFolder ? PathText.join(target, PathText.base(reader.path)) : target
            try await push(reader, to: path, place)
        }
    }

    private func push(_ reader: LocalReader, to path: String, _ place: InstancePath) async throws {
        let local = try reader.status()
        if createsFolders {
            let owner = FileAttributes(
                uid: attributes.uid < 0 ? local.attributes.uid : attributes.uid,
                gid: attributes.gid < 0 ? local.attributes.gid : attributes.gid)
            try await createFolders(PathText.directory(path), owner, place)
        }
        var wanted = FileAttributes()
        if !keepsAttributes {
            wanted.uid = attributes.uid < 0 ? local.attributes.uid : attributes.uid
            wanted.gid = attributes.gid < 0 ? local.attributes.gid : attributes.gid
            wanted.mode = attributes.mode < 0 ? local.attributes.mode : attributes.mode
        }
        try await send(reader, local, to: path, wanted, place)
    }

    private func send(
        _ reader: LocalReader, _ local: LocalFile, to path: String, _ attributes: FileAttributes, _ place: InstancePath
    ) async throws {
        let progress = session.renderer("Pushing \(reader.path) to \(path): %s")
        defer { progress.done() }
        // The length of what is no plain file is only known at its end.
        let length = local.kind == .file ? local.size : nil
        let body = UploadBody.stream(length: length) { sink in
            var meter = TransferMeter(total: length)
            while let piece = try reader.next() {
                try await sink(piece)
                if let text = meter.advance(by: piece.count) { progress.update(text) }
            }
        }
        try await place.server.createFile(path, of: place.instance, .file, attributes, body)
    }

    private func pushTrees(_ sources: [String], to target: String, _ place: InstancePath) async throws {
        guard attributes == FileAttributes() else { throw CommandFailure("Can't supply uid/gid/mode in recursive mode") }
        if createsFolders, let first = sources.first {
            try await createFolders(target, try LocalFile(first).attributes, place)
        }
        for source in sources {
            let name = source == "." ? "" : PathText.base(source)
            try await pushTree(source, to: PathText.join(target, name), place)
        }
    }

    private func pushTree(_ source: String, to path: String, _ place: InstancePath) async throws {
        let local: LocalFile
        do {
            local = try LocalFile(source, followsLinks: false)
        } catch {
            throw CommandFailure("Failed to walk path for \(source): \(FailureText.of(error))")
        }
        switch local.kind {
        case .directory:
            try await place.server.createFile(path, of: place.instance, .directory, local.attributes)
            for name in try FileManager.default.contentsOfDirectory(atPath: source).sorted() {
                try await pushTree(PathText.join(source, name), to: PathText.join(path, name), place)
            }
        case .symlink:
            let link = try FileManager.default.destinationOfSymbolicLink(atPath: source)
            try await place.server.createFile(
                path, of: place.instance, .symlink, local.attributes, .bytes(Array(link.utf8)))
        case .file:
            try await send(try LocalReader(source), local, to: path, local.attributes, place)
        case nil:
            throw CommandFailure("'\(source)' isn't a supported file type")
        }
    }

    /// Makes a folder in the instance and those above it, as far as they are missing.
    private func createFolders(_ path: String, _ attributes: FileAttributes, _ place: InstancePath) async throws {
        guard path != "/" else { return }
        let parts = path.split(separator: "/").map(String.init)
        var existing = parts.count
        while existing > 0 {
            let current = "/" + parts[..<existing].joined(separator: "/")
            // What cannot be looked at is taken for missing; making it tells the truth.
            if let file = try? await place.server.file(current, of: place.instance) {
                guard case .directory = file else { throw CommandFailure("\(current) is not a directory") }
                break
            }
            existing -= 1
        }
        for count in existing..<parts.count {
            let current = "/" + parts[...count].joined(separator: "/")
            try await place.server.createFile(current, of: place.instance, .directory, attributes)
        }
    }
}
