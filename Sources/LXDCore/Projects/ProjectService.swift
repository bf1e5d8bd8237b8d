package import LXDAPI
import LXDConfig
package import LXDDatabase
import LXDNetlink

/// Projects: separate sets of instances, and where wished of images, profiles, networks and volumes.
package final class ProjectService: Sendable {
    private let store: Store
    private let announce: Announcer
    private let namesChanged: @Sendable () async throws -> Void

    /// - Parameter namesChanged: Tells those who remember which names there are: a certificate that was good for a
    ///   project which is gone must not come to be good for another one of its name.
    package init(store: Store, announce: Announcer, namesChanged: @escaping @Sendable () async throws -> Void = {}) {
        self.store = store
        self.announce = announce
        self.namesChanged = namesChanged
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
        try await store.write { tx in
            try Self.validate(project, tx)
            guard try tx.project(project.name) == nil else {
                throw LXDError.conflict(
                    "Failed creating project \"\(project.name)\": Failed adding database record: This \"projects\" entry already exists")
            }
            try tx.insertProject(project)
            if project.has(.profiles) { try Self.insertDefaultProfile(tx, project.name) }
            try tx.shareDefaultImages(with: project.name)
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
            row.description = new.description
            row.config = new.config
            try Self.validate(row, tx)
            try tx.admitProjectUpdate(row, changed: changed)
            try tx.updateProject(row)
            if features.contains(.profiles) {
                if isTrue(new.config[ProjectFeature.profiles.rawValue]) {
                    try Self.insertDefaultProfile(tx, name)
                } else if let profile = try tx.profile(project: name, name: "default") {
                    try tx.deleteProfile(id: profile.id)
                }
            }
            try tx.shareDefaultImages(with: name)
        }
        announce(.projectUpdated, ResourcePath.of("projects", name), project: name, by: requestor)
    }

    package func rename(_ name: String, to newName: String, by requestor: EventLifecycleRequestor?) async throws {
        try await store.write { tx in
            guard try tx.project(newName) == nil else {
                throw LXDError.conflict("A project named \"\(newName)\" already exists")
            }
            var row = try tx.requireProject(name)
            guard try Self.isEmpty(row, tx) else { throw LXDError.internalError("Only empty projects can be renamed") }
            row.name = try ProjectName(newName).rawValue
            try tx.updateProject(row)
        }
        try await namesChanged()
        announce(
            .projectRenamed, ResourcePath.of("projects", newName), project: newName, by: requestor,
            context: ["old_name": .string(name)])
    }

    package func delete(_ name: String, by requestor: EventLifecycleRequestor?) async throws {
        guard name != "default" else { throw LXDError.forbidden("The 'default' project cannot be deleted") }
        try await store.write { tx in
            let row = try tx.requireProject(name)
            guard try Self.isEmpty(row, tx) else { throw LXDError.internalError("Only empty projects can be removed") }
            try tx.deleteProject(id: row.id)
        }
        try await namesChanged()
        announce(.projectDeleted, ResourcePath.of("projects", name), project: name, by: requestor)
    }

    /// Limits and how much of them is used; -1 for no limit.
    package func state(_ name: String) async throws -> ProjectState {
        try await store.read { tx in
            let project = try tx.requireProject(name)
            let contents = try ProjectContents(project, tx)
            let networks = try tx.networks(project: name).count { $0.state == .created }
            var state = ProjectState()
            func add(_ key: String, _ usage: Int64, _ limit: Int64?) {
                state.resources[key] = .with {
                    $0.limit = limit ?? -1
                    $0.usage = usage
                }
            }
            func add(_ key: String, _ usage: Int) throws {
                add(key, Int64(usage), try contents.count("limits." + key).map { Int64($0) })
            }
            try add("instances", contents.instances.count)
            try add("containers", contents.instances.count { $0.row.type == .container })
            try add("virtual-machines", contents.instances.count { $0.row.type == .virtualMachine })
            try add("networks", networks)
            for limit in AggregateLimit.allCases {
                let text = project.config[limit.rawValue] ?? ""
                add(
                    String(limit.rawValue.dropFirst("limits.".count)), try contents.total(limit, isLenient: true),
                    text.isEmpty ? nil : try limit.parse(text))
            }
            return state
        }
    }

    private static func validate(_ project: ProjectRow, _ tx: Transaction) throws {
        try ProjectKeys.validate(project.config)
        // Profiles of another project are not held to this one's restrictions; leaving the key out means the same.
        if isTrue(project.config["restricted"]), !project.has(.profiles) {
            throw LXDError.badRequest("Projects without their own profiles cannot be restricted")
        }
        try checkSubnets(project.config["restricted.networks.subnets"] ?? "", tx)
    }

    /// Subnets must be among the routes of the uplink they are taken from.
    private static func checkSubnets(_ text: String, _ tx: Transaction) throws {
        for entry in ConfigList.values(text) {
            guard let colon = entry.firstIndex(of: ":") else {
                throw LXDError.badRequest(
                    "Invalid project configuration key \"restricted.networks.subnets\" value: Subnet \(goQuoted(entry)) invalid, must be in the format of \"<uplink network>:<subnet>\"")
            }
            let uplink = String(entry[..<colon])
            let subnet = String(entry[entry.index(after: colon)...])
            func invalid(_ reason: String) -> LXDError {
                .badRequest("Invalid project configuration key \"restricted.networks.subnets\" value: \(reason)")
            }
            guard let wanted = IPPrefix(subnet) else { throw invalid("invalid CIDR address: \(subnet)") }
            guard wanted.network == wanted else { throw invalid("Not an IP network address \(goQuoted(subnet))") }
            guard let network = try tx.network(project: "default", name: uplink) else {
                throw invalid("Invalid uplink network \(goQuoted(uplink)): Network not found")
            }
            let routes = ["ipv4.routes", "ipv6.routes"].flatMap { ConfigList.values(network.config[$0]) }
            guard routes.compactMap({ IPPrefix($0) }).contains(where: { $0.length <= wanted.length && $0.contains(wanted.address) })
            else {
                throw invalid("Uplink network \(goQuoted(uplink)) doesn't contain \(goQuoted(subnet)) in its routes")
            }
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
