package import LXDAPI
package import LXDDatabase

/// What profiles need of the instances that use them.
package protocol ProfileInstances: Sendable {
    /// Checks what a profile is to hold, for its project and for each instance that uses it.
    func check(_ profile: ProfileRow, _ tx: Transaction) throws
    /// Makes the running instances that use a profile follow a change that is already stored.
    ///
    /// - Returns: Those that could not follow, with the reason.
    func profileChanged(from old: ProfileRow, to new: ProfileRow) async -> [ProfileFollowFailure]
}

/// An instance that could not follow a change of its profile.
package struct ProfileFollowFailure: Sendable {
    package let project: String
    package let instance: String
    package let reason: String

    package init(project: String, instance: String, reason: String) {
        self.project = project
        self.instance = instance
        self.reason = reason
    }
}

/// Profiles: configuration and devices that instances share.
package final class ProfileService: Sendable {
    private let store: Store
    private let instances: any ProfileInstances
    private let announce: Announcer

    package init(store: Store, instances: any ProfileInstances, announce: Announcer) {
        self.store = store
        self.instances = instances
        self.announce = announce
    }

    /// The project whose profiles another one uses: itself or `default`.
    package func home(of project: String) async throws -> String {
        try await store.read { try $0.effectiveProject(project, .profiles) }
    }

    package func list(project: String) async throws -> [Profile] {
        try await store.read { tx in
            let uses = try tx.profileUses()
            return try tx.profiles(project: tx.effectiveProject(project, .profiles)).map { Self.wire($0, uses) }
        }
    }

    package func get(project: String, name: String) async throws -> Profile {
        try await store.read { tx in try Self.wire(Self.find(tx, project, name), tx.profileUses()) }
    }

    /// - Returns: The path of the new profile.
    package func create(
        project: String, _ request: ProfilesPost, by requestor: EventLifecycleRequestor?
    ) async throws -> String {
        let name = try ProfileName(request.name).rawValue
        let owner = try await store.write { [instances] tx in
            let row = ProfileRow(
                project: try tx.effectiveProject(project, .profiles), name: name, description: request.description,
                config: request.config, devices: request.devices)
            guard try tx.profile(project: row.project, name: name) == nil else {
                throw LXDError.conflict("Error inserting \"\(name)\" into database: The profile already exists")
            }
            try instances.check(row, tx)
            try tx.insertProfile(row)
            return row.project
        }
        let source = ResourcePath.of("profiles", name, project: owner)
        announce(.profileCreated, source, project: owner, by: requestor)
        return source
    }

    /// Replaces description, configuration and devices, and makes running instances follow.
    ///
    /// - Parameters:
    ///   - precondition: Throws when the profile is no longer the one the caller saw.
    ///   - change: The new state, computed from the present one.
    package func update(
        project: String, name: String, by requestor: EventLifecycleRequestor?,
        precondition: @escaping @Sendable (Profile) throws -> Void,
        _ change: @escaping @Sendable (Profile) throws -> ProfilePut
    ) async throws {
        let old = try await store.read { tx in try Self.find(tx, project, name) }
        let current = Self.wire(old, [:])
        try precondition(current)
        let put = try change(current)
        let new = try await store.write { [instances] tx in
            var new = try Self.find(tx, project, name)
            guard new == old else { throw LXDError.conflict("Profile \"\(name)\" was changed meanwhile, try again") }
            new.description = put.description
            new.config = put.config
            new.devices = put.devices
            try instances.check(new, tx)
            try Self.checkRootPool(tx, old, new)
            try tx.updateProfile(new)
            return new
        }
        announce(.profileUpdated, ResourcePath.of("profiles", name, project: old.project), project: old.project, by: requestor)
        let failures = await instances.profileChanged(from: old, to: new)
        guard failures.isEmpty else {
            let lines = failures.map { " - Project: \($0.project), Instance: \($0.instance): \($0.reason)\n" }
            throw LXDError.internalError(
                "The following instances failed to update (profile change still saved):\n" + lines.joined())
        }
    }

    /// - Returns: The new path.
    package func rename(
        project: String, name: String, to newName: String, by requestor: EventLifecycleRequestor?
    ) async throws -> String {
        guard name != "default" else { throw LXDError.forbidden("The \"default\" profile cannot be renamed") }
        let newName = try ProfileName(newName).rawValue
        let owner = try await store.write { tx in
            var row = try Self.find(tx, project, name)
            guard try tx.profile(project: row.project, name: newName) == nil else {
                throw LXDError.conflict("Name \"\(newName)\" already in use")
            }
            row.name = newName
            try tx.updateProfile(row)
            return row.project
        }
        let source = ResourcePath.of("profiles", newName, project: owner)
        announce(.profileRenamed, source, project: owner, by: requestor, context: ["old_name": .string(name)])
        return source
    }

    package func delete(project: String, name: String, by requestor: EventLifecycleRequestor?) async throws {
        guard name != "default" else { throw LXDError.forbidden("The \"default\" profile cannot be deleted") }
        let owner = try await store.write { tx in
            let row = try Self.find(tx, project, name)
            guard try tx.profileUses()[row.id] == nil else { throw LXDError.badRequest("Profile is currently in use") }
            try tx.deleteProfile(id: row.id)
            return row.project
        }
        announce(.profileDeleted, ResourcePath.of("profiles", name, project: owner), project: owner, by: requestor)
    }

    private static func find(_ tx: Transaction, _ project: String, _ name: String) throws -> ProfileRow {
        guard let row = try tx.profile(project: tx.effectiveProject(project, .profiles), name: name) else {
            throw LXDError.notFound("Profile not found")
        }
        return row
    }

    /// Refuses to take the root disk's pool away from instances that get their root disk from this profile.
    private static func checkRootPool(_ tx: Transaction, _ old: ProfileRow, _ new: ProfileRow) throws {
        let oldRoot = rootDisk(old.devices)
        guard let oldRoot, let oldPool = oldRoot.config["pool"], oldPool != rootDisk(new.devices)?.config["pool"] else {
            return
        }
        for instance in try tx.instances(usingProfile: old.id) {
            if rootDisk(instance.devices)?.config["pool"]?.isEmpty == false { continue }
            // The last profile that has the device decides.
            let owner = try instance.profiles.last { name in
                try tx.profile(project: old.project, name: name)?.devices[oldRoot.name] != nil
            }
            if owner == old.name {
                throw LXDError.badRequest("At least one instance relies on this profile's root disk device")
            }
        }
    }

    private static func wire(_ row: ProfileRow, _ uses: [Int64: [ProfileUse]]) -> Profile {
        .with {
            $0.name = row.name
            $0.description = row.description
            $0.config = row.config
            $0.devices = row.devices
            $0.usedBy = (uses[row.id] ?? []).map { ResourcePath.of("instances", $0.instance, project: $0.project) }
        }
    }
}

/// The device that is an instance's root file system.
func rootDisk(_ devices: [String: [String: String]]) -> (name: String, config: [String: String])? {
    devices.sorted { $0.key < $1.key }.first { _, config in
        config["type"] == "disk" && config["path"] == "/" && config["source"]?.isEmpty != false
    }.map { ($0.key, $0.value) }
}
