import LXDAPI
package import LXDDatabase
package import LXDDevices
import LXDNetlink
import LXDRuntimePlan

/// Drives the devices of instances: makes each from its configuration when something is to be done with it.
package struct DeviceHost: InstanceDevices, DeviceRules {
    private let store: Store
    private let paths: DaemonPaths
    private let environment: DeviceEnvironment
    private let engine: any ContainerEngine

    package init(store: Store, paths: DaemonPaths, environment: DeviceEnvironment, engine: any ContainerEngine) {
        self.store = store
        self.paths = paths
        self.environment = environment
        self.engine = engine
    }

    // MARK: Rules

    package func validate(_ name: String, _ config: [String: String], in context: DeviceRuleContext) throws {
        let surroundings = DeviceSurroundings(
            project: context.project, instance: context.instance, networks: context.networks.map(Self.network),
            pools: context.pools, isExpanded: context.isExpanded, siblings: context.siblings)
        do { try DeviceValidation.validate(name, config, in: surroundings) } catch is UnsupportedDevice {
            throw UnknownDeviceType(type: config["type"] ?? "")
        }
    }

    package func nicType(_ config: [String: String], networks: [NetworkRow]) -> String {
        DeviceFactory.nicType(config, networks: networks.map(Self.network))
    }

    private static func network(_ row: NetworkRow) -> ManagedNetwork {
        ManagedNetwork(name: row.name, type: row.type, config: row.config, isCreated: row.state == .created)
    }

    // MARK: Of one instance

    /// nil for a type that containers do not have: a profile may serve other kinds of instances too.
    private func device(
        _ name: String, _ config: [String: String], of instance: LoadedInstance
    ) async throws -> (any Device)? {
        let networks = try await store.read { tx in
            try tx.networks(project: tx.effectiveProject(instance.project, .networks)).map(Self.network)
        }
        return try device(name, config, of: instance, networks)
    }

    private func device(
        _ name: String, _ config: [String: String], of instance: LoadedInstance, _ networks: [ManagedNetwork]
    ) throws -> (any Device)? {
        let map = try StartPlan.idmap(instance)
        let root = { (isWanted: (IDMapEntry) -> Bool) in map.first { isWanted($0) && $0.namespaceID == 0 }?.hostID ?? 0 }
        let owner = DeviceOwner(
            project: instance.project, instance: instance.name, isPrivileged: instance.isPrivileged,
            devicesDirectory: paths.instanceDevices(instance.runtimeName), rootUID: root(\.isUID), rootGID: root(\.isGID))
        do {
            return try DeviceFactory.device(
                name, config, volatile: instance.row.config, owner: owner, networks: networks, environment: environment)
        } catch is UnsupportedDevice {
            return nil
        }
    }

    package func prepare(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> [String: String?] {
        try await device(name, config, of: instance)?.volatileBeforeStart ?? [:]
    }

    /// Refuses a NIC that would be taken for another on its bridge.
    private func checkConflicts(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws {
        guard config["type"] == "nic" else { return }
        try await store.read { tx in
            let networks = try tx.networks(project: tx.effectiveProject(instance.project, .networks)).map(Self.network)
            guard DeviceFactory.nicType(config, networks: networks) == "bridged" else { return }
            var others: [NeighbourNIC] = []
            for other in try Self.candidates(name, config, instance, tx) {
                for (device, settings) in other.expandedDevices where settings["type"] == "nic" {
                    others.append(Self.neighbour(device, settings, other))
                }
            }
            try NICConflicts.check(Self.neighbour(name, config, instance), against: others, networks: networks)
        }
    }

    /// Who could have a NIC's address or its instance's name: a few queries, however many instances there are.
    private static func candidates(
        _ name: String, _ config: [String: String], _ instance: LoadedInstance, _ tx: Transaction
    ) throws -> [LoadedInstance] {
        var ids = Set(try tx.instanceIDs(named: instance.name))
        let own = config["hwaddr"] ?? ""
        let address = MACAddress((own.isEmpty ? instance.row.config["volatile.\(name).hwaddr"] ?? "" : own).lowercased())
        if let address { ids.formUnion(try tx.instanceIDs(notedHardwareAddress: "\(address)")) }
        for setting in try tx.deviceSettings(keys: ["hwaddr", "ipv4.address", "ipv6.address"]) {
            let isSame =
                if setting.key == "hwaddr" {
                    address != nil && MACAddress(setting.value.lowercased()) == address
                } else {
                    IPAddress(setting.value) != nil && IPAddress(setting.value) == config[setting.key].flatMap { IPAddress($0) }
                }
            if isSame { ids.insert(setting.instanceID) }
        }
        return try ids.compactMap { try tx.instance(id: $0) }.map {
            try tx.loadInstance(InstanceKey(project: $0.project, name: $0.name))
        }
    }

    private static func neighbour(_ name: String, _ config: [String: String], _ instance: LoadedInstance) -> NeighbourNIC {
        NeighbourNIC(
            project: instance.project, instance: instance.name, device: name, config: config,
            notedAddress: instance.row.config["volatile.\(name).hwaddr"] ?? "")
    }

    package func start(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> DeviceParts {
        try await checkConflicts(name, config, of: instance)
        guard let start = try await device(name, config, of: instance)?.start() else { return DeviceParts() }
        return Self.parts(start)
    }

    private static func parts(_ start: DeviceStart) -> DeviceParts {
        var parts = DeviceParts()
        parts.mounts = start.mounts
        parts.interfaces = start.networkInterfaces
        parts.nodes = start.deviceNodes
        parts.volatile = start.volatile
        return parts
    }

    package func stop(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> [String: String?] {
        try await device(name, config, of: instance)?.stop() ?? [:]
    }

    package func joined(_ name: String, _ config: [String: String], _ instance: LoadedInstance) async throws {
        try await checkConflicts(name, config, of: instance)
        try await device(name, config, of: instance)?.add()
    }

    package func left(_ name: String, _ config: [String: String], _ instance: LoadedInstance) async throws {
        try await device(name, config, of: instance)?.remove()
    }

    package func attach(_ name: String, _ config: [String: String], to instance: LoadedInstance) async throws -> [String: String?] {
        guard let device = try await device(name, config, of: instance) else { return [:] }
        let target = try await engine.hotplugTarget(instance.runtimeName, idmap: StartPlan.idmap(instance))
        let start = try await device.start()
        do {
            try await device.attach(start, to: target)
        } catch {
            do { try await device.stop() } catch let cleanup {
                throw LXDError.internalError("\(LXDError.from(error).message); cleaning up failed too: \(cleanup)", cause: error)
            }
            throw error
        }
        return start.volatile
    }

    package func detach(_ name: String, _ config: [String: String], from instance: LoadedInstance) async throws -> [String: String?] {
        guard let device = try await device(name, config, of: instance) else { return [:] }
        try await device.detach(from: engine.hotplugTarget(instance.runtimeName, idmap: StartPlan.idmap(instance)))
        return try await device.stop()
    }

    package func update(
        _ name: String, from old: [String: String], to new: [String: String], of instance: LoadedInstance, isRunning: Bool
    ) async throws {
        guard let before = try await device(name, old, of: instance), let after = try await device(name, new, of: instance) else {
            return
        }
        try await checkConflicts(name, new, of: instance)
        try await after.update(from: before, isRunning: isRunning)
    }

    package func liveKeys(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws -> Set<String> {
        try await device(name, config, of: instance)?.updatableKeys ?? []
    }

    package func repair(_ name: String, _ config: [String: String], of instance: LoadedInstance) async throws {
        try await device(name, config, of: instance)?.repair()
    }

    package func renamed(_ instance: LoadedInstance, from old: InstanceKey) async throws {
        var row = instance.row
        row.name = old.name
        let before = instance.with(row: row)
        for (name, config) in instance.devicesInOrder where config["type"] == "nic" {
            try await left(name, config, before)
            try await joined(name, config, instance)
        }
    }
}
