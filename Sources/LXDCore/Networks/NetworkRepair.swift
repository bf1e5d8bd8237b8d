import LXDAPI
import LXDDatabase
import LXDLinux
import LXDNetlink
import LXDNetwork
import Logging
import Synchronization

/// What is known of networks that others may have damaged.
struct NetworkRepairs {
    /// Rows of networks that could not be brought up.
    var unavailable: Set<Int64> = []
    /// Rows of networks whose bridge had to be made when the daemon started.
    var remade: Set<Int64> = []
    /// All networks were tried once.
    var hasStarted = false
    /// Tells when it is worth looking; nil where the kernel gives no such socket.
    var links = try? ChangeWatch(.links)
    var firewall = try? ChangeWatch(.firewall)
    /// The versions at the last look.
    var seen: (links: UInt64, firewall: UInt64) = (0, 0)
    /// When the unavailable ones are tried again.
    var nextAttempt = ContinuousClock.now
}

extension NetworkService {
    /// Heals what was taken away behind our back: a deleted bridge, or rules of the firewall. Costs two system calls
    /// when nothing has changed.
    ///
    /// dnsmasq has its own watch.
    /// - Returns: Instances with NICs on bridges that were made anew; their links hang in the air.
    package func repair() async -> Set<InstanceKey> {
        let (links, firewall, isRetryDue, remade) = repairs.withLock { repairs in
            let now = (links: repairs.links?.version ?? 0, firewall: repairs.firewall?.version ?? 0)
            defer { (repairs.seen, repairs.remade) = (now, []) }
            let isRetryDue = !repairs.unavailable.isEmpty && ContinuousClock.now >= repairs.nextAttempt
            if isRetryDue { repairs.nextAttempt = .now + .seconds(60) }
            return (now.links != repairs.seen.links, now.firewall != repairs.seen.firewall, isRetryDue, repairs.remade)
        }
        var touched: Set<InstanceKey> = []
        do {
            if links || isRetryDue { touched = try await repairLinks(isRetryDue: isRetryDue) }
            if !remade.isEmpty {
                for row in try await store.read({ try $0.networks() }) where remade.contains(row.id) {
                    touched.formUnion(try await users(of: row))
                }
            }
            if firewall {
                for name in try await environment.firewall.repair() {
                    logger.warning("Firewall rules were gone and are back", metadata: ["owner": "\(name)"])
                }
            }
        } catch {
            logger.error("Failed to repair networks", metadata: ["err": "\(error)"])
        }
        return touched
    }

    private func repairLinks(isRetryDue: Bool) async throws -> Set<InstanceKey> {
        let present = try await BlockingPool.shared.run {
            Set(try RouteSocket().links().map(\.name))
        }
        var touched: Set<InstanceKey> = []
        for row in try await store.read({ try $0.networks() }) where row.state == .created && !present.contains(row.name) {
            if repairs.withLock({ $0.unavailable.contains(row.id) }) && !isRetryDue { continue }
            if try await restore(row) { touched.formUnion(try await users(of: row)) }
        }
        return touched
    }

    /// - Returns: Whether the network was down and is up again.
    private func restore(_ row: NetworkRow) async throws -> Bool {
        try await locks.with(row.name, .start) {
            // Somebody may have deleted or changed it while this waited.
            let now = try await store.read { try $0.network(project: row.project, name: row.name) }
            guard let now, now.id == row.id, now.state == .created, await !bridge(now).isUp else { return false }
            logger.warning("A network's bridge is gone, making it again", metadata: ["network": "\(row.name)"])
            return await bringUp(now)
        }
    }

    /// Makes a network usable if it is not: for a NIC that needs it now.
    package func ensureAvailable(_ name: String, project: String) async throws -> Bool {
        let bridge = try await bridge(name, project: project)
        if await bridge.isUp { return true }
        let row = try await store.read { try $0.network(project: $0.effectiveProject(project, .networks), name: name) }
        guard let row else { return false }
        return try await restore(row)
    }

    private func users(of row: NetworkRow) async throws -> Set<InstanceKey> {
        try await store.read { tx in
            Set(try NetworkUses.nics(of: row, tx).map { InstanceKey(project: $0.project, name: $0.instance) })
        }
    }
}

extension InstanceLifecycle {
    /// Puts right what others took away from the network devices of running instances.
    package func repairNetworkDevices(of keys: Set<InstanceKey>) async {
        for key in keys where await isRunning(key) {
            do {
                let instance = try await environment.load(key)
                for device in instance.devicesInOrder where device.config["type"] == "nic" {
                    try await devices.repair(device.name, device.config, of: instance)
                }
            } catch {
                environment.logger.error("Failed to repair network devices", metadata: ["instance": "\(key)", "error": "\(error)"])
            }
        }
    }
}
