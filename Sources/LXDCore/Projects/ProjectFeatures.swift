import LXDAPI
package import LXDDatabase

/// What a project has of its own; without the feature it uses the default project's.
package enum ProjectFeature: String, Sendable, CaseIterable {
    case images = "features.images"
    case profiles = "features.profiles"
    case storageVolumes = "features.storage.volumes"
    case networks = "features.networks"

    /// Whether a new project has it when nothing else is said.
    var isDefault: Bool { self != .networks }
}

extension ProjectRow {
    package func has(_ feature: ProjectFeature) -> Bool {
        name == "default" || isTrue(config[feature.rawValue])
    }
}

extension Transaction {
    /// The project whose objects of a kind `name` sees: itself or `default`.
    ///
    /// - Throws: `notFound` if there is no such project.
    package func effectiveProject(_ name: String, _ feature: ProjectFeature) throws -> String {
        try requireProject(name).has(feature) ? name : "default"
    }

    /// An image with the profiles that it has in a project, which need not be its own.
    package func seen(_ image: ImageRow, from project: String) throws -> ImageRow {
        guard image.project != project else { return image }
        var image = image
        image.profiles = try imageProfiles(id: image.id, seenFrom: project)
        return image
    }

    package func requireProject(_ name: String) throws -> ProjectRow {
        guard let project = try project(name) else { throw LXDError.notFound("Project not found") }
        return project
    }
}

/// Whether a boolean key is on, by LXD's spellings.
package func isTrue(_ value: String?) -> Bool {
    guard let value else { return false }
    return ["true", "1", "yes", "on"].contains(value.lowercased())
}

/// Whether a boolean key is off; an unset one is neither.
package func isFalse(_ value: String?) -> Bool {
    guard let value else { return false }
    return ["false", "0", "no", "off"].contains(value.lowercased())
}
