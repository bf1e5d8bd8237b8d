package import LXDNetlink
package import LXDRuntimePlan

/// One device of one instance.
///
/// A device is made from its expanded configuration and its volatile keys whenever something is to be done with it; it
/// holds no state of its own. `start` makes what the container will be given; `stop` undoes it, may be called twice and
/// without a start, and is what recovery after a crash calls.
package protocol Device: Sendable {
    var name: String { get }

    /// Keys that may change without taking the device out and putting it in again.
    var updatableKeys: Set<String> { get }

    /// The device became part of the instance, running or not, or its start needs what this arranges.
    func add() async throws

    /// Volatile keys to be stored before `start` is called, so that after a crash `stop` knows what it may find.
    var volatileBeforeStart: [String: String?] { get }

    /// Checks the host as it is now and makes what the container will be given. A failure leaves nothing behind.
    func start() async throws -> DeviceStart

    /// Undoes a start once the container is down, or the device taken out of it.
    /// - Returns: Volatile keys to set, or to remove (nil).
    @discardableResult
    func stop() async throws -> [String: String?]

    /// Takes the device out of a running container; `stop` follows.
    func detach(from target: any HotplugTarget) async throws

    /// Applies changes of updatable keys.
    /// - Parameter old: The device before.
    func update(from old: any Device, isRunning: Bool) async throws

    /// The device leaves the instance, or the instance is deleted.
    func remove() async throws

    /// Puts right on the host what others took away from a device of a running container.
    func repair() async throws
}

/// What a device adds to a container.
package struct DeviceStart: Sendable {
    package var mounts: [MountEntry] = []
    package var networkInterfaces: [NetworkInterfaceEntry] = []
    package var deviceNodes: [DeviceNode] = []
    /// Whole keys (`volatile.eth0.host_name`); nil removes one.
    package var volatile: [String: String?] = [:]

    package init() {}
}

/// A running container that devices come into and leave.
package protocol HotplugTarget: Sendable {
    /// Its init, in our pid namespace.
    var initPID: Int32 { get }
    func mount(_ entry: MountEntry) async throws
    /// - Parameter target: Path inside, relative to the root. One that is not mounted is no error.
    func unmount(_ target: String) async throws
    /// Shows a node and lets the container use it.
    func add(_ node: DeviceNode) async throws
    func remove(_ node: DeviceNode) async throws
}

/// Whose device it is.
package struct DeviceOwner: Sendable, Hashable {
    package var project: String
    package var instance: String
    package var isPrivileged: Bool
    /// `$LXD_DIR/devices/RUNTIMENAME`.
    package var devicesDirectory: String
    /// The container's root on the host, for what shall belong to it: ids of its uid and gid 0.
    package var rootUID: UInt32
    package var rootGID: UInt32

    package init(
        project: String, instance: String, isPrivileged: Bool, devicesDirectory: String, rootUID: UInt32 = 0,
        rootGID: UInt32 = 0
    ) {
        self.project = project
        self.instance = instance
        self.isPrivileged = isPrivileged
        self.devicesDirectory = devicesDirectory
        self.rootUID = rootUID
        self.rootGID = rootGID
    }
}

/// A managed network as devices see it.
package struct ManagedNetwork: Sendable, Hashable {
    package var name: String
    /// `bridge`, `macvlan`, `physical`…
    package var type: String
    package var config: [String: String]
    package var isCreated: Bool

    package init(name: String, type: String, config: [String: String], isCreated: Bool = true) {
        self.name = name
        self.type = type
        self.config = config
        self.isCreated = isCreated
    }
}

/// What NICs need of managed networks; LXDCore supplies it.
package protocol NetworkProvider: Sendable {
    /// Whether the network is up on this host.
    func isAvailable(_ network: String) async -> Bool
    /// Tells DHCP and DNS about a NIC.
    func setHost(_ host: NICAddress, of owner: DeviceOwner, on network: String) async throws
    /// The same, and gives the NIC addresses of its own where it wants some and names none.
    func reserveHost(
        _ host: NICAddress, of owner: DeviceOwner, on network: String, wantsIPv4: Bool, wantsIPv6: Bool
    ) async throws -> NICAddress
    func hasHost(device: String, of owner: DeviceOwner, on network: String) async -> Bool
    /// Forgets a NIC; its leases too when an address is given.
    func removeHost(device: String, of owner: DeviceOwner, hardwareAddress: MACAddress?, on network: String) async
    /// Gives IPv6 leases back, since a new address would otherwise come beside the old.
    func releaseIPv6Leases(of hardwareAddress: MACAddress, owner: DeviceOwner, on network: String) async
    /// Lets a NIC send as itself only.
    func applyFilter(_ filter: NICFilter, device: String, of owner: DeviceOwner) async throws
    func removeFilter(device: String, of owner: DeviceOwner) async throws
}

/// A NIC's addresses on a managed network.
package struct NICAddress: Sendable, Hashable {
    package var device: String
    package var hardwareAddress: MACAddress
    package var ipv4: IPAddress?
    package var ipv6: IPAddress?

    package init(device: String, hardwareAddress: MACAddress, ipv4: IPAddress? = nil, ipv6: IPAddress? = nil) {
        self.device = device
        self.hardwareAddress = hardwareAddress
        self.ipv4 = ipv4
        self.ipv6 = ipv6
    }
}

/// What a NIC may send.
package struct NICFilter: Sendable, Hashable {
    /// The host's end.
    package var link: String
    package var hardwareAddress: MACAddress
    /// nil lets all through, empty none.
    package var ipv4: [IPPrefix]?
    package var ipv6: [IPPrefix]?

    package init(link: String, hardwareAddress: MACAddress, ipv4: [IPPrefix]?, ipv6: [IPPrefix]?) {
        self.link = link
        self.hardwareAddress = hardwareAddress
        self.ipv4 = ipv4
        self.ipv6 = ipv6
    }
}

/// What disks need of storage pools; LXDCore supplies it.
package protocol StorageProvider: Sendable {
    /// Makes a custom file system volume usable.
    /// - Returns: Its path on the host, and whether it is shown with every container's own ids.
    func mountVolume(pool: String, volume: String, owner: DeviceOwner) async throws -> (path: String, isShifted: Bool)
    /// Ends what `mountVolume` began; may be called without it.
    func unmountVolume(pool: String, volume: String, owner: DeviceOwner) async throws
    /// The folder of the host that a disk's source must not leave, however its path resolves; nil for any.
    /// - Throws: For a source that the owner's project does not allow.
    func sourceLimit(_ source: String, owner: DeviceOwner) async throws -> String?
}

/// All that devices are made with.
package struct DeviceEnvironment: Sendable {
    package let networks: any NetworkProvider
    package let storage: any StorageProvider

    package init(networks: any NetworkProvider, storage: any StorageProvider) {
        self.networks = networks
        self.storage = storage
    }
}

extension Device {
    package var volatileBeforeStart: [String: String?] { [:] }
    package func add() async throws {}
    package func remove() async throws {}
    package func repair() async throws {}

    /// Brings the started device into a running container.
    package func attach(_ start: DeviceStart, to target: any HotplugTarget) async throws {
        for entry in start.networkInterfaces { try await NICMove.move(entry, into: target.initPID) }
        for entry in start.mounts { try await target.mount(entry) }
        for node in start.deviceNodes { try await target.add(node) }
    }
}
