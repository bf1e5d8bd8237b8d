import LXDAPI
import LXDClient

struct Move: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Move instances within or in between LXD servers",
        usage: "[<remote>:]<instance>[/<snapshot>] [<remote>:][<instance>[/<snapshot>]]",
        discussion: """
            Move instances within or in between LXD servers

            Transfer modes (--mode):
             - pull: Target server pulls the data from the source server (source must listen on network)
             - push: Source server pushes the data to the target server (target must listen on network)
             - relay: The CLI connects to both source and server and proxies the data (both must be reachable from here)

            The pull transfer mode is the default as it is compatible with all LXD versions.
            """,
        aliases: ["mv"])
    static let argumentCount = 0...Int.max
    static let examples = """
        lxc move [<remote>:]<source instance> [<remote>:][<destination instance>] [--instance-only]
            Move an instance between two hosts, renaming it if destination name differs.

        lxc move <old name> <new name> [--instance-only]
            Rename a local instance.

        lxc move <instance>/<old snapshot name> <instance>/<new snapshot name>
            Rename a snapshot.
        """

    @Option(short: "c", help: "Config key/value to apply to the target instance")
    var config: [String] = []
    @Option(short: "d", help: "New key/value to apply to a specific device")
    var device: [String] = []
    @Option(short: "p", help: "Profile to apply to the target instance")
    var profile: [String] = []
    @Flag(help: "Unset all profiles on the target instance") var noProfiles = false
    @Flag(help: "Move the instance without its snapshots") var instanceOnly = false
    @Option(help: "Transfer mode. One of pull, push or relay.") var mode = "pull"
    @Flag(help: "Copy a stateful instance stateless") var stateless = false
    @Option(short: "s", help: "Storage pool name") var storage = ""
    @Option(help: "Cluster member name") var target = ""
    @Option(help: "Copy to a project different from the source") var targetProject = ""
    @Flag(help: "Ignore copy errors for volatile files") var allowInconsistent = false
    var arguments: [String] = []

    private var namesPlace: Bool { !target.isEmpty || !targetProject.isEmpty || !storage.isEmpty }

    func run(_ session: Session) async throws {
        guard (namesPlace ? 1...2 : 2...2).contains(arguments.count) else {
            throw ArgumentCountError()
        }
        let source = try session.parse(arguments[0])
        let destination =
            arguments.count > 1 ? try session.parse(arguments[1]) : RemoteName(remote: source.remote, name: "")
        let isLocal = source.remote == destination.remote
        if isLocal, !namesPlace {
            guard config.isEmpty, device.isEmpty, profile.isEmpty, !noProfiles else {
                throw CommandFailure("Can't override configuration or profiles in local rename")
            }
            return try await Rename.rename(source, to: destination, session)
        }
        if isLocal, try await moveOnServer(source, destination, session) { return }
        if !target.isEmpty, !isLocal {
            guard try await session.server(destination.remote).isClustered() else {
                throw CommandFailure("The destination LXD server is not clustered")
            }
        }
        try await copyAndDelete(source, session)
    }

    /// A server moves its own instances itself.
    ///
    /// - Returns: Whether this move is one of those.
    private func moveOnServer(_ source: RemoteName, _ destination: RemoteName, _ session: Session) async throws -> Bool {
        func refuse(_ flag: String, with other: String) -> CommandFailure {
            CommandFailure("The \(flag) flag can't be used with \(other)")
        }
        guard !source.name.isEmpty else { throw CommandFailure("You must specify a source instance name") }
        let name = destination.name.isEmpty ? source.name : destination.name
        var server = try session.server(source.remote)
        var request = InstancePost.with {
            $0.name = name
            $0.migration = true
            $0.live = !stateless
        }
        if !target.isEmpty {
            if instanceOnly { throw refuse("--instance-only", with: "--target") }
            if !storage.isEmpty { throw refuse("--storage", with: "--target") }
            if !targetProject.isEmpty { throw refuse("--target-project", with: "--target") }
            if mode != "pull" { throw refuse("--mode", with: "--target") }
            guard try await server.isClustered() else { throw CommandFailure("The source LXD server is not clustered") }
            server = server.using(target: target)
        } else {
            let flag = storage.isEmpty ? "--target-project" : "--storage"
            let needed = [storage.isEmpty ? "" : "instance_pool_move", targetProject.isEmpty ? "" : "instance_project_move"]
            for name in needed where !name.isEmpty {
                guard try await server.hasExtension(name) else { return false }
            }
            if mode != "pull" { throw refuse("--mode", with: flag) }
            request.instanceOnly = instanceOnly
            request.pool = storage
            request.project = targetProject
        }
        try await Self.migrate(source.name, request, server, session)
        // LXD 5.0.2 leaves the project out where a pool is named.
        if !request.pool.isEmpty, !request.project.isEmpty, server.project != request.project,
            try await !server.using(project: request.project).instanceNames().contains(name)
        {
            request.pool = ""
            try await Self.migrate(name, request, server, session)
        }
        return true
    }

    private static func migrate(_ name: String, _ request: InstancePost, _ server: ServerConnection, _ session: Session) async throws {
        let operation = try await addingContext("Migration API failure") {
            try await server.migrateInstance(name, request)
        }
        try await addingContext("Migration operation failure") {
            try await session.wait(operation, showing: session.renderer("Transferring instance: %s"))
        }
    }

    /// Anything else is a copy, and the source is deleted when that has worked.
    private func copyAndDelete(_ source: RemoteName, _ session: Session) async throws {
        var copy = InstanceCopy(session: session)
        copy.config = config
        copy.devices = device
        copy.profiles = noProfiles && profile.isEmpty ? [] : (profile.isEmpty ? nil : profile)
        copy.mode = mode.isEmpty ? "pull" : mode
        copy.instanceOnly = instanceOnly
        copy.stateful = !stateless
        copy.keepsVolatile = true
        copy.pool = storage
        copy.target = target
        copy.targetProject = targetProject
        copy.allowsInconsistent = allowInconsistent
        copy.isMove = true
        try await copy.run(from: arguments[0], to: arguments.count > 1 ? arguments[1] : arguments[0])
        try await addingContext("Failed to delete original instance after copying it") {
            let resource = Resource(server: try session.server(source.remote), reference: source)
            if let snapshot = source.snapshot {
                try await resource.server.deleteSnapshot(snapshot.name, of: snapshot.parent).wait()
            } else {
                let instance = try await resource.server.instance(source.name).value
                try await Delete.delete(resource, instance, force: true, overridingProtection: true)
            }
        }
    }
}

struct Rename: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename",
        abstract: "Rename instances and snapshots",
        usage: "[<remote>:]<instance>[/<snapshot>] <instance>[/<snapshot>]")
    static let argumentCount = 2...2
    static let examples = """
        lxc rename u1 u2
            Rename the instance "u1".

        lxc rename u2/snap0 u2/before
            Rename a snapshot.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let source = try session.parse(arguments[0])
        var destination = try session.parse(arguments[1])
        if source.remote != destination.remote {
            if arguments[1].contains(":") { throw CommandFailure("Can't specify a different remote for rename") }
            destination = RemoteName(remote: source.remote, name: destination.name)
        }
        try await Self.rename(source, to: destination, session)
    }

    static func rename(_ source: RemoteName, to destination: RemoteName, _ session: Session) async throws {
        let server = try session.server(source.remote)
        guard let snapshot = source.snapshot else {
            try await server.renameInstance(source.name, to: destination.name).wait()
            return
        }
        guard (destination.snapshot?.parent ?? destination.name) == snapshot.parent else {
            throw CommandFailure("Invalid new snapshot name, parent must be the same as source")
        }
        guard let new = destination.snapshot else { throw CommandFailure("Invalid new snapshot name") }
        try await server.renameSnapshot(snapshot.name, of: snapshot.parent, to: new.name).wait()
    }
}
