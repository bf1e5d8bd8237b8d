import LXDAPI
import LXDConfig
package import LXDDatabase

/// The part of the one gate that looks at the project: every write that could bring something into a project asks here,
/// inside the transaction that writes it.
extension Transaction {
    /// Refuses an instance that its project's limits and restrictions do not allow.
    ///
    /// - Parameters:
    ///   - instance: The wanted state.
    ///   - old: The state so far; nil for one that is new in the project.
    ///   - leaving: An instance that goes when this one has come, as in a move.
    ///   - trustsVolatile: The keys that the server keeps come from the server, not from a client.
    package func admitToProject(
        _ instance: LoadedInstance, replacing old: LoadedInstance?, leaving: InstanceKey? = nil,
        trustsVolatile: Bool = false
    ) throws {
        let project = try requireProject(instance.project)
        guard project.isLimitedOrRestricted else { return }
        let restrictions = ProjectRestrictions(inForceIn: project)
        var contents = try ProjectContents(project, self)
        if let leaving { contents.remove(leaving) }
        contents.put(instance)
        if old == nil { try contents.checkCounts(instance.row.type) }
        if !trustsVolatile { try restrictions?.checkVolatile(instance, replacing: old) }
        try inContext("Failed checking if instance \(old == nil ? "creation" : "update") allowed") {
            try contents.checkTotals()
            try restrictions?.check(instance)
        }
    }

    /// Takes away what a client may not say in a restricted project about what the server keeps, where a whole
    /// configuration comes from elsewhere.
    package func stripVolatile(_ config: inout [String: String], project: String) throws {
        guard let restrictions = ProjectRestrictions(inForceIn: try requireProject(project)) else { return }
        restrictions.stripVolatile(&config)
    }

    /// Refuses a snapshot that comes along with an instance: its configuration could come to be the instance's again.
    ///
    /// - Parameters:
    ///   - instance: The new one.
    ///   - isMove: The snapshot was in the project before.
    package func admitToProject(
        snapshot config: [String: String], _ devices: [String: [String: String]], of instance: LoadedInstance,
        isMove: Bool = false
    ) throws {
        guard let restrictions = ProjectRestrictions(inForceIn: try requireProject(instance.project)) else { return }
        if !isMove { try restrictions.checkSnapshotCreation() }
        var row = instance.row
        row.config = config
        row.devices = devices
        try inContext("Failed checking if instance creation allowed") {
            try restrictions.check(instance.with(row: row))
        }
    }

    /// Refuses a profile, for its own project and for each instance of any project that uses it.
    package func admitToProject(_ profile: ProfileRow) throws {
        for project in try projects() where project.isLimitedOrRestricted {
            guard try effectiveProject(project.name, .profiles) == profile.project else { continue }
            let restrictions = ProjectRestrictions(inForceIn: project)
            try inContext("Failed checking if profile update allowed") {
                var contents = try ProjectContents(project, self)
                contents.put(profile)
                try contents.checkTotals()
                try restrictions?.check(profile)
                for instance in contents.instances where instance.profiles.contains(where: { $0.id == profile.id }) {
                    try restrictions?.check(instance)
                }
            }
        }
    }

    /// Refuses a custom volume, new or changed, that the project's disk limit has no room for.
    package func admitToProject(_ volume: VolumeRow, isNew: Bool) throws {
        let project = try requireProject(volume.project)
        guard project.config["limits.disk"]?.isEmpty == false else { return }
        var contents = try ProjectContents(project, self)
        contents.put(volume)
        try inContext("Failed checking if volume \(isNew ? "creation" : "update") allowed") { try contents.checkTotals() }
    }

    /// Bytes that images may still bring into a project; nil for any number.
    package func imageSpaceBudget(project name: String) throws -> Int64? {
        let project = try requireProject(name)
        guard project.has(.images), let text = project.config["limits.disk"], !text.isEmpty else { return nil }
        let used = try ProjectContents(project, self).total(.disk)
        let images = try images(project: name).reduce(Int64(0)) { $0 &+ max(0, $1.size) }
        return max(0, try AggregateLimit.disk.parse(text) - used - images)
    }

    package func admitSnapshotCreation(project: String) throws {
        try ProjectRestrictions(inForceIn: requireProject(project))?.checkSnapshotCreation()
    }

    /// The same for snapshots that nobody asks for at this moment: they are left out without a word.
    package func allowsSnapshots(project: String) throws -> Bool {
        ProjectRestrictions(inForceIn: try requireProject(project))?.value("restricted.snapshots") ?? "allow" == "allow"
    }

    package func admitBackupCreation(project: String) throws {
        try ProjectRestrictions(inForceIn: requireProject(project))?.checkBackupCreation()
    }

    /// Whether a project may use, and see, a network.
    package func allowsNetwork(_ name: String, isManaged: Bool, project: String) throws -> Bool {
        guard let restrictions = ProjectRestrictions(inForceIn: try requireProject(project)) else { return true }
        return restrictions.allowsNetwork(name, isManaged: isManaged)
    }

    /// The folder of the host that disks of a project's instances must stay below; nil where the project sets none.
    ///
    /// - Throws: When the path is outside all that are allowed.
    package func diskPathLimit(project name: String, source: String) throws -> String? {
        guard let project = try project(name), let restrictions = ProjectRestrictions(inForceIn: project),
            project.config["restricted.devices.disk.paths"]?.isEmpty == false
        else { return nil }
        guard let parent = restrictions.allowedParent(ofDiskSource: source) else {
            throw LXDError.internalError("Disk source path \(goQuoted(source)) not allowed by project")
        }
        return parent
    }

    // MARK: The project itself

    /// Refuses a configuration of a project that what is in it violates.
    ///
    /// - Parameters:
    ///   - project: With the wanted configuration.
    ///   - changed: The keys that differ from the present one.
    func admitProjectUpdate(_ project: ProjectRow, changed: Set<String>) throws {
        let contents = try ProjectContents(project, self)
        let name = goQuoted(project.name)
        let restrictionKeys = changed.filter { key in
            key.hasPrefix("restricted.") || key == "restricted" && isTrue(project.config["restricted"])
        }
        if let key = restrictionKeys.min() {
            let restrictions = ProjectRestrictions(project)
            let profiles = try profiles(project: effectiveProject(project.name, .profiles))
            try inContext("Conflict detected when changing \(goQuoted(key)) in project \(name)") {
                for instance in contents.instances { try restrictions.check(instance) }
                for profile in profiles { try restrictions.check(profile) }
            }
        }
        for key in ["limits.containers", "limits.instances", "limits.virtual-machines"] where changed.contains(key) {
            try checkCount(key, contents)
        }
        for limit in AggregateLimit.allCases where changed.contains(limit.rawValue) {
            let text = project.config[limit.rawValue] ?? ""
            if text.isEmpty { continue }
            let total = try contents.total(limit)
            let most: Int64
            do { most = try limit.parse(text) } catch {
                throw LXDError.from(error).wrapped("Invalid value \(goQuoted(text)) for limit \(goQuoted(limit.rawValue))")
            }
            guard total <= most else {
                throw LXDError.internalError(
                    "\(goQuoted(limit.rawValue)) is too low: current total is \(goQuoted(limit.text(total)))")
            }
        }
    }

    private func checkCount(_ key: String, _ contents: ProjectContents) throws {
        guard let limit = try contents.count(key) else { return }
        let project = goQuoted(contents.project.name)
        let type: InstanceType? = key == "limits.instances" ? nil : key == "limits.containers" ? .container : .virtualMachine
        let present = contents.instances.count { type == nil || $0.row.type == type }
        guard limit < present else { return }
        throw LXDError.internalError(
            type.map {
                "Can't change \(goQuoted(key)) in project \(project): \(goQuoted(key)) is too low: there currently are \(present) instances of type \($0.rawValue) in project \(project)"
            }
                ?? "Can't change limits.instances in project \(project): \"limits.instances\" is too low: there currently are \(present) total instances in project \(project)"
        )
    }

    private func inContext(_ text: String, _ body: () throws -> Void) throws {
        do { try body() } catch { throw LXDError.from(error).wrapped(text) }
    }
}

extension ProjectRow {
    /// Whether anything of it has to be checked.
    var isLimitedOrRestricted: Bool {
        isTrue(config["restricted"]) || config.contains { $0.key.hasPrefix("limits.") && !$0.value.isEmpty }
    }
}

extension Transaction {
    /// Refuses to give an instance the configuration of its snapshot if the project has been restricted since.
    package func admitRestore(of snapshot: SnapshotRow, to key: InstanceKey) throws {
        let present = try loadInstance(key)
        var row = present.row
        row.config = snapshot.config
        row.devices = snapshot.devices
        try admitToProject(present.with(row: row), replacing: present, trustsVolatile: true)
    }
}
