package import LXDAPI
import LXDLinux
import SystemPackage

/// The files an instance keeps from its image: `metadata.yaml` and the templates it names.
///
/// Both came with an image or a backup, so they are reached only through the instance's directory descriptor.
package struct InstanceMetadataService: Sendable {
    private let environment: InstanceEnvironment
    private static let fileSizeMax = 4 << 20

    package init(environment: InstanceEnvironment) { self.environment = environment }

    package func metadata(_ key: InstanceKey, by requestor: EventLifecycleRequestor?) async throws -> ImageMetadata {
        let metadata = try await read(key)
        environment.announce(
            LifecycleAction.instanceMetadataRetrieved, path(key), project: key.project, by: requestor)
        return metadata
    }

    private func read(_ key: InstanceKey) async throws -> ImageMetadata {
        try await inDirectory(key) { directory in
            do {
                return try LXDYAML.decode(
                    from: String(decoding: try directory.read("metadata.yaml", limit: Self.fileSizeMax), as: UTF8.self))
            } catch Errno.noSuchFileOrDirectory {
                throw LXDError.notFound()
            }
        }
    }

    /// - Parameters:
    ///   - precondition: Throws when the metadata is no longer what the caller saw.
    ///   - change: The new metadata, computed from the present one.
    package func update(
        _ key: InstanceKey, by requestor: EventLifecycleRequestor?,
        precondition: @escaping @Sendable (ImageMetadata) throws -> Void,
        _ change: @escaping @Sendable (ImageMetadata) throws -> ImageMetadata
    ) async throws {
        let old: ImageMetadata
        do { old = try await read(key) } catch let error as LXDError where error.code == .notFound {
            _ = try await environment.load(key)
            old = ImageMetadata()
        }
        try precondition(old)
        let new = try change(old)
        for template in new.templates.values { try Self.checkName(template.template) }
        let text = try LXDYAML.encode(new)
        try await inDirectory(key) { try $0.write(Array(text.utf8), to: "metadata.yaml", mode: 0o644) }
        environment.announce(
            LifecycleAction.instanceMetadataUpdated, path(key), project: key.project, by: requestor)
    }

    /// The names of the template files.
    package func templates(_ key: InstanceKey) async throws -> [String] {
        try await inDirectory(key) { directory in
            guard directory.exists("templates") else { return [] }
            return try directory.list("templates").filter { name in
                (try? directory.status("templates/" + name).kind) == .regular  // One that just went away is not listed.
            }
        }
    }

    package func template(
        _ key: InstanceKey, _ name: String, by requestor: EventLifecycleRequestor?
    ) async throws -> [UInt8] {
        try Self.checkName(name)
        let bytes = try await inDirectory(key) { directory in
            try Self.orNotFound(name) { try directory.read("templates/" + name, limit: Self.fileSizeMax) }
        }
        environment.announce(
            LifecycleAction.instanceMetadataTemplateRetrieved, templatesPath(key), project: key.project, by: requestor,
            context: ["path": .string(name)])
        return bytes
    }

    package func setTemplate(
        _ key: InstanceKey, _ name: String, _ bytes: [UInt8], by requestor: EventLifecycleRequestor?
    ) async throws {
        try Self.checkName(name)
        try await inDirectory(key) { directory in
            try directory.makeDirectories("templates", mode: 0o711)
            try directory.write(bytes, to: "templates/" + name, mode: 0o644)
        }
        environment.announce(
            LifecycleAction.instanceMetadataTemplateCreated, templatesPath(key), project: key.project, by: requestor,
            context: ["path": .string(name)])
    }

    package func deleteTemplate(_ key: InstanceKey, _ name: String, by requestor: EventLifecycleRequestor?) async throws {
        try Self.checkName(name)
        try await inDirectory(key) { directory in
            try Self.orNotFound(name) { try directory.removeFile("templates/" + name) }
        }
        environment.announce(
            LifecycleAction.instanceMetadataTemplateDeleted, templatesPath(key), project: key.project, by: requestor,
            context: ["path": .string(name)])
    }

    private static func checkName(_ name: String) throws {
        guard !name.isEmpty else { throw LXDError.badRequest("missing path argument") }
        guard !name.contains("/"), name != ".", name != "..", !NameRules.hasControlCharacters(name) else {
            throw LXDError.badRequest("Invalid template filename")
        }
    }

    private static func orNotFound<Result>(_ name: String, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch Errno.noSuchFileOrDirectory {
            throw LXDError.notFound("Template \(goQuoted(name)) not found")
        }
    }

    private func inDirectory<Result: Sendable>(
        _ key: InstanceKey, _ body: @escaping @Sendable (ConfinedDirectory) throws -> Result
    ) async throws -> Result {
        let path = try await environment.directory(of: environment.load(key))
        return try await BlockingPool.shared.run {
            try body(try ConfinedDirectory(path: path, resolution: .beneath))
        }
    }

    private func path(_ key: InstanceKey) -> String {
        ResourcePath.of("instances", key.name, "metadata", project: key.project)
    }

    private func templatesPath(_ key: InstanceKey) -> String {
        ResourcePath.of("instances", key.name, "metadata", "templates", project: key.project)
    }
}
