import LXDAPI
import LXDConfig
package import LXDDatabase
package import LXDDevices
package import LXDNetlink
package import LXDNetwork
import LXDStorage
package import Logging

/// The managed networks, for devices.
package struct ManagedNetworks: NetworkProvider {
    private let networks: NetworkService
    private let firewall: Firewall
    private let logger: Logger

    package init(networks: NetworkService, firewall: Firewall, logger: Logger) {
        self.networks = networks
        self.firewall = firewall
        self.logger = logger
    }

    package func isAvailable(_ network: String) async -> Bool {
        do { return try await networks.ensureAvailable(network, project: "default") } catch {
            logger.debug("Network not available", metadata: ["network": "\(network)", "error": "\(error)"])
            return false
        }
    }

    /// nil if there is none: what is to be taken down may have lost its network.
    private func bridge(_ network: String, project: String) async -> BridgeNetwork? {
        do { return try await networks.bridge(network, project: project) } catch {
            logger.debug("Network not found", metadata: ["network": "\(network)", "error": "\(error)"])
            return nil
        }
    }

    package func setHost(_ host: NICAddress, of owner: DeviceOwner, on network: String) async throws {
        try await networks.bridge(network, project: owner.project).setStaticHost(
            StaticHost(
                project: owner.project, instance: owner.instance, device: host.device, hardwareAddress: host.hardwareAddress,
                ipv4: host.ipv4, ipv6: host.ipv6))
    }

    package func reserveHost(
        _ host: NICAddress, of owner: DeviceOwner, on network: String, wantsIPv4: Bool, wantsIPv6: Bool
    ) async throws -> NICAddress {
        let entry = StaticHost(
            project: owner.project, instance: owner.instance, device: host.device, hardwareAddress: host.hardwareAddress,
            ipv4: host.ipv4, ipv6: host.ipv6)
        let written = try await networks.bridge(network, project: owner.project)
            .reserve(entry, wantsIPv4: wantsIPv4, wantsIPv6: wantsIPv6)
        return NICAddress(
            device: host.device, hardwareAddress: host.hardwareAddress, ipv4: written.ipv4, ipv6: written.ipv6)
    }

    package func hasHost(device: String, of owner: DeviceOwner, on network: String) async -> Bool {
        await bridge(network, project: owner.project)?
            .hasStaticHost(project: owner.project, instance: owner.instance, device: device) ?? false
    }

    package func removeHost(device: String, of owner: DeviceOwner, hardwareAddress: MACAddress?, on network: String) async {
        await bridge(network, project: owner.project)?
            .removeStaticHost(
                project: owner.project, instance: owner.instance, device: device, hardwareAddress: hardwareAddress)
    }

    package func releaseIPv6Leases(of hardwareAddress: MACAddress, owner: DeviceOwner, on network: String) async {
        await bridge(network, project: owner.project)?
            .releaseLeases(of: hardwareAddress, instance: owner.instance, ipv6Only: true)
    }

    package func applyFilter(_ filter: NICFilter, device: String, of owner: DeviceOwner) async throws {
        let plan = PortFilterPlan(
            link: filter.link, hardwareAddress: filter.hardwareAddress, ipv4: filter.ipv4, ipv6: filter.ipv6)
        try await firewall.apply(plan, label: Self.label(device, owner))
    }

    package func removeFilter(device: String, of owner: DeviceOwner) async throws {
        try await firewall.removeFilter(label: Self.label(device, owner))
    }

    private static func label(_ device: String, _ owner: DeviceOwner) -> String {
        InstanceKey(project: owner.project, name: owner.instance).runtimeName + "." + device
    }
}

/// The custom volumes, for disk devices.
package struct CustomVolumes: StorageProvider {
    private let store: Store
    private let pools: any InstancePools

    package init(store: Store, pools: any InstancePools) {
        self.store = store
        self.pools = pools
    }

    package func mountVolume(
        pool: String, volume: String, owner: DeviceOwner
    ) async throws -> (path: String, isShifted: Bool) {
        let row = try await store.read { tx in
            let project = try tx.effectiveProject(owner.project, .storageVolumes)
            return try tx.storageVolume(pool: pool, project: project, kind: .custom, name: volume)
        }
        guard let row else { throw LXDError.notFound("Storage volume not found") }
        guard row.contentType != "block" else { throw LXDError.badRequest("Custom block volumes cannot be used on containers") }
        let driver = try await pools.driver(pool)
        let onDisk = try Volume.custom(row.project + "_" + row.name)
        // Unmapped: ids stay what they are on the disk, and mean what they mean on the host.
        return (driver.mountPath(onDisk), !ConfigBool.isTrue(row.config["security.unmapped"]))
    }

    package func unmountVolume(pool: String, volume: String, owner: DeviceOwner) async throws {}

    package func sourceLimit(_ source: String, owner: DeviceOwner) async throws -> String? {
        try await store.read { try $0.diskPathLimit(project: owner.project, source: source) }
    }
}
