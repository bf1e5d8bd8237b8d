package import LXDAPI
import LXDDatabase

extension ImageService {
    package func aliases(project: String, publicOnly: Bool = false) async throws -> [ImageAliasesEntry] {
        try await store.read { tx in
            try tx.imageAliases(project: tx.effectiveProject(project, .images))
                .filter { $0.isPublic || !publicOnly }.map(Self.wire)
        }
    }

    /// - Parameter publicOnly: Who asks may see public images only; another's alias is as good as none.
    package func alias(project: String, name: String, publicOnly: Bool = false) async throws -> ImageAliasesEntry {
        try await store.read { tx in
            // Nor does it tell whether there is such a project.
            if publicOnly, try tx.project(project) == nil { throw LXDError.notFound("Image alias not found") }
            let entry = try Self.findAlias(tx, project, name)
            guard entry.isPublic || !publicOnly else { throw LXDError.notFound("Image alias not found") }
            return Self.wire(entry)
        }
    }

    /// - Returns: The path of the alias.
    package func createAlias(
        project: String, _ request: ImageAliasesPost, by requestor: EventLifecycleRequestor?
    ) async throws -> String {
        guard !request.name.isEmpty, !request.target.isEmpty else {
            throw LXDError.badRequest("name and target are required")
        }
        guard !NameRules.hasControlCharacters(request.name) else {
            throw LXDError.badRequest("Image alias names may not contain control characters")
        }
        let owner = try await store.write { tx in
            let owner = try tx.effectiveProject(project, .images)
            guard try tx.imageAlias(project: owner, name: request.name) == nil else {
                throw LXDError.conflict("Alias \"\(request.name)\" already exists")
            }
            let image = try Self.find(tx, owner, request.target)
            try tx.insertImageAlias(
                project: owner, ImageAliasRow(imageID: image.id, name: request.name, description: request.description))
            return owner
        }
        let path = ResourcePath.of("images", "aliases", request.name, project: owner)
        announce(.imageAliasCreated, path, project: owner, by: requestor, context: ["target": .string(request.target)])
        return path
    }

    package func updateAlias(
        project: String, name: String, by requestor: EventLifecycleRequestor?,
        precondition: @escaping @Sendable (ImageAliasesEntry) throws -> Void,
        _ change: @escaping @Sendable (ImageAliasesEntry) throws -> ImageAliasesEntryPut
    ) async throws {
        let (owner, target) = try await store.write { tx in
            let owner = try tx.effectiveProject(project, .images)
            let entry = try Self.findAlias(tx, project, name)
            let current = Self.wire(entry)
            try precondition(current)
            let put = try change(current)
            guard !put.target.isEmpty else { throw LXDError.badRequest("The target field is required") }
            var alias = entry.alias
            alias.imageID = try Self.find(tx, owner, put.target).id
            alias.description = put.description
            try tx.updateImageAlias(alias)
            return (owner, put.target)
        }
        announce(
            .imageAliasUpdated, ResourcePath.of("images", "aliases", name, project: owner), project: owner,
            by: requestor, context: ["target": .string(target)])
    }

    /// - Returns: The new path.
    package func renameAlias(
        project: String, name: String, to newName: String, by requestor: EventLifecycleRequestor?
    ) async throws -> String {
        guard !newName.isEmpty, !NameRules.hasControlCharacters(newName) else {
            throw LXDError.badRequest("name is required")
        }
        let owner = try await store.write { tx in
            let owner = try tx.effectiveProject(project, .images)
            guard try tx.imageAlias(project: owner, name: newName) == nil else {
                throw LXDError.conflict("Alias \"\(newName)\" already exists")
            }
            var alias = try Self.findAlias(tx, project, name).alias
            alias.name = newName
            try tx.updateImageAlias(alias)
            return owner
        }
        let path = ResourcePath.of("images", "aliases", newName, project: owner)
        announce(.imageAliasRenamed, path, project: owner, by: requestor, context: ["old_name": .string(name)])
        return path
    }

    package func deleteAlias(project: String, name: String, by requestor: EventLifecycleRequestor?) async throws {
        let owner = try await store.write { tx in
            let entry = try Self.findAlias(tx, project, name)
            try tx.deleteImageAlias(id: entry.alias.id)
            return try tx.effectiveProject(project, .images)
        }
        announce(
            .imageAliasDeleted, ResourcePath.of("images", "aliases", name, project: owner), project: owner,
            by: requestor)
    }

    static func findAlias(_ tx: Transaction, _ project: String, _ name: String) throws -> ImageAliasEntry {
        guard let entry = try tx.imageAlias(project: tx.effectiveProject(project, .images), name: name) else {
            throw LXDError.notFound("Image alias not found")
        }
        return entry
    }

    private static func wire(_ entry: ImageAliasEntry) -> ImageAliasesEntry {
        .with {
            $0.name = entry.alias.name
            $0.description = entry.alias.description
            $0.target = entry.fingerprint
            $0.type = entry.isContainer ? "container" : "virtual-machine"
        }
    }
}
