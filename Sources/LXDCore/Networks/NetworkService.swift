package import LXDAPI
package import LXDDatabase
import LXDLinux
import LXDNetlink
package import LXDNetwork
package import Logging
import Synchronization

/// Managed networks and, beside them, the host's own interfaces.
package final class NetworkService: Sendable {
    let store: Store
    let environment: NetworkEnvironment
    let warnings: WarningService
    private let announce: Announcer
    let logger: Logger
    let locks = KeyedLocks<String>()
    /// The bridges by the number of their row: all created networks, up or not.
    private let bridges = Mutex<[Int64: BridgeNetwork]>([:])
    let repairs = Mutex(NetworkRepairs())

    package init(
        store: Store, environment: NetworkEnvironment, warnings: WarningService, announce: Announcer, logger: Logger
    ) {
        self.store = store
        self.environment = environment
        self.warnings = warnings
        self.announce = announce
        self.logger = logger
    }

    // MARK: For the rest of the daemon

    /// The bridge that a NIC's `network` key names, seen from an instance's project.
    ///
    /// - Throws: `notFound` in LXD's words if there is none, `badRequest` if it is not usable.
    package func bridge(_ name: String, project: String) async throws -> BridgeNetwork {
        let row = try await store.read { tx in
            try tx.network(project: tx.effectiveProject(project, .networks), name: name)
        }
        guard let row else { throw LXDError.notFound("Network not found") }
        guard row.state == .created else { throw LXDError.badRequest("Specified network is not fully created") }
        return bridge(row)
    }

    /// Brings all networks up; one that cannot be leaves a warning and does not stop the others.
    package func start() async throws {
        for row in try await store.read({ try $0.networks() }) {
            if row.state == .pending {
                // The daemon died while it was made: nobody has used it.
                try await bridge(row).delete()
                _ = bridges.withLock { $0.removeValue(forKey: row.id) }
                try await store.write { try $0.deleteNetwork(id: row.id) }
                continue
            }
            let wasUp = await bridge(row).isUp
            if await bringUp(row), !wasUp { repairs.withLock { _ = $0.remade.insert(row.id) } }
        }
        repairs.withLock { $0.hasStarted = true }
    }

    /// Brings a network up; one that cannot be is said to be unavailable.
    ///
    /// - Returns: Whether it is up.
    @discardableResult
    func bringUp(_ row: NetworkRow) async -> Bool {
        do {
            do {
                try await bridge(row).start(hosts: try await hosts(of: row))
            } catch {
                logger.error("Failed to start a network", metadata: ["network": "\(row.name)", "err": "\(error)"])
                repairs.withLock { _ = $0.unavailable.insert(row.id) }
                try await warnings.raise(
                    .networkUnavailable, LXDError.from(error).message, project: row.project, entity: .network, id: row.id)
                return false
            }
            let wasDown = repairs.withLock { $0.unavailable.remove(row.id) != nil }
            if wasDown || repairs.withLock({ !$0.hasStarted }) { try await warnings.resolve(.networkUnavailable, entity: .network, id: row.id) }
            return true
        } catch {
            logger.error("Failed to keep a warning", metadata: ["network": "\(row.name)", "err": "\(error)"])
            return false
        }
    }

    /// The daemon ends; the networks stay up for the instances that run on.
    package func abandon() {
        for bridge in bridges.withLock({ Array($0.values) }) { bridge.abandon() }
    }

    /// The machine goes down: the networks too.
    package func stop() async {
        for bridge in bridges.withLock({ Array($0.values) }) {
            do {
                try await bridge.stop()
            } catch {
                logger.error("Failed to stop a network", metadata: ["network": "\(bridge.name)", "err": "\(error)"])
            }
        }
    }

    // MARK: The API

    package func list(project: String) async throws -> [Network] {
        let links = try await hostLinks()
        let files = KernelFiles()
        return try await store.read { tx in
            let owner = try tx.effectiveProject(project, .networks)
            let uses = try NetworkUses(tx)
            let rows = try tx.networks(project: owner)
            var networks = try rows.filter { try tx.allowsNetwork($0.name, isManaged: true, project: project) }
                .map { self.wire($0, uses) }
            // Whose project has networks of its own does not see the host's.
            if owner == "default" {
                let known = Set(rows.map(\.name))
                for link in links where !known.contains(link.name) && !link.name.hasPrefix("veth") {
                    guard try tx.allowsNetwork(link.name, isManaged: false, project: project) else { continue }
                    networks.append(HostInterfaces.wire(link, files, uses))
                }
            }
            return networks
        }
    }

    package func get(project: String, name: String) async throws -> Network {
        let link = try await hostLinks().first { $0.name == name }
        let files = KernelFiles()
        return try await store.read { tx in
            let owner = try tx.effectiveProject(project, .networks)
            let row = try tx.network(project: owner, name: name)
            try Self.requireVisible(name, isManaged: row != nil, project, tx)
            if let row { return try self.wire(row, NetworkUses(tx)) }
            guard owner == "default", let link, !name.hasPrefix("veth") else { throw LXDError.notFound("Network not found") }
            return try HostInterfaces.wire(link, files, NetworkUses(tx))
        }
    }

    /// - Returns: The path of the new network.
    package func create(
        project: String, _ request: NetworksPost, by requestor: EventLifecycleRequestor?
    ) async throws -> String {
        let owner = try await store.read { tx in
            guard try tx.allowsNetwork(request.name, isManaged: true, project: project) else {
                throw LXDError.forbidden("Network not allowed in project")
            }
            return try tx.effectiveProject(project, .networks)
        }
        let name = try NetworkName(request.name).rawValue
        try Self.requireBridge(request.type)
        guard owner == "default" else { throw LXDError.badRequest("Network type does not support non-default projects") }
        let given = request.config.filter { !$0.value.isEmpty }
        try BridgeValidation.validate(name, given)
        try BridgeValidation.requireSupported(given)
        let id = try await locks.with(name, .create) {
            guard try await store.read({ try $0.network(project: owner, name: name) }) == nil else {
                throw LXDError.conflict("The network already exists")
            }
            var draft = NetworkRow(project: owner, name: name)
            draft.description = request.description
            draft.config = try await BridgeDefaults.fill(given)
            try BridgeValidation.validate(name, draft.config)
            // Before anything is stored: a start after a crash deletes the links of networks that were not finished.
            try await BridgeNetwork.requireFree(name)
            let row = draft
            let id = try await store.write { try $0.insertNetwork(row) }
            var created = row
            created.id = id
            created.state = .created
            let bridge = bridge(created)
            do {
                try await bridge.start(hosts: [])
                let finished = created
                try await store.write { try $0.updateNetwork(finished) }
            } catch {
                _ = bridges.withLock { $0.removeValue(forKey: id) }
                try await store.write { try $0.deleteNetwork(id: id) }
                throw error
            }
            return id
        }
        logger.debug("Created network", metadata: ["network": "\(name)", "id": "\(id)"])
        let path = ResourcePath.of("networks", name, project: owner)
        announce(.networkCreated, path, project: owner, by: requestor)
        return path
    }

    package func update(
        project: String, name: String, by requestor: EventLifecycleRequestor?,
        precondition: @escaping @Sendable (Network) throws -> Void,
        _ change: @escaping @Sendable (Network) throws -> NetworkPut
    ) async throws {
        let owner = try await locks.with(name, .update) {
            var row = try await find(project, name)
            let current = wire(row, NetworkUses())
            try precondition(current)
            let put = try change(current)
            let given = put.config.filter { !$0.value.isEmpty }
            try BridgeValidation.validate(name, given)
            try BridgeValidation.requireSupported(given)
            row.config = try await BridgeDefaults.chooseSubnets(given)
            row.description = put.description
            let new = row
            try await bridge(row).update(to: row.config, hosts: try await hosts(of: row))
            try await store.write { try $0.updateNetwork(new) }
            return row.project
        }
        announce(.networkUpdated, ResourcePath.of("networks", name, project: owner), project: owner, by: requestor)
    }

    /// - Returns: The new path.
    package func rename(
        project: String, name: String, to newName: String, by requestor: EventLifecycleRequestor?
    ) async throws -> String {
        guard !newName.isEmpty else { throw LXDError.badRequest("New network name not provided") }
        let newName = try NetworkName(newName).rawValue
        let owner = try await locks.with(name, .rename) {
            var row = try await find(project, name)
            guard row.state == .created else {
                throw LXDError.badRequest("Cannot rename network when not in created state")
            }
            let (isUsed, isTaken) = try await store.read { [row] tx in
                (try !NetworkUses(tx).users(of: row).isEmpty, try tx.network(project: row.project, name: newName) != nil)
            }
            guard !isUsed else { throw LXDError.badRequest("Network is currently in use") }
            guard !isTaken else { throw LXDError.conflict("Network \"\(newName)\" already exists") }
            try await bridge(row).rename(to: newName, hosts: [])
            row.name = newName
            let renamed = row
            try await store.write { try $0.updateNetwork(renamed) }
            return row.project
        }
        let path = ResourcePath.of("networks", newName, project: owner)
        announce(.networkRenamed, path, project: owner, by: requestor, context: ["old_name": .string(name)])
        return path
    }

    package func delete(project: String, name: String, by requestor: EventLifecycleRequestor?) async throws {
        let owner = try await locks.with(name, .delete) {
            let row = try await find(project, name)
            guard try await store.read({ try NetworkUses($0).users(of: row).isEmpty }) else {
                throw LXDError.badRequest("The network is currently in use")
            }
            try await bridge(row).delete()
            try await store.write { tx in
                try tx.deleteWarnings(entityTypeCode: WarningEntity.network.rawValue, entityID: row.id)
                try tx.deleteNetwork(id: row.id)
            }
            _ = bridges.withLock { $0.removeValue(forKey: row.id) }
            repairs.withLock { _ = $0.unavailable.remove(row.id) }
            return row.project
        }
        announce(.networkDeleted, ResourcePath.of("networks", name, project: owner), project: owner, by: requestor)
    }

    package func state(project: String, name: String) async throws -> NetworkState {
        let row = try await store.read { tx in
            let owner = try tx.effectiveProject(project, .networks)
            let row = try tx.network(project: owner, name: name)
            try Self.requireVisible(name, isManaged: row != nil, project, tx)
            guard row != nil || owner == "default" else { throw LXDError.notFound("Network not found") }
            return row
        }
        let state = try await BlockingPool.shared.run { try HostInterfaces.state(of: name, KernelFiles()) }
        if let state { return state }
        if row != nil {
            return .with {
                $0.state = "down"
                $0.type = "broadcast"
            }
        }
        throw LXDError.notFound("Network interface \"\(name)\" not found")
    }

    package func leases(project: String, name: String) async throws -> [NetworkLease] {
        let row = try await find(project, name)
        let nics = try await store.read { tx in
            try NetworkUses.nics(of: row, tx).filter { $0.project == project }.map { nic in
                ConnectedNIC(
                    instance: nic.instance, location: "", hardwareAddress: nic.hardwareAddress, ipv4: nic.ipv4,
                    ipv6: nic.ipv6)
            }
        }
        return bridge(row).leases(nics: nics, isOwnProject: row.project == project, serverName: "none")
    }

    // MARK: Parts

    private func find(_ project: String, _ name: String) async throws -> NetworkRow {
        try await store.read { tx in
            guard let row = try tx.network(project: tx.effectiveProject(project, .networks), name: name) else {
                throw LXDError.notFound("Network not found")
            }
            try Self.requireVisible(name, isManaged: true, project, tx)
            return row
        }
    }

    /// A network that a restricted project may not use looks like one that is not there.
    private static func requireVisible(_ name: String, isManaged: Bool, _ project: String, _ tx: Transaction) throws {
        guard try tx.allowsNetwork(name, isManaged: isManaged, project: project) else {
            throw LXDError.notFound("Network not found")
        }
    }

    func bridge(_ row: NetworkRow) -> BridgeNetwork {
        bridges.withLock { bridges in
            if let bridge = bridges[row.id] { return bridge }
            let bridge = BridgeNetwork(name: row.name, id: row.id, config: row.config, environment: environment)
            bridges[row.id] = bridge
            return bridge
        }
    }

    private func hosts(of row: NetworkRow) async throws -> [StaticHost] {
        let network = bridge(row)
        return try await store.read { tx in try NetworkUses.nics(of: row, tx) }.compactMap { nic in
            guard let address = nic.hardwareAddress else { return nil }
            // What is reserved stays: filters that are in force let nothing else through.
            let kept = nic.isFiltered
                ? network.reservedAddresses(project: nic.project, instance: nic.instance, device: nic.device) : []
            return StaticHost(
                project: nic.project, instance: nic.instance, device: nic.device, hardwareAddress: address,
                ipv4: nic.ipv4 ?? kept.first(where: \.isIPv4), ipv6: nic.ipv6 ?? kept.first(where: \.isIPv6))
        }
    }

    private func hostLinks() async throws -> [Link] {
        try await BlockingPool.shared.run { try RouteSocket().links() }
    }

    private static func requireBridge(_ type: String) throws {
        guard type.isEmpty || type == "bridge" else {
            throw LXDError.badRequest(
                ["macvlan", "sriov", "ovn", "physical"].contains(type)
                    ? "Network type \"\(type)\" is not supported by this server" : "Unknown network type \"\(type)\"")
        }
    }

    private func wire(_ row: NetworkRow, _ uses: NetworkUses) -> Network {
        let isUnavailable = repairs.withLock { $0.unavailable.contains(row.id) }
        return .with {
            $0.name = row.name
            $0.description = row.description
            $0.type = row.type
            $0.managed = true
            $0.config = row.config
            $0.usedBy = uses.users(of: row)
            $0.status =
                switch row.state {
                case .pending: "Pending"
                case .created: isUnavailable ? "Unavailable" : "Created"
                case .errored: "Errored"
                }
            $0.locations = ["none"]
        }
    }
}
