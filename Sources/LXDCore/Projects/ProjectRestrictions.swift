import LXDAPI
import LXDConfig
import LXDDatabase

/// What a restricted project refuses. Only what a key's class calls safe, or what the key's own restriction opens, comes
/// through; a restriction that is unset or empty has its default.
struct ProjectRestrictions {
    private let project: String
    private let config: [String: String]

    /// The rules of a project, whether or not they are in force.
    init(_ project: ProjectRow) {
        self.project = project.name
        config = project.config
    }

    /// The rules of a project where they are in force; nil elsewhere.
    init?(inForceIn project: ProjectRow) {
        guard isTrue(project.config["restricted"]) else { return nil }
        self.init(project)
    }

    /// The value of a restriction, with its default filled in.
    func value(_ key: String) -> String {
        if let own = config[key], !own.isEmpty { return own }
        return ProjectKeys.key(key)?.defaultValue ?? ""
    }

    private func allows(_ key: String) -> Bool { value(key) == "allow" }

    // MARK: Instances and profiles

    /// Whose configuration is looked at.
    private struct Subject {
        let label: String
        let name: String
        var isProfile: Bool { label == "profile" }
    }

    func check(_ instance: LoadedInstance) throws {
        let subject = Subject(label: instance.row.type.rawValue, name: instance.name)
        try check(instance.expandedConfig, subject)
        try check(instance.expandedDevices, subject)
    }

    func check(_ profile: ProfileRow) throws {
        let subject = Subject(label: "profile", name: profile.name)
        try check(profile.config, subject)
        try check(profile.devices, subject)
    }

    private func check(_ config: [String: String], _ subject: Subject) throws {
        for (name, value) in config.sorted(by: { $0.key < $1.key }) {
            switch InstanceKeys.key(name)?.privilege {
            case .safe: break
            case .lowLevel: try checkLowLevel(name, value, subject)
            case .host: try checkHost(name, value, subject)
            case nil: throw forbidden(name, subject)
            }
        }
        let isolated = config["security.idmap.isolated"]
        // Without the key a container shares its ids with others: leaving it out must not be a way around.
        if value("restricted.containers.privilege") == "isolated", !isTrue(isolated),
            subject.isProfile ? isolated != nil : subject.label == InstanceType.container.rawValue
        {
            throw invalid("security.idmap.isolated", isolated ?? "", subject, "Non-isolated containers are forbidden")
        }
    }

    /// A profile may come to serve either kind of instance, so it needs both doors open.
    private func allowsLowLevel(_ subject: Subject) -> Bool {
        let forContainers = allows("restricted.containers.lowlevel")
        let forMachines = allows("restricted.virtual-machines.lowlevel")
        if subject.isProfile { return forContainers && forMachines }
        return subject.label == InstanceType.virtualMachine.rawValue ? forMachines : forContainers
    }

    private func checkLowLevel(_ name: String, _ value: String, _ subject: Subject) throws {
        if allowsLowLevel(subject) { return }
        guard name == "raw.idmap" else { throw forbidden(name, subject) }
        for (index, line) in value.split(separator: "\n").enumerated() {
            for entry in try IDMapSet.parseRaw(String(line)) where !covers(entry) {
                throw refusal(
                    "Use of low-level \"raw.idmap\" element \(index) on \(subject.label) \(goQuoted(subject.name)) of project \(goQuoted(project)) is forbidden")
            }
        }
    }

    private func covers(_ entry: IDMapSet.Entry) -> Bool {
        let list = ConfigList.values(config[entry.isUID ? "restricted.idmap.uid" : "restricted.idmap.gid"])
        return list.contains { text in
            let ends = text.split(separator: "-", omittingEmptySubsequences: false).compactMap { Int64($0) }
            guard let first = ends.first, let last = ends.last else { return false }
            return entry.hostID >= first && entry.hostID + entry.range - 1 <= last
        }
    }

    /// Keys that have a restriction of their own.
    private func checkHost(_ name: String, _ value: String, _ subject: Subject) throws {
        switch InstanceRestriction.opening(name) {
        case "restricted.containers.nesting"?:
            if isTrue(value), !allows("restricted.containers.nesting") {
                throw invalid(name, value, subject, "Container nesting is forbidden")
            }
        case "restricted.containers.privilege"?:
            if isTrue(value), !allows("restricted.containers.privilege") {
                throw invalid(name, value, subject, "Privileged containers are forbidden")
            }
        case "restricted.containers.interception"?:
            if !ConfigBool.isFalseOrEmpty(value), !allows("restricted.containers.interception") {
                throw invalid(name, value, subject, "Container syscall interception is forbidden")
            }
        default: throw forbidden(name, subject)
        }
    }

    private func forbidden(_ name: String, _ subject: Subject) -> LXDError {
        refusal(
            "Use of low-level config \(goQuoted(name)) on \(subject.label) \(goQuoted(subject.name)) of project \(goQuoted(project)) is forbidden")
    }

    private func invalid(_ name: String, _ value: String, _ subject: Subject, _ reason: String) -> LXDError {
        refusal(
            "Invalid value \(goQuoted(value)) for config \(goQuoted(name)) on \(subject.label) \(goQuoted(subject.name)) of project \(goQuoted(project)): \(reason)")
    }

    // MARK: Devices

    private func check(_ devices: [String: [String: String]], _ subject: Subject) throws {
        for (name, device) in devices.sorted(by: { $0.key < $1.key }) {
            guard let reason = refusal(of: device) else { continue }
            throw refusal(
                "Invalid device \(goQuoted(name)) on \(subject.label) \(goQuoted(subject.name)) of project \(goQuoted(project)): \(reason)")
        }
    }

    private static let wholeTypes = [
        "unix-char": "Unix character", "unix-block": "Unix block", "unix-hotplug": "Unix hotplug",
        "infiniband": "Infiniband", "gpu": "GPU", "usb": "USB", "pci": "PCI", "proxy": "Proxy",
    ]

    /// Why a device may not be; nil if it may.
    private func refusal(of device: [String: String]) -> String? {
        switch device["type"] ?? "" {
        case "nic": return refusal(ofNIC: device)
        case "disk": return refusal(ofDisk: device)
        // They reach nothing of the host.
        case "none", "tpm": return nil
        case let type:
            guard let label = Self.wholeTypes[type] else { return "Devices of type \(goQuoted(type)) are forbidden" }
            return allows("restricted.devices.\(type)") ? nil : "\(label) devices are forbidden"
        }
    }

    private func refusal(ofNIC device: [String: String]) -> String? {
        let network = device["network"] ?? ""
        let parent = device["parent"] ?? ""
        switch value("restricted.devices.nic") {
        case "allow": break
        case "managed": if network.isEmpty { return "Only managed network devices are allowed" }
        default: return "Network devices are forbidden"
        }
        let isAllowed =
            !network.isEmpty
            ? allowsNetwork(network, isManaged: true) : parent.isEmpty || allowsNetwork(parent, isManaged: false)
        return isAllowed ? nil : "Network not allowed in project"
    }

    private func refusal(ofDisk device: [String: String]) -> String? {
        let pool = device["pool"] ?? ""
        let source = device["source"] ?? ""
        let path = device["path"] ?? ""
        if path == "/", !pool.isEmpty, source.isEmpty { return nil }
        if path.isEmpty, source == "cloud-init:config" { return nil }
        switch value("restricted.devices.disk") {
        case "managed": return pool.isEmpty ? "Attaching disks not backed by a pool is forbidden" : nil
        case "allow":
            return !pool.isEmpty || allowedParent(ofDiskSource: source) != nil
                ? nil : "Disk source path \(goQuoted(source)) not allowed"
        default: return "Disk devices are forbidden"
        }
    }

    /// Of `restricted.devices.disk.paths` the one that a path lies below; `/` where all may be shown.
    func allowedParent(ofDiskSource source: String) -> String? {
        let paths = ConfigList.values(config["restricted.devices.disk.paths"])
        if paths.isEmpty { return "/" }
        let wanted = PathText.clean(source)
        return paths.map(PathText.clean).first { parent in
            wanted == parent || wanted.hasPrefix(parent == "/" ? "/" : parent + "/")
        }
    }

    /// Whether a network may be used, and seen.
    func allowsNetwork(_ name: String, isManaged: Bool) -> Bool {
        let nics = value("restricted.devices.nic")
        guard nics == "allow" || nics == "managed" && isManaged else { return false }
        let names = ConfigList.values(config["restricted.networks.access"])
        return names.isEmpty || names.contains(name)
    }

    // MARK: Volatile keys

    /// Refuses keys that the server keeps and the client wants otherwise.
    func checkVolatile(_ instance: LoadedInstance, replacing old: LoadedInstance?) throws {
        guard !allowsLowLevel(Subject(label: instance.row.type.rawValue, name: instance.name)) else { return }
        let name = "\(instance.row.type.rawValue) \(goQuoted(instance.name)) in project \(goQuoted(project)) is forbidden"
        for (key, value) in instance.row.config.sorted(by: { $0.key < $1.key })
        where key.hasPrefix("volatile.") && !VolatileKeys.isHarmless(key) {
            guard let present = old?.row.config[key] else { throw refusal("Setting \(goQuoted(key)) on \(name)") }
            guard present == value else { throw refusal("Changing \(goQuoted(key)) on \(name)") }
        }
    }

    func stripVolatile(_ config: inout [String: String]) {
        guard !allows("restricted.containers.lowlevel") else { return }
        config = config.filter { !$0.key.hasPrefix("volatile.") || VolatileKeys.isHarmless($0.key) }
    }

    // MARK: Snapshots and backups

    func checkSnapshotCreation() throws {
        guard !allows("restricted.snapshots") else { return }
        throw refusal("Project \(goQuoted(project)) doesn't allow for snapshot creation")
    }

    func checkBackupCreation() throws {
        guard !allows("restricted.backups") else { return }
        throw refusal("Project \(goQuoted(project)) doesn't allow for backup creation")
    }

    /// LXD answers 500 to all of these.
    private func refusal(_ message: String) -> LXDError { .internalError(message) }
}

/// Paths as text, without looking at the file system.
enum PathText {
    /// The shortest path that says the same: no doubled slashes, no `.`, and `..` taken for the parent.
    static func clean(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            guard part == ".." else {
                parts.append(part)
                continue
            }
            if parts.last.map({ $0 != ".." }) ?? false { parts.removeLast() } else if !path.hasPrefix("/") { parts.append(part) }
        }
        let text = parts.joined(separator: "/")
        return path.hasPrefix("/") ? "/" + text : text.isEmpty ? "." : text
    }
}
