import LXDAPI
import LXDClient

struct Snapshot: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Create instance snapshots",
        usage: "[<remote>:]<instance> [<snapshot name>]",
        discussion: """
            Create instance snapshots

            With --stateful, LXD tries to keep the running state too: memory, open connections and all.
            """)
    static let argumentCount = 1...2
    static let examples = """
        lxc snapshot u1 snap0
            Create a snapshot of "u1" called "snap0".
        """

    @Flag(help: "Whether or not to snapshot the instance's running state") var stateful = false
    @Flag(help: "Ignore any configured auto-expiry for the instance") var noExpiry = false
    @Flag(help: "If the snapshot name already exists, delete and create a new one") var reuse = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        var instance = resource.name
        var name = arguments.count > 1 ? arguments[1] : ""
        if let named = resource.reference.snapshot {
            guard name.isEmpty else { throw CommandFailure("Invalid instance name: \(instance)") }
            (instance, name) = (named.parent, named.name)
        }
        let server = resource.server
        if reuse, !name.isEmpty, (try? await server.snapshot(name, of: instance)) != nil {
            try await server.deleteSnapshot(name, of: instance).wait()
        }
        let request = InstanceSnapshotsPost.with {
            $0.name = name
            $0.stateful = stateful
            if noExpiry { $0.expiresAt = .zero }
        }
        try await server.createSnapshot(request, of: instance).wait()
    }
}

struct Restore: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restore instances from snapshots",
        usage: "[<remote>:]<instance> <snapshot>",
        discussion: """
            Restore instances from snapshots

            With --stateful, the running state is restored too.
            """)
    static let argumentCount = 2...2
    static let examples = """
        lxc snapshot u1 snap0
            Create the snapshot.

        lxc restore u1 snap0
            Restore the snapshot.
        """

    @Flag(help: "Whether or not to restore the instance's running state from snapshot (if available)") var stateful = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments[0])
        let snapshot = arguments[1].contains("/") ? arguments[1] : "\(resource.name)/\(arguments[1])"
        let request = InstancePut.with {
            $0.restore = snapshot
            $0.stateful = stateful
        }
        try await resource.server.updateInstance(resource.name, request).wait()
    }
}
