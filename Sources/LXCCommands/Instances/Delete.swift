import LXDAPI
import LXDClient

struct Delete: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete instances and snapshots",
        usage: "[<remote>:]<instance>[/<snapshot>] [[<remote>:]<instance>[/<snapshot>]...]",
        aliases: ["rm"])
    static let argumentCount = 1...Int.max
    static let examples = """
        lxc delete u1/snap0
            Delete the snapshot "snap0" of "u1".

        lxc delete u1 --force
            Delete "u1", stopping it first if it runs.
        """

    @Flag(short: "f", help: "Force the removal of running instances") var force = false
    @Flag(short: "i", help: "Require user confirmation") var interactive = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resources = try arguments.map(session.resource)
        var known: [Instance?] = []
        // All are looked for before any is touched.
        for resource in resources { known.append(try await Self.find(resource)) }
        for (resource, instance) in zip(resources, known) {
            if interactive { try Self.confirm(resource.name) }
            if let snapshot = resource.reference.snapshot {
                try await resource.server.deleteSnapshot(snapshot.name, of: snapshot.parent).wait()
            } else if let instance {
                try await Self.delete(resource, instance, force: force)
            }
        }
    }

    /// The instance; nil for a snapshot.
    private static func find(_ resource: Resource) async throws -> Instance? {
        let kind = resource.reference.snapshot == nil ? "instance" : "instance snapshot"
        return try await addingContext("Failed checking \(kind) exists \"\(resource.remote):\(resource.name)\"") {
            guard let snapshot = resource.reference.snapshot else {
                return try await resource.server.instance(resource.name).value
            }
            _ = try await resource.server.snapshot(snapshot.name, of: snapshot.parent)
            return nil
        }
    }

    /// Deletes an instance, after stopping it if need be.
    ///
    /// - Parameter overridingProtection: Whether one that is protected against deletion is deleted too.
    static func delete(
        _ resource: Resource, _ instance: Instance, force: Bool, overridingProtection: Bool = false
    ) async throws {
        let (server, name) = (resource.server, resource.name)
        if instance.statusCode != .unset, instance.statusCode != .stopped {
            guard force else {
                throw CommandFailure("The instance is currently running, stop it first or pass --force")
            }
            let stop = try await server.changeInstanceState(
                name,
                .with {
                    $0.action = "stop"
                    $0.timeout = -1
                    $0.force = true
                })
            try await addingContext("Stopping the instance failed") { try await stop.wait() }
            if instance.ephemeral { return }
        }
        if overridingProtection, ["true", "1", "yes", "on"].contains(instance.expandedConfig["security.protection.delete"]) {
            let current = try await server.instance(name)
            var request = current.value.writable
            request.config["security.protection.delete"] = "false"
            try await server.updateInstance(name, request, etag: current.etag).wait()
        }
        try await server.deleteInstance(name).wait()
    }

    private static func confirm(_ name: String) throws {
        Standard.output("Remove \(name) (yes/no): ")
        guard Standard.readLine()?.lowercased() == "yes" else { throw CommandFailure("User aborted delete operation") }
    }
}
