package import LXDAPI
import LXDConfig
package import LXDDatabase

/// Projects: separate sets of instances, and where wished of images, profiles, networks and volumes.
package final class ProjectService: Sendable {
    private let store: Store
    private let announce: Announcer

    package init(store: Store, announce: Announcer) {
        self.store = store
        self.announce = announce
    }

    package func list() async throws -> [Project] {
        try await store.read { tx in
            try tx.projects().map { try Self.wire($0, tx) }
        }
    }

    package func get(_ name: String) async throws -> Project {
        try await store.read { tx in try Self.wire(tx.requireProject(name), tx) }
    }

    package func create(_ request: ProjectsPost, by requestor: EventLifecycleRequestor?) async throws {
        var config = request.config
        for feature in ProjectFeature.allCases where feature.isDefault && config[feature.rawValue] == nil {
            config[feature.rawValue] = "true"
        }
        let project = ProjectRow(
            name: try ProjectName(request.name).rawValue, description: request.description, config: config)
        try Self.validate(config)
        try await store.write { tx in
            guard try tx.project(project.name) == nil else {
                throw LXDError.conflict(
                    "Failed creating project \"\(project.name)\": Failed adding database record: This \"projects\" entry already exists")
            }
            try tx.insertProject(project)
            if project.has(.profiles) { try Self.insertDefaultProfile(tx, project.name) }
        }
        announce(.projectCreated, ResourcePath.of("projects", project.name), project: project.name, by: requestor)
    }

    /// Replaces description and configuration.
    ///
    /// - Parameter precondition: Throws when the project is no longer the one the caller saw.
    package func update(
        _ name: String, by requestor: EventLifecycleRequestor?,
        precondition: @escaping @Sendable (Project) throws -> Void, _ change: @escaping @Sendable (Project) throws -> ProjectPut
    ) async throws {
        try await store.write { tx in
            var row = try tx.requireProject(name)
            let project = try Self.wire(row, tx)
            try precondition(project)
            let new = try change(project)
            let old = row.config
            let changed = Set(old.keys).union(new.config.keys).filter { (old[$0] ?? "") != (new.config[$0] ?? "") }
            let features = ProjectFeature.allCases.filter { changed.contains($0.rawValue) }
            try Self.checkFeatures(features, of: project)
            try Self.validate(new.config)
            row.description = new.description
            row.config = new.config
            try tx.updateProject(row)
            if features.contains(.profiles) {
                if isTrue(new.config[ProjectFeature.profiles.rawValue]) {
                    try Self.insertDefaultProfile(tx, name)
                } else if let profile = try tx.profile(project: name, name: "default") {
                    try tx.deleteProfile(id: profile.id)
                }
            }
        }
        announce(.projectUpdated, ResourcePath.of("projects", name), project: name, by: requestor)
    }

    package func rename(_ name: String, to newName: String, by requestor: EventLifecycleRequestor?) async throws {
        try await store.write { tx in
            guard try tx.project(newName) == nil else {
                throw LXDError.conflict("A project named \"\(newName)\" already exists")
            }
            var row = try tx.requireProject(name)
            guard try Self.isEmpty(row, tx) else { throw LXDError.badRequest("Only empty projects can be renamed") }
            row.name = try ProjectName(newName).rawValue
            try tx.updateProject(row)
        }
        announce(
            .projectRenamed, ResourcePath.of("projects", newName), project: newName, by: requestor,
            context: ["old_name": .string(name)])
    }

    package func delete(_ name: String, by requestor: EventLifecycleRequestor?) async throws {
        guard name != "default" else { throw LXDError.forbidden("The 'default' project cannot be deleted") }
        try await store.write { tx in
            let row = try tx.requireProject(name)
            guard try Self.isEmpty(row, tx) else { throw LXDError.badRequest("Only empty projects can be removed") }
            try tx.deleteProject(id: row.id)
        }
        announce(.projectDeleted, ResourcePath.of("projects", name), project: name, by: requestor)
    }

    /// Limits and how much of them is used; -1 for no limit.
    package func state(_ name: String) async throws -> ProjectState {
        try await store.read { tx in
            let project = try tx.requireProject(name)
            let instances = try tx.instances(project: name)
            var state = ProjectState()
            func add(_ key: String, _ limitKey: String, _ usage: Int) {
                state.resources[key] = .with {
                    $0.limit = project.config[limitKey].flatMap { Int64($0) } ?? -1
                    $0.usage = Int64(usage)
                }
            }
            add("instances", "limits.instances", instances.count)
            add("containers", "limits.containers", instances.count { $0.type == .container })
            add("virtual-machines", "limits.virtual-machines", instances.count { $0.type == .virtualMachine })
            add("networks", "limits.networks", try tx.networks(project: name).count)
            return state
        }
    }

    private static func validate(_ config: [String: String]) throws {
        try ProjectKeys.validate(config)
        if isTrue(config["restricted"]), isFalse(config[ProjectFeature.profiles.rawValue]) {
            throw LXDError.badRequest("Projects without their own profiles cannot be restricted")
        }
    }

    /// A feature in use cannot be switched: its objects would disappear from the project.
    private static func checkFeatures(_ changed: [ProjectFeature], of project: Project) throws {
        guard !changed.isEmpty else { return }
        guard project.name != "default" else {
            throw LXDError.badRequest("You can't change the features of the default project")
        }
        let isEmpty =
            project.usedBy.isEmpty || (project.usedBy.count == 1 && project.usedBy[0].contains("/profiles/default"))
        guard !isEmpty else { return }
        for feature in changed {
            if isTrue(project.config[feature.rawValue]) {
                throw LXDError.badRequest("Project feature \"\(feature.rawValue)\" cannot be disabled on non-empty projects")
            }
            if isFalse(project.config[feature.rawValue]) {
                throw LXDError.badRequest("Project feature \"\(feature.rawValue)\" cannot be enabled on non-empty projects")
            }
        }
    }

    private static func insertDefaultProfile(_ tx: Transaction, _ project: String) throws {
        try tx.insertProfile(
            ProfileRow(project: project, name: "default", description: "Default LXD profile for project \(project)"))
    }

    private static func wire(_ row: ProjectRow, _ tx: Transaction) throws -> Project {
        let usedBy = try usedBy(row, tx)
        return .with {
            $0.name = row.name
            $0.description = row.description
            $0.config = row.config
            $0.usedBy = usedBy
        }
    }

    private static func usedBy(_ row: ProjectRow, _ tx: Transaction) throws -> [String] {
        let name = row.name
        return try tx.instances(project: name).map { ResourcePath.of("instances", $0.name, project: name) }
            + tx.profiles(project: name).map { ResourcePath.of("profiles", $0.name, project: name) }
            + tx.images(project: name).map { ResourcePath.of("images", $0.fingerprint, project: name) }
            + tx.storageVolumes(project: name, kind: .custom).map {
                ResourcePath.of("storage-pools", $0.pool, "volumes", "custom", $0.name, project: name)
            }
            + tx.networks(project: name).map { ResourcePath.of("networks", $0.name, project: name) }
    }

    private static func isEmpty(_ row: ProjectRow, _ tx: Transaction) throws -> Bool {
        let usedBy = try usedBy(row, tx)
        return usedBy.isEmpty || usedBy == [ResourcePath.of("profiles", "default", project: row.name)]
    }
}
