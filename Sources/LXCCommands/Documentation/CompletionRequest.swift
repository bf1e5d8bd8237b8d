import LXDAPI
import LXDClient

/// One word that may come next.
struct CompletionCandidate: Equatable {
    let text: String
    var note = ""
}

/// What the words of an unfinished command line call for; pure, nothing is asked of a server.
struct CompletionRequest {
    /// What names of things on servers are wanted.
    enum Kind: Equatable {
        case instance, image, remote, profile, network, pool, project
        case snapshot(of: String)
    }

    /// The word to be completed; may be empty.
    let word: String
    /// Commands and flags that fit.
    private(set) var fixed: [CompletionCandidate] = []
    private(set) var kind: Kind?

    /// - Parameter words: The command line without the program's name; the last is the one to be completed.
    init(_ words: [String], root: any Command.Type) {
        word = words.last ?? ""
        var command = root
        var path = [root.name]
        var positionals: [String] = []
        var awaitsValueOf: String?
        var loaded: [FlagInfo]?
        for given in words.dropLast() {
            if awaitsValueOf != nil {
                awaitsValueOf = nil
            } else if given == "--" {
                return  // What follows is a command line of its own.
            } else if given.hasPrefix("-") {
                let flags = GlobalFlags.rows + (loaded ?? command.flags)
                loaded = loaded ?? []
                let flag = flags.first { given == "--\($0.long)" || (given.count == 2 && $0.short == given.last) }
                if let flag, flag.takesValue, flag.valueWhenBare == nil { awaitsValueOf = flag.long }
            } else if positionals.isEmpty, let child = command.configuration.subcommands.first(where: { $0.isNamed(given) }) {
                command = child
                path.append(child.name)
                loaded = nil
            } else {
                positionals.append(given)
            }
        }
        if let flag = awaitsValueOf {
            kind = Self.kind(ofFlag: flag)
        } else if word.hasPrefix("-") {
            fixed = (GlobalFlags.rows + command.flags).filter { !$0.isHidden }
                .map { CompletionCandidate(text: "--\($0.long)", note: $0.help) }
        } else if command.configuration.subcommands.isEmpty {
            kind = Self.kind(path: path, positionals)
            fixed = Self.words(path: path)
        } else {
            fixed = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }
                .sorted { $0.name < $1.name }
                .map { CompletionCandidate(text: $0.name, note: $0.configuration.abstract) }
        }
    }

    private static func kind(ofFlag flag: String) -> Kind? {
        switch flag {
        case "profile": .profile
        case "network": .network
        case "storage": .pool
        case "project", "target-project": .project
        default: nil
        }
    }

    private static func words(path: [String]) -> [CompletionCandidate] {
        switch path.last {
        case "completion": ["bash", "zsh", "fish"].map { CompletionCandidate(text: $0) }
        case "build" where path.contains("image"):
            ["debian/11", "debian/12", "debian/13"].map { CompletionCandidate(text: $0) }
        default: []
        }
    }

    private static func kind(path: [String], _ given: [String]) -> Kind? {
        let position = given.count
        let last = path[path.count - 1]
        guard path.count > 2 else {
            switch last {
            case "launch", "init": return position == 0 ? .image : nil
            case "list", "monitor", "version", "import": return position == 0 ? .remote : nil
            case "start", "stop", "restart", "pause", "delete": return .instance
            case "restore": return position == 0 ? .instance : position == 1 ? .snapshot(of: given[0]) : nil
            case "exec", "shell", "console", "info", "copy", "move", "rename", "snapshot", "publish", "export":
                return position == 0 ? .instance : nil
            default: return nil
            }
        }
        switch path[1] {
        case "config": return position == 0 && path[2] != "trust" ? .instance : nil
        case "file": return ["push"].contains(last) ? nil : position == 0 ? .instance : nil
        case "image" where path[2] == "alias": return position == 0 ? .remote : nil
        case "image": return ["import", "build", "list"].contains(last) ? nil : position == 0 ? .image : nil
        case "profile" where ["add", "remove", "assign"].contains(last) && path.count == 3:
            return position == 0 ? .instance : .profile
        case "profile": return position == 0 && last != "create" && last != "list" ? .profile : nil
        case "network": return position == 0 && last != "create" && last != "list" ? .network : position == 1 ? .instance : nil
        case "storage": return position == 0 && last != "create" && last != "list" ? .pool : nil
        case "project": return position == 0 && last != "create" && last != "list" ? .project : nil
        case "remote": return position == 0 && last != "add" ? .remote : nil
        default: return nil
        }
    }
}

/// Names that servers know.
struct CompletionNames {
    let session: Session

    func names(_ kind: CompletionRequest.Kind, _ word: String) async -> [CompletionCandidate] {
        let configuration = session.configuration
        let remotes = configuration.remotes.keys.sorted()
        if kind == .remote { return remotes.map { CompletionCandidate(text: "\($0):", note: configuration.remotes[$0]?.address ?? "") } }
        guard let named = try? session.parse(word) else { return [] }
        let prefix = word.contains(":") ? "\(named.remote):" : ""
        var candidates = ((try? await list(kind, named)) ?? []).map {
            CompletionCandidate(text: prefix + $0.text, note: $0.note)
        }
        if prefix.isEmpty, kind == .instance || kind == .image {
            candidates += remotes.filter { kind == .image || configuration.remotes[$0]?.isPublic == false }
                .map { CompletionCandidate(text: "\($0):") }
        }
        return candidates
    }

    private func list(_ kind: CompletionRequest.Kind, _ named: RemoteName) async throws -> [CompletionCandidate] {
        let server = try session.server(named.remote)
        func plain(_ names: [String]) -> [CompletionCandidate] { names.sorted().map { CompletionCandidate(text: $0) } }
        switch kind {
        case .instance:
            if let snapshot = named.snapshot {
                let names = try await server.snapshots(of: snapshot.parent).map { "\(snapshot.parent)/\($0.name)" }
                return plain(names)
            }
            return try await server.instances().map { CompletionCandidate(text: $0.name, note: $0.status) }
                .sorted { $0.text < $1.text }
        case .image:
            return try await server.images().flatMap { image -> [CompletionCandidate] in
                let note = image.properties["description"] ?? ""
                let names = image.aliases.map(\.name)
                return (names.isEmpty ? [String(image.fingerprint.prefix(12))] : names).map {
                    CompletionCandidate(text: $0, note: note)
                }
            }.sorted { $0.text < $1.text }
        case .profile: return plain(try await server.profileNames())
        case .network: return plain(try await server.networkNames())
        case .pool: return plain(try await server.storagePoolNames())
        case .project: return plain(try await server.projectNames())
        case .snapshot(let instance):
            let resource = try session.resource(instance)
            return plain(try await resource.server.snapshots(of: resource.name).map(\.name))
        case .remote: return []
        }
    }
}
