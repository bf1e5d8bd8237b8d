import LXDAPI
import LXDClient
import LXDConfig

/// Makes an instance from another one or from a snapshot, here or on another server.
struct InstanceCopy {
    let session: Session
    var config: [String] = []
    var devices: [String] = []
    /// nil keeps those of the source.
    var profiles: [String]?
    /// nil keeps what the source is.
    var ephemeral: Bool?
    var mode = "pull"
    var instanceOnly = false
    var stateful = false
    var keepsVolatile = false
    var pool = ""
    var target = ""
    var targetProject = ""
    var refreshes = false
    var allowsInconsistent = false
    /// Whether a source that runs is started at its new place: what a move does.
    var isMove = false

    func run(from sourceArgument: String, to destinationArgument: String) async throws {
        let source = try session.parse(sourceArgument)
        let destination = try session.parse(destinationArgument)
        guard !source.name.isEmpty else { throw CommandFailure("You must specify a source instance name") }
        if destination.name.isEmpty, !target.isEmpty {
            throw CommandFailure("You must specify a destination instance name when using --target")
        }
        let name = destination.name.isEmpty && !destinationArgument.isEmpty ? source.name : destination.name
        let from = try session.server(source.remote)
        var to = try session.server(destination.remote)
        if !targetProject.isEmpty { to = to.using(project: targetProject) }
        if !target.isEmpty {
            guard try await to.isClustered() else {
                throw CommandFailure("To use --target, the destination remote must be a cluster")
            }
            to = to.using(target: target)
        }
        let ended: Operation
        var restarts = false
        var refreshed: InstancePut?
        if let snapshot = source.snapshot {
            ended = try await copySnapshot(snapshot, from, to, name: name)
        } else {
            let instance = try await from.instance(source.name).value
            restarts = isMove && !stateful && instance.statusCode == .running
            // It would lose its processes without a word: only those of a running instance can go along.
            if isMove, stateful, instance.statusCode == .frozen {
                throw CommandFailure("Instance is frozen; unfreeze it first, or move it with --stateless")
            }
            if isMove, stateful, instance.stateful, instance.statusCode == .stopped, !from.isSameServer(as: to) {
                throw CommandFailure(
                    "The state that a stateful stop has kept can't go to another server; start the instance first, or move it with --stateless")
            }
            if isMove, stateful, !instanceOnly, !from.isSameServer(as: to) {
                let held = try await from.snapshots(of: instance.name).filter(\.stateful).map(\.name)
                guard held.isEmpty else {
                    throw CommandFailure(
                        "The state that snapshots hold can't go to another server (\(held.joined(separator: ", "))); delete them, or move the instance with --stateless, which leaves that state behind")
                }
            }
            let writable = try adjusted(instance.writable)
            refreshed = writable
            ended = try await copyInstance(instance, writable, from, to, name: name)
        }
        if refreshes, let refreshed { try await refresh(refreshed, to, name) }
        if destinationArgument.isEmpty, targetProject.isEmpty {
            guard let paths = ended.resources["instances"] ?? ended.resources["containers"], paths.count == 1 else {
                throw CommandFailure("Failed to get the new instance name")
            }
            let given = paths[0].prefix { $0 != "?" }.split(separator: "/").last.map(String.init) ?? ""
            Standard.output("Instance name is: \(given)\n")
        }
        if restarts { try await to.changeInstanceState(name, .with { $0.action = "start" }).wait() }
    }

    /// The configuration of the source with what was asked for changed.
    private func adjusted(_ original: InstancePut) throws -> InstancePut {
        var put = original
        if let profiles { put.profiles = profiles }
        for entry in config {
            guard let (key, value) = entry.split(once: "=") else { throw CommandFailure("Bad key=value pair: \(entry)") }
            put.config[key] = value
        }
        for (device, values) in try DeviceOverrides.parse(devices) {
            put.devices[device, default: [:]].merge(values) { _, new in new }
        }
        if let ephemeral { put.ephemeral = ephemeral }
        if !pool.isEmpty {
            let root = put.devices.first { $0.value["type"] == "disk" && $0.value["path"] == "/" && $0.value["pool"] != nil }
            if let root {
                put.devices[root.key]?["pool"] = pool
            } else {
                put.devices["root"] = ["type": "disk", "path": "/", "pool": pool]
            }
        }
        put.config["volatile.last_state.power"] = nil
        if !keepsVolatile {
            put.config = put.config.filter { InstanceKeys.isCopied($0.key, isRemote: true) }
        }
        return put
    }

    private func request(_ writable: InstancePut, name: String, type: String, live: Bool) -> InstancesPost {
        .with {
            $0.writable = writable
            $0.name = name
            $0.type = type == "virtual-machine" ? .virtualMachine : .container
            $0.source.baseImage = writable.config["volatile.base_image"] ?? ""
            $0.source.live = live
            $0.source.allowInconsistent = allowsInconsistent
        }
    }

    private func copyInstance(
        _ instance: Instance, _ writable: InstancePut, _ from: ServerConnection, _ to: ServerConnection, name: String
    ) async throws -> Operation {
        let live = stateful && instance.statusCode == .running
        var request = request(writable, name: name, type: instance.type, live: live)
        if name.isEmpty, !from.isSameServer(as: to) { request.name = instance.name }
        request.source.instanceOnly = instanceOnly
        request.source.containerOnly = instanceOnly
        request.source.refresh = refreshes
        if from.isSameServer(as: to) {
            return try await copyLocally(request, from, to, instance.name)
        }
        let migration = InstancePost.with {
            $0.migration = true
            $0.live = live
            $0.instanceOnly = instanceOnly
            $0.containerOnly = instanceOnly
            $0.allowInconsistent = allowsInconsistent
        }
        return try await transfer(request, from, to) { target in
            try await from.migrateInstance(
                instance.name,
                .with {
                    $0 = migration
                    $0.target = target
                })
        }
    }

    private func copySnapshot(
        _ snapshot: (parent: String, name: String), _ from: ServerConnection, _ to: ServerConnection, name: String
    ) async throws -> Operation {
        if instanceOnly { throw CommandFailure("--instance-only can't be passed when the source is a snapshot") }
        if refreshes { throw CommandFailure("--refresh can only be used with instances") }
        let found = try await from.snapshot(snapshot.name, of: snapshot.parent).value
        let writable = try adjusted(
            .with {
                $0.architecture = found.architecture
                $0.config = found.config
                $0.devices = found.devices
                $0.ephemeral = found.ephemeral
                $0.profiles = found.profiles
                $0.stateful = found.stateful
            })
        var request = request(writable, name: name, type: "container", live: stateful && found.stateful)
        request.stateful = found.stateful && stateful
        if from.isSameServer(as: to) {
            return try await copyLocally(request, from, to, "\(snapshot.parent)/\(snapshot.name)")
        }
        request.type = try await from.instance(snapshot.parent).value.type == "virtual-machine" ? .virtualMachine : .container
        let live = request.source.live
        return try await transfer(request, from, to) { target in
            try await from.migrateSnapshot(
                snapshot.name, of: snapshot.parent,
                .with {
                    $0.migration = true
                    $0.live = live
                    $0.name = name
                    $0.target = target
                })
        }
    }

    private func transfer(
        _ request: InstancesPost, _ from: ServerConnection, _ to: ServerConnection,
        send: @Sendable (InstancePostTarget?) async throws -> ServerOperation
    ) async throws -> Operation {
        let transfer = ServerTransfer(
            session: session, mode: mode, from: from, to: to, progressText: "Transferring instance: %s",
            pullFailure: "Failed instance creation", pushFailure: "Failed instance migration")
        return try await transfer.run { source in
            try await to.createInstance(
                InstancesPost.with {
                    $0 = request
                    $0.source.type = "migration"
                    $0.source.mode = source.mode
                    $0.source.operation = source.operation
                    $0.source.secrets = source.secrets
                    $0.source.certificate = source.certificate
                })
        } send: { target in
            try await send(
                target.map { target in
                    .with {
                        $0.operation = target.operation
                        $0.secrets = target.secrets
                        $0.certificate = target.certificate
                    }
                })
        }
    }

    private func copyLocally(
        _ request: InstancesPost, _ from: ServerConnection, _ to: ServerConnection, _ source: String
    ) async throws -> Operation {
        var request = request
        request.source.type = "copy"
        request.source.source = source
        if from.project != to.project { request.source.project = from.project.isEmpty ? "default" : from.project }
        return try await session.wait(
            try await to.createInstance(request), showing: session.renderer("Transferring instance: %s"))
    }

    private func refresh(_ writable: InstancePut, _ to: ServerConnection, _ name: String) async throws {
        let current: Versioned<Instance>
        do {
            current = try await to.instance(name)
        } catch {
            throw CommandFailure("Failed to refresh target instance '\(name)': \(FailureText.of(error))")
        }
        var writable = writable
        // The id map that the target gave itself stays.
        writable.config["volatile.idmap.next"] = current.value.config["volatile.idmap.next"] ?? ""
        try await session.wait(
            try await to.updateInstance(name, writable, etag: current.etag),
            showing: session.renderer("Refreshing instance: %s"))
    }
}
