import LXDAPI
import LXDClient

/// Brings a server to what a preseed says, and back to what it was when a step fails.
struct InitApply {
    private let server: ServerConnection

    init(_ server: ServerConnection) { self.server = server }

    private typealias Undo = @Sendable () async throws -> Void

    func apply(_ preseed: InitPreseed) async throws {
        if preseed.cluster?.enabled == true {
            throw LXDError.notImplemented("Clustering is not supported by this server")
        }
        var undo: [Undo] = []
        do {
            try await applyConfig(preseed.config, &undo)
            try await applyPools(preseed.storagePools, &undo)
            // Projects may need networks of the default project, and have networks of their own.
            try await applyNetworks(preseed.networks.filter { Self.project($0) == "default" }, &undo)
            try await applyProjects(preseed.projects, &undo)
            try await applyNetworks(preseed.networks.filter { Self.project($0) != "default" }, &undo)
            try await applyProfiles(preseed.profiles, &undo)
        } catch {
            var failures: [String] = []
            for step in undo.reversed() {
                do { try await step() } catch { failures.append(LXDError.from(error).message) }
            }
            guard failures.isEmpty else {
                throw LXDError.from(error).wrapped("Not everything could be undone (\(failures.joined(separator: "; ")))")
            }
            throw error
        }
    }

    private static func project(_ network: InitNetworksProjectPost) -> String {
        network.project.isEmpty ? "default" : network.project
    }

    private func step<Result>(_ text: String, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch {
            throw LXDError.from(error).wrapped(text)
        }
    }

    private func applyConfig(_ config: [String: JSONValue], _ undo: inout [Undo]) async throws {
        guard !config.isEmpty else { return }
        let current = try await step("Failed to retrieve current server configuration") { try await server.server() }
        undo.append { [server] in try await server.updateServer(current.value.writable) }
        var new = current.value.writable
        for (key, value) in config { new.config[key] = .string(Self.text(value)) }
        let put = new
        try await step("Failed to update server configuration") { try await server.updateServer(put, etag: current.etag) }
    }

    /// A value of a key as text: preseeds may hold numbers and booleans.
    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): text
        case .bool(let flag): String(flag)
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .null, .array, .object: ""
        }
    }

    private func applyPools(_ pools: [StoragePoolsPost], _ undo: inout [Undo]) async throws {
        guard !pools.isEmpty else { return }
        let names = try await step("Failed to retrieve list of storage pools") { try await server.storagePoolNames() }
        for pool in pools {
            guard names.contains(pool.name) else {
                try await step("Failed to create storage pool \"\(pool.name)\"") { try await server.createStoragePool(pool) }
                undo.append { try await server.deleteStoragePool(pool.name) }
                continue
            }
            let current = try await step("Failed to retrieve current storage pool \"\(pool.name)\"") {
                try await server.storagePool(pool.name)
            }
            guard current.value.driver == pool.driver else {
                throw LXDError.badRequest(
                    "Storage pool \"\(pool.name)\" is of type \"\(current.value.driver)\" instead of \"\(pool.driver)\"")
            }
            undo.append { try await server.updateStoragePool(pool.name, current.value.writable) }
            var put = current.value.writable
            if !pool.description.isEmpty { put.description = pool.description }
            put.config.merge(pool.config) { $1 }
            let new = put
            try await step("Failed to update storage pool \"\(pool.name)\"") {
                try await server.updateStoragePool(pool.name, new, etag: current.etag)
            }
        }
    }

    private func applyNetworks(_ networks: [InitNetworksProjectPost], _ undo: inout [Undo]) async throws {
        for network in networks {
            let project = Self.project(network)
            let server = self.server.using(project: project)
            let current: Versioned<Network>
            do {
                current = try await server.network(network.name)
                guard current.value.managed else { throw LXDError.notFound() }
            } catch {
                try await step("Failed to create local member network \"\(network.name)\" in project \"\(project)\"") {
                    try await server.createNetwork(network.networksPost)
                }
                undo.append { try await server.deleteNetwork(network.name) }
                continue
            }
            var put = current.value.writable
            if !network.description.isEmpty { put.description = network.description }
            put.config.merge(network.config) { $1 }
            let new = put
            try await step("Failed to update local member network \"\(network.name)\" in project \"\(project)\"") {
                try await server.updateNetwork(network.name, new, etag: current.etag)
            }
            undo.append { try await server.updateNetwork(network.name, current.value.writable) }
        }
    }

    private func applyProjects(_ projects: [ProjectsPost], _ undo: inout [Undo]) async throws {
        guard !projects.isEmpty else { return }
        let names = try await step("Failed to retrieve list of projects") { try await server.projectNames() }
        for project in projects {
            guard names.contains(project.name) else {
                try await step("Failed to create local member project \"\(project.name)\"") {
                    try await server.createProject(project)
                }
                undo.append { try await server.deleteProject(project.name) }
                continue
            }
            let current = try await step("Failed to retrieve current project \"\(project.name)\"") {
                try await server.project(project.name)
            }
            undo.append { try await server.updateProject(project.name, current.value.writable) }
            var put = current.value.writable
            if !project.description.isEmpty { put.description = project.description }
            put.config.merge(project.config) { $1 }
            let new = put
            try await step("Failed to update local member project \"\(project.name)\"") {
                try await server.updateProject(project.name, new, etag: current.etag)
            }
        }
    }

    private func applyProfiles(_ profiles: [ProfilesPost], _ undo: inout [Undo]) async throws {
        guard !profiles.isEmpty else { return }
        let names = try await step("Failed to retrieve list of profiles") { try await server.profileNames() }
        for profile in profiles {
            guard names.contains(profile.name) else {
                try await step("Failed to create profile \"\(profile.name)\"") { try await server.createProfile(profile) }
                undo.append { try await server.deleteProfile(profile.name) }
                continue
            }
            let current = try await step("Failed to retrieve current profile \"\(profile.name)\"") {
                try await server.profile(profile.name)
            }
            undo.append { try await server.updateProfile(profile.name, current.value.writable) }
            var put = current.value.writable
            if !profile.description.isEmpty { put.description = profile.description }
            put.config.merge(profile.config) { $1 }
            // A device that is there keeps the keys the preseed does not name.
            put.devices.merge(profile.devices) { $0.merging($1) { $1 } }
            let new = put
            try await step("Failed to update profile \"\(profile.name)\"") {
                try await server.updateProfile(profile.name, new, etag: current.etag)
            }
        }
    }
}
