/// All that starting a container takes. lxd decides it, lxd-helper applies it.
package struct RuntimePlan: Sendable, Hashable {
    /// liblxc's name: the instance's, with `PROJECT_` before it outside the default project.
    package var name = ""
    /// liblxc's path: `$LXD_DIR/containers`.
    package var stateDirectory = ""
    /// Where lxc.log, lxc.conf and console.log go: `$LXD_DIR/logs/NAME`.
    package var logDirectory = ""
    /// Where the records that outlive the daemon go. ContainerRuntime fills it in.
    package var runDirectory = ""
    /// The host name inside.
    package var hostName = ""
    /// A personality such as `linux64` or `linux32`.
    package var personality = "linux64"

    package var rootfs = RootFilesystem.directory("")
    /// Where the root file system gets mounted in the daemon's mount namespace: `INSTANCE_DIR/rootfs`.
    package var mountPoint = ""
    /// Empty for a privileged container.
    package var idmap: [IDMapEntry] = []
    package var privileged = false
    package var nesting = false
    /// Started so that CRIU can checkpoint it (`migration.stateful`).
    package var stateful = false

    /// Capabilities without `cap_`, such as `sys_time`.
    package var capabilitiesDropped: [String] = []
    /// The text of a liblxc version 2 policy; nil for none.
    package var seccompPolicy: String?
    /// What liblxc made of the policy, eight bytes an instruction, if that is known; else the start finds out.
    package var seccompFilter: [UInt8] = []
    package var apparmorProfile: String?

    package var cgroup: [CgroupSetting] = []
    package var mounts: [MountEntry] = []
    package var networkInterfaces: [NetworkInterfaceEntry] = []
    package var deviceNodes: [DeviceNode] = []
    package var environment: [PlanPair] = []
    /// argv of init; empty for /sbin/init.
    package var initCommand: [String] = []
    /// Where the console's ring buffer is written on a stop.
    package var consoleLogPath = ""
    /// `trace`, `info`, `warn`...
    package var logLevel = "warn"

    /// `limits.kernel.NAME` -> value.
    package var resourceLimits: [PlanPair] = []
    /// `linux.sysctl.NAME` -> value.
    package var sysctls: [PlanPair] = []
    /// The instance's devLXD folder on the host; nil when it is not offered.
    package var devLXDDirectory: String?
    /// lxcfs's mount point on the host when it runs.
    package var lxcfsDirectory: String?
    /// Lines of `raw.lxc`, applied last.
    package var rawItems: [PlanPair] = []

    /// Makes the start fail after this many steps; only tests set it.
    package var failAfterSteps: UInt32?

    package init() {}
}

/// A range of ids of one kind.
package struct IDMapEntry: Sendable, Hashable {
    package var isUID: Bool
    package var isGID: Bool
    package var hostID: UInt32
    package var namespaceID: UInt32
    package var range: UInt32

    package init(isUID: Bool, isGID: Bool, hostID: UInt32, namespaceID: UInt32, range: UInt32) {
        (self.isUID, self.isGID, self.hostID, self.namespaceID, self.range) = (isUID, isGID, hostID, namespaceID, range)
    }
}

/// A file of the container's cgroup.
package struct CgroupSetting: Sendable, Hashable {
    /// Such as `memory.max`.
    package var file: String
    package var value: String
    /// Of the unified layout.
    package var unified: Bool

    package init(file: String, value: String, unified: Bool) {
        (self.file, self.value, self.unified) = (file, value, unified)
    }
}

/// Something of the host that the container sees.
package struct MountEntry: Sendable, Hashable {
    package enum Creation: UInt8, Sendable {
        /// The target must exist.
        case none, file, directory
    }

    /// Absolute path on the host, or a word such as `tmpfs`.
    package var source: String
    /// Path inside, relative to the root.
    package var target: String
    /// `none` for a bind.
    package var fsType: String
    /// `bind`, `rbind`, `ro`... without `create=` and `optional`.
    package var options: [String]
    /// Show the source with the container's own ids (`shift`).
    package var idmapped: Bool
    package var create: Creation
    /// A source that is missing is no error.
    package var optional: Bool

    package init(
        source: String, target: String, fsType: String = "none", options: [String] = ["bind"], idmapped: Bool = false,
        create: Creation = .directory, optional: Bool = false
    ) {
        (self.source, self.target, self.fsType, self.options) = (source, target, fsType, options)
        (self.idmapped, self.create, self.optional) = (idmapped, create, optional)
    }
}

/// A link of the host that moves into the container.
package struct NetworkInterfaceEntry: Sendable, Hashable {
    /// Its name on the host now: of a veth end, macvlan...
    package var hostLinkName: String
    /// Its name inside.
    package var name: String
    /// `00:16:3e:…`; empty leaves it.
    package var hardwareAddress: String
    /// 0 leaves it.
    package var mtu: UInt32

    package init(hostLinkName: String, name: String, hardwareAddress: String = "", mtu: UInt32 = 0) {
        (self.hostLinkName, self.name, self.hardwareAddress, self.mtu) = (hostLinkName, name, hardwareAddress, mtu)
    }
}

/// A device the container gets as a node.
package struct DeviceNode: Sendable, Hashable {
    /// A node on the host made for this container (`$LXD_DIR/devices/NAME/…`).
    package var hostPath: String
    /// Path inside, relative to the root.
    package var path: String
    package var isBlock: Bool
    package var major: UInt32
    package var minor: UInt32

    package init(hostPath: String, path: String, isBlock: Bool, major: UInt32, minor: UInt32) {
        (self.hostPath, self.path, self.isBlock, self.major, self.minor) = (hostPath, path, isBlock, major, minor)
    }
}

/// A key and its value, in order.
package struct PlanPair: Sendable, Hashable {
    package var key: String
    package var value: String

    package init(_ key: String, _ value: String) { (self.key, self.value) = (key, value) }
}
