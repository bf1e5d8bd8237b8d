import Glibc
import LXDAPI
import LXDClient

struct FilePull: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Pull files from instances",
        usage: "[<remote>:]<instance>/<path> [[<remote>:]<instance>/<path>...] <target path>")
    static let argumentCount = 2...Int.max
    static let examples = """
        lxc file pull foo/etc/hosts .
           To pull /etc/hosts from the instance and write it to the current directory.

        lxc file pull foo/etc/hosts -
           To show it.
        """

    @Flag(short: "p", help: "Create any directories necessary") var createDirs = false
    @Flag(short: "r", help: "Recursively transfer files") var recursive = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        var download = FileDownload(session: session)
        download.createsFolders = createDirs
        download.isRecursive = recursive
        try await download.run(Array(arguments.dropLast()), to: arguments[arguments.count - 1])
    }
}

/// Copies files of instances to this machine.
struct FileDownload {
    let session: Session
    var createsFolders = false
    var isRecursive = false

    func run(_ sources: [String], to targetArgument: String) async throws {
        let target = PathText.clean(targetArgument)
        var targetIsFolder = false
        if let existing = try? LocalFile(target) {
            targetIsFolder = existing.kind == .directory
            if !targetIsFolder, sources.count > 1 {
                throw CommandFailure("More than one file to download, but target is not a directory")
            }
        } else if targetArgument.hasSuffix("/") || sources.count > 1 {
            try LocalFolder.create(target)
            targetIsFolder = true
        } else if createsFolders {
            try LocalFolder.create(PathText.directory(target))
        }
        for source in sources {
            let path = try InstancePath(source, session, complaint: "Invalid source")
            targetIsFolder = try await pull(path, to: target, isFolder: targetIsFolder)
        }
    }

    /// - Returns: Whether the target is a folder now.
    private func pull(_ source: InstancePath, to target: String, isFolder: Bool) async throws -> Bool {
        let file = try await source.server.file(source.path, of: source.instance)
        let place = isFolder ? PathText.join(target, PathText.base(source.path)) : target
        switch file {
        case .directory:
            guard isRecursive else { throw CommandFailure("Can't pull a directory without --recursive") }
            if (try? LocalFile(target)) == nil { try LocalFolder.create(target) }
            try await pullTree(source, source.path, into: target)
            return true
        case .symlink(_, let link):
            guard place == "-" || isRecursive else {
                guard symlink(link.trimmingBlanks, place) == 0 else { throw LocalFailure.of("symlink", place) }
                return isFolder
            }
            try await pullTarget(of: link, source, to: place)
        case .file(let attributes, let content):
            try await save(content, attributes, source.path, to: place)
        }
        return isFolder
    }

    private func pullTarget(of link: String, _ source: InstancePath, to place: String) async throws {
        var link = link
        var path = source.path
        for _ in 0..<255 {
            let next = link.trimmingBlanks
            path = next.hasPrefix("/") ? next : PathText.join(PathText.directory(path), next)
            switch try await source.server.file(path, of: source.instance) {
            case .symlink(_, let further): link = further
            case .file(let attributes, let content): return try await save(content, attributes, path, to: place)
            case .directory: throw CommandFailure("Can't pull a directory without --recursive")
            }
        }
        throw CommandFailure("Too many links")
    }

    private func pullTree(_ source: InstancePath, _ path: String, into folder: String) async throws {
        let place = PathText.join(folder, PathText.base(path))
        switch try await source.server.file(path, of: source.instance) {
        case .directory(let attributes, let entries):
            guard mkdir(place, mode_t(attributes.mode < 0 ? 0o755 : attributes.mode)) == 0 else {
                throw LocalFailure.of("mkdir", place)
            }
            for entry in entries {
                // A name from the server stays a name: it must not lead out of the folder.
                guard !entry.isEmpty, !entry.contains("/"), entry != ".", entry != ".." else {
                    throw CommandFailure("The server sent an invalid file name \(entry.goQuoted)")
                }
                try await pullTree(source, path + "/" + entry, into: place)
            }
        case .symlink(_, let link):
            guard symlink(link.trimmingBlanks, place) == 0 else { throw LocalFailure.of("symlink", place) }
        case .file(let attributes, let content):
            try await save(content, attributes, path, to: place)
        }
    }

    private func save(
        _ content: Download, _ attributes: FileAttributes, _ path: String, to place: String
    ) async throws {
        if place == "-" {
            while let piece = try await content.next() {
                piece.withUnsafeBytes { Standard.write($0, to: Standard.outputDescriptor) }
            }
            return
        }
        let progress = session.renderer("Pulling \(place) from \(path): %s")
        defer { progress.done() }
        let writer = try LocalWriter(place, mode: attributes.mode)
        var meter = TransferMeter(total: nil)
        while let piece = try await content.next() {
            try writer.write(piece)
            if let text = meter.advance(by: piece.count) { progress.update(text) }
        }
        try writer.close()
    }
}
