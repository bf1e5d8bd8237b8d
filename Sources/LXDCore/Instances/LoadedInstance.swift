import LXDAPI
package import LXDDatabase

/// An instance's identity: its name is its own only within its project.
package struct InstanceKey: Sendable, Hashable, CustomStringConvertible {
    package let project: String
    package let name: String

    package init(project: String, name: String) {
        self.project = project
        self.name = name
    }

    /// The name on disk and at the runtime: `NAME` in project default, `PROJECT_NAME` elsewhere.
    package var runtimeName: String { project == "default" ? name : project + "_" + name }
    package var description: String { runtimeName }

    /// The inverse of ``runtimeName``: project names hold no underscore, instance names neither.
    package init(runtimeName: String) {
        if let split = runtimeName.firstIndex(of: "_") {
            self.init(
                project: String(runtimeName[..<split]), name: String(runtimeName[runtimeName.index(after: split)...]))
        } else {
            self.init(project: "default", name: runtimeName)
        }
    }
}

/// Lays profiles in their order and then the instance's own settings over each other.
package enum Expansion {
    package static func config(_ profiles: [ProfileRow], own: [String: String]) -> [String: String] {
        profiles.reduce(into: [:]) { $0.merge($1.config) { $1 } }.merging(own) { $1 }
    }

    /// A device replaces another of its name as a whole.
    package static func devices(
        _ profiles: [ProfileRow], own: [String: [String: String]]
    ) -> [String: [String: String]] {
        profiles.reduce(into: [:]) { $0.merge($1.devices) { $1 } }.merging(own) { $1 }
    }
}

/// An instance with everything that its own row and its profiles say about it: what all decisions are made on.
package struct LoadedInstance: Sendable {
    package private(set) var row: InstanceRow
    package let profiles: [ProfileRow]
    package private(set) var expandedConfig: [String: String]
    package private(set) var expandedDevices: [String: [String: String]]

    package init(_ row: InstanceRow, profiles: [ProfileRow]) {
        self.row = row
        self.profiles = profiles
        expandedConfig = Expansion.config(profiles, own: row.config)
        expandedDevices = Expansion.devices(profiles, own: row.devices)
    }

    package var key: InstanceKey { InstanceKey(project: row.project, name: row.name) }
    package var name: String { row.name }
    package var project: String { row.project }
    package var runtimeName: String { key.runtimeName }
    package var isPrivileged: Bool { isTrue(expandedConfig["security.privileged"]) }
    package var isNesting: Bool { isTrue(expandedConfig["security.nesting"]) }

    /// The pool of the root disk.
    ///
    /// - Throws: `badRequest` in LXD's words when there is no root disk or it names no pool.
    package func rootPool() throws -> String {
        guard let root = try requireRootDisk(expandedDevices).config["pool"], !root.isEmpty else {
            throw LXDError.badRequest("The instance's root device is missing the pool property")
        }
        return root
    }

    /// The same instance with keys of its own changed; `nil` removes one.
    package func with(config changes: [String: String?]) -> LoadedInstance {
        var row = row
        for (key, value) in changes { row.config[key] = value?.isEmpty == false ? value : nil }
        return LoadedInstance(row, profiles: profiles)
    }

    package func with(row: InstanceRow) -> LoadedInstance { LoadedInstance(row, profiles: profiles) }

    /// Devices in the order in which they start: disks by their path so that a mount point is there before what is
    /// mounted below it; all others by name before them.
    package var devicesInOrder: [(name: String, config: [String: String])] {
        expandedDevices.map { ($0.key, $0.value) }.sorted { left, right in
            let leftPath = left.1["type"] == "disk" ? left.1["path"] ?? "" : ""
            let rightPath = right.1["type"] == "disk" ? right.1["path"] ?? "" : ""
            return (leftPath, left.0) < (rightPath, right.0)
        }
    }
}

/// The root disk of expanded devices.
///
/// - Throws: LXD's text when there is none or more than one.
package func requireRootDisk(
    _ devices: [String: [String: String]]
) throws -> (name: String, config: [String: String]) {
    let roots = devices.filter {
        $0.value["type"] == "disk" && $0.value["path"] == "/" && $0.value["source"]?.isEmpty != false
    }
    guard let root = roots.first else { throw LXDError.badRequest("No root device could be found") }
    guard roots.count == 1 else { throw LXDError.badRequest("More than one root device found") }
    return (root.key, root.value)
}

extension Transaction {
    /// The instance with its profiles.
    ///
    /// - Throws: `notFound` when there is none.
    package func loadInstance(_ key: InstanceKey) throws -> LoadedInstance {
        let project = try requireProject(key.project)
        guard let row = try instance(project: key.project, name: key.name) else {
            throw LXDError.notFound("Instance not found")
        }
        return try load(row, profileProject: project.has(.profiles) ? project.name : "default")
    }

    /// All instances of a project, or of all projects, with their profiles; a handful of queries.
    package func loadInstances(project: String? = nil) throws -> [LoadedInstance] {
        let rows = try instances(project: project)
        let profiles = Dictionary(grouping: try self.profiles(), by: \.project).mapValues { rows in
            Dictionary(rows.map { ($0.name, $0) }) { first, _ in first }
        }
        let projects = Dictionary(try projects().map { ($0.name, $0) }) { first, _ in first }
        return rows.map { row in
            let owner = projects[row.project]?.has(.profiles) == true ? row.project : "default"
            return LoadedInstance(row, profiles: row.profiles.compactMap { profiles[owner]?[$0] })
        }
    }

    /// The instances that use a profile.
    package func loadInstances(usingProfile id: Int64) throws -> [LoadedInstance] {
        try instances(usingProfile: id).map { row in
            try load(row, profileProject: effectiveProject(row.project, .profiles))
        }
    }

    /// Profiles by name, in the order asked for.
    ///
    /// - Throws: LXD's text for an unknown or doubled name.
    package func requireProfiles(_ names: [String], project: String) throws -> [ProfileRow] {
        let owner = try effectiveProject(project, .profiles)
        var seen: Set<String> = []
        return try names.map { name in
            guard let profile = try profile(project: owner, name: name) else {
                throw LXDError.internalError("Requested profile \(goQuoted(name)) doesn't exist")
            }
            guard seen.insert(name).inserted else { throw LXDError.internalError("Duplicate profile found in request") }
            return profile
        }
    }

    private func load(_ row: InstanceRow, profileProject: String) throws -> LoadedInstance {
        LoadedInstance(row, profiles: try row.profiles.compactMap { try profile(project: profileProject, name: $0) })
    }
}
