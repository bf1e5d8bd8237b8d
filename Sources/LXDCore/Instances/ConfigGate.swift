import LXDAPI
import LXDConfig
package import LXDDatabase

/// What the gate asks about devices; LXDDevices answers.
package protocol DeviceRules: Sendable {
    /// Checks one device by the rules of its type.
    ///
    /// - Throws: LXD's text; ``UnknownDeviceType`` for a type there is no rule for.
    func validate(_ name: String, _ config: [String: String], in context: DeviceRuleContext) throws
    /// The kind of a nic: its `nictype`, or what its managed network asks for.
    func nicType(_ config: [String: String], networks: [NetworkRow]) -> String
}

/// A device type that containers do not have.
package struct UnknownDeviceType: Error {
    package let type: String
    package init(type: String) { self.type = type }
}

/// Whose device it is.
package struct DeviceRuleContext: Sendable {
    package let project: String
    /// Empty for a profile.
    package let instance: String
    package let isPrivileged: Bool
    /// The managed networks that the project sees.
    package let networks: [NetworkRow]
    package let pools: [String]
    /// Whether the device stands in its final, expanded surroundings.
    package let isExpanded: Bool
    /// The devices it stands among, itself included.
    package let siblings: [String: [String: String]]
}

/// The one door for everything that becomes configuration of an instance or a profile: create, PUT, PATCH, profile
/// edit, copy, move, restore, import. It sees the final expanded object inside the transaction that writes it, so what
/// one path refuses no other lets in.
package struct ConfigGate: Sendable {
    /// Which way the configuration came.
    package enum Way: Sendable, Equatable {
        case create, update, copy, restore, importBackup, profileChange
        /// A copy whose original goes when it is complete.
        case move(InstanceKey)

        /// Whether a person asked for exactly this configuration, so that a refusal can be acted on.
        var isUserRequested: Bool { self != .restore }

        /// Whether the keys under `volatile.` come from the server's own records.
        fileprivate var trustsVolatile: Bool {
            switch self {
            case .create, .update, .importBackup: false
            case .copy, .restore, .profileChange, .move: true
            }
        }

        fileprivate var leaving: InstanceKey? {
            if case .move(let key) = self { key } else { nil }
        }
    }

    private let devices: any DeviceRules
    private let hostIDs: IDMapSet.HostRange
    private let architectures: [Int]
    private let isUnprivilegedOnly: Bool

    /// - Parameter isUnprivilegedOnly: Whether containers on this host may never have its root's id.
    package init(
        devices: any DeviceRules, hostIDs: IDMapSet.HostRange, architectures: [Int], isUnprivilegedOnly: Bool = false
    ) {
        self.isUnprivilegedOnly = isUnprivilegedOnly
        self.devices = devices
        self.hostIDs = hostIDs
        self.architectures = architectures
    }

    /// Checks the new state of an instance and fills in what the server decides.
    ///
    /// - Parameters:
    ///   - row: The wanted state, with the profiles' names.
    ///   - old: The state so far; nil for a new instance.
    /// - Returns: The state to be written.
    package func admit(_ row: InstanceRow, replacing old: LoadedInstance?, _ way: Way, _ tx: Transaction) throws -> LoadedInstance {
        let profiles = try tx.requireProfiles(row.profiles, project: row.project)
        var instance = LoadedInstance(row, profiles: profiles)
        try tx.admitToProject(
            instance, replacing: old, leaving: way.leaving, trustsVolatile: way.trustsVolatile)
        try checkPrivilege(instance.expandedConfig)
        if way.isUserRequested {
            try checkArchitecture(row.architecture)
            try context("Invalid config") { try InstanceKeys.validate(row.config, type: row.type) }
            try context("Invalid expanded config", isSkipped: old == nil) {
                try checkCombinations(instance.expandedConfig)
                try InstanceKeys.validate(instance.expandedConfig)
            }
            try checkDevices(instance, tx)
        }
        if let old, way.isUserRequested {
            for key in VolatileKeys.protected where old.row.config[key] != nil && row.config[key] == nil {
                throw LXDError.internalError("Volatile idmap keys can't be deleted by the user")
            }
            if let oldPool = try? old.rootPool(), let newPool = try? instance.rootPool(), oldPool != newPool {
                throw LXDError.internalError("Cannot update root disk device pool name to \(goQuoted(newPool))")
            }
        }
        let pool = try instance.rootPool()
        guard try tx.storagePool(pool) != nil else {
            throw LXDError.notFound("Failed loading storage pool: Storage pool not found")
        }
        instance = try planIDMap(instance, old, tx)
        let networks = try visibleNetworks(row.project, tx)
        let added = InterfaceNames.fill(devices: instance.expandedDevices, config: instance.row.config) { _, config in
            devices.nicType(config, networks: networks)
        }
        return instance.with(config: added.mapValues { $0 })
    }

    /// Checks what a profile is to hold, by the rules for any instance of the project and, of those that use it, each.
    package func admitProfile(_ profile: ProfileRow, _ tx: Transaction) throws {
        let (config, devices, project) = (profile.config, profile.devices, profile.project)
        try tx.admitToProject(profile)
        try checkPrivilege(config)
        for key in config.keys {
            if key.hasPrefix("volatile.") { throw LXDError.badRequest("Volatile keys can only be set on instances") }
            if key.hasPrefix("image.") { throw LXDError.badRequest("Image keys can only be set on instances") }
        }
        try InstanceKeys.validate(config)
        try checkCombinations(config)
        let surroundings = DeviceRuleContext(
            project: project, instance: "", isPrivileged: isTrue(config["security.privileged"]),
            networks: try visibleNetworks(project, tx), pools: try tx.storagePools().map(\.name), isExpanded: false, siblings: devices)
        for (name, config) in devices { try check(name, config, surroundings) }
    }

    // MARK: Configuration

    /// Keys that exclude each other.
    private func checkCombinations(_ config: [String: String]) throws {
        func either(_ key: String, _ oldKey: String) throws -> String? {
            if config[key]?.isEmpty == false, config[oldKey]?.isEmpty == false {
                throw LXDError.badRequest("Mutually exclusive keys \(key) and \(oldKey) are set")
            }
            return config[key] ?? config[oldKey]
        }
        let isAllow = try either("security.syscalls.allow", "security.syscalls.whitelist") != nil
        let isDeny = try either("security.syscalls.deny", "security.syscalls.blacklist") != nil
        let isDefault = isTrue(try either("security.syscalls.deny_default", "security.syscalls.blacklist_default"))
        let isCompat = isTrue(try either("security.syscalls.deny_compat", "security.syscalls.blacklist_compat"))
        if config["raw.seccomp"] != nil, isAllow || isDeny || isDefault || isCompat {
            throw LXDError.badRequest("raw.seccomp is mutually exclusive with security.syscalls*")
        }
        if isAllow, isDeny || isDefault || isCompat {
            throw LXDError.badRequest("security.syscalls.allow is mutually exclusive with security.syscalls.deny*")
        }
        if isTrue(config["security.privileged"]), isTrue(config["nvidia.runtime"]) {
            throw LXDError.badRequest("nvidia.runtime is incompatible with privileged containers")
        }
        if let raw = config["raw.lxc"] { _ = try RawLXC.parse(raw) }
        if let raw = config["raw.idmap"] { _ = try IDMapSet.parseRaw(raw) }
    }

    /// Refuses what gives a container root's id on a host that is for unprivileged ones only.
    private func checkPrivilege(_ config: [String: String]) throws {
        guard isUnprivilegedOnly else { return }
        let reason = "LXD was configured to only allow unprivileged containers"
        if isTrue(config["security.privileged"]) { throw LXDError.badRequest(reason) }
        if try IDMapSet.parseRaw(config["raw.idmap"] ?? "").contains(where: { $0.hostID == 0 }) {
            throw LXDError.badRequest("Cannot map root user into container as \(reason)")
        }
        for (key, _) in try RawLXC.parse(config["raw.lxc"] ?? "") where ["lxc.idmap", "lxc.include"].contains(key) {
            throw LXDError.badRequest("\(key) can't be set in raw.lxc as \(reason)")
        }
    }

    private func checkArchitecture(_ id: Int) throws {
        _ = try Architectures.numbered(id)
        guard architectures.contains(id) else {
            throw LXDError.internalError("Requested architecture isn't supported by this host")
        }
    }

    // MARK: Devices

    private func checkDevices(_ instance: LoadedInstance, _ tx: Transaction) throws {
        let networks = try visibleNetworks(instance.project, tx)
        let pools = try tx.storagePools().map(\.name)
        func surroundings(isExpanded: Bool) -> DeviceRuleContext {
            DeviceRuleContext(
                project: instance.project, instance: instance.name, isPrivileged: instance.isPrivileged,
                networks: networks, pools: pools, isExpanded: isExpanded,
                siblings: isExpanded ? instance.expandedDevices : instance.row.devices)
        }
        try context("Invalid devices") {
            for (name, config) in instance.row.devices.sorted(by: { $0.key < $1.key }) {
                try check(name, config, surroundings(isExpanded: false))
            }
            do { _ = try requireRootDisk(instance.expandedDevices) } catch let error as LXDError {
                throw error.wrapped("Failed detecting root disk device")
            }
            for (name, config) in instance.devicesInOrder where instance.row.devices[name] == nil {
                do { try check(name, config, surroundings(isExpanded: true)) } catch is UnknownDeviceType {
                    continue  // A profile may serve other kinds of instances too.
                }
            }
        }
    }

    private func check(_ name: String, _ config: [String: String], _ context: DeviceRuleContext) throws {
        do {
            try devices.validate(name, config, in: context)
        } catch let error as UnknownDeviceType {
            if context.isExpanded { throw error }
            throw LXDError.badRequest("Device validation failed for \(goQuoted(name)): Unsupported device type")
        } catch {
            throw LXDError.from(error).wrapped("Device validation failed for \(goQuoted(name))")
        }
    }

    private func visibleNetworks(_ project: String, _ tx: Transaction) throws -> [NetworkRow] {
        try tx.networks(project: tx.effectiveProject(project, .networks))
    }

    // MARK: Ids

    /// Gives a new instance, or one whose settings for it changed, the id map of its next start.
    private func planIDMap(_ instance: LoadedInstance, _ old: LoadedInstance?, _ tx: Transaction) throws -> LoadedInstance {
        let changed = old.map { changedKeys($0.expandedConfig, instance.expandedConfig) }
        let isNeeded = changed.map(VolatileKeys.idMapDepends(on:)) ?? true
        guard isNeeded || instance.row.config["volatile.idmap.next"] == nil else { return instance }
        let isIsolated = isTrue(instance.expandedConfig["security.idmap.isolated"]) && !instance.isPrivileged
        let taken = isIsolated ? try reservations(except: instance, tx) : []
        let (map, base) = try IDMapSet.plan(config: instance.expandedConfig, host: hostIDs, taken: taken)
        var row = instance.row
        VolatileKeys.setIDMap(&row.config, map, base: base)
        return instance.with(row: row)
    }

    private func reservations(except instance: LoadedInstance, _ tx: Transaction) throws -> [IDMapSet.Reservation] {
        try tx.loadInstances().compactMap { other in
            guard other.key != instance.key, !other.isPrivileged, isTrue(other.expandedConfig["security.idmap.isolated"]),
                let base = other.row.config["volatile.idmap.base"].flatMap({ Int64($0) })
            else { return nil }
            return IDMapSet.Reservation(base: base, size: try IDMapSet.size(other.expandedConfig, hostIDs))
        }
    }

    private func context(_ text: String, isSkipped: Bool = false, _ body: () throws -> Void) throws {
        do { try body() } catch {
            throw isSkipped ? LXDError.from(error) : LXDError.from(error).wrapped(text)
        }
    }
}

/// The keys whose values differ; an empty value is as good as none.
package func changedKeys(_ old: [String: String], _ new: [String: String]) -> Set<String> {
    Set(old.keys).union(new.keys).filter { (old[$0] ?? "") != (new[$0] ?? "") }
}
