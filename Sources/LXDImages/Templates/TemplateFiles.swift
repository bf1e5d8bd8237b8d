package import LXDAPI
package import LXDLinux
internal import SystemPackage

/// A file to be put into a container's root.
package struct RenderedFile: Sendable, Hashable {
    /// As `metadata.yaml` names it.
    package var path: String
    package var contents: [UInt8]
    /// Leave an existing file alone.
    package var onlyIfMissing: Bool

    package init(path: String, contents: [UInt8], onlyIfMissing: Bool) {
        self.path = path
        self.contents = contents
        self.onlyIfMissing = onlyIfMissing
    }
}

/// The templates of an instance: what `metadata.yaml` lists and `templates/` holds.
package enum TemplateFiles {
    package static let metadataBytesMax = 1 << 20
    package static let templateCountMax = 256

    /// Reads the metadata of an instance; nil if it has none.
    /// - Throws: `badRequest` for what cannot be parsed, is too long, or is no regular file.
    package static func metadata(in directory: ConfinedDirectory) throws -> ImageMetadata? {
        let bytes: [UInt8]
        do {
            guard try directory.status("metadata.yaml").kind == .regular else {
                throw LXDError.badRequest("metadata.yaml is no regular file")
            }
            bytes = try directory.read("metadata.yaml", limit: metadataBytesMax)
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch Errno.fileTooLarge {
            throw LXDError.badRequest("metadata.yaml is longer than \(metadataBytesMax) bytes")
        }
        do {
            return try LXDYAML.decode(ImageMetadata.self, from: String(decoding: bytes, as: UTF8.self), limit: metadataBytesMax)
        } catch {
            throw error.wrapped("Could not parse metadata.yaml")
        }
    }

    /// Renders the templates that apply to a trigger.
    ///
    /// - Parameters:
    ///   - directory: The instance's own directory, opened `.beneath`.
    ///   - context: Everything but `trigger`, `path` and `properties`, which are filled in.
    /// - Throws: `badRequest` that names the template.
    package static func render(_ trigger: String, in directory: ConfinedDirectory, _ context: TemplateContext) throws -> [RenderedFile] {
        guard let metadata = try metadata(in: directory) else { return [] }
        let wanted = metadata.templates.filter { $0.value.when.contains(trigger) }.sorted { $0.key < $1.key }
        guard wanted.count <= templateCountMax else { throw LXDError.badRequest("The image has more than \(templateCountMax) templates") }
        return try wanted.map { path, template in
            let source = try source(template.template, in: directory)
            var context = context
            (context.trigger, context.path, context.properties) = (trigger, path, template.properties)
            do {
                let text = try TemplateRenderer.render(source, context)
                return RenderedFile(path: path, contents: Array(text.utf8), onlyIfMissing: template.createOnly)
            } catch {
                throw LXDError.badRequest("Failed to render template \(template.template): \(error)", cause: error)
            }
        }
    }

    private static func source(_ name: String, in directory: ConfinedDirectory) throws -> String {
        guard !name.isEmpty, !name.contains("/"), name != ".", name != "..", !name.utf8.contains(0) else {
            throw LXDError.badRequest("Invalid template name \(String(reflecting: name))")
        }
        do {
            // A symlink in place of the folder or the file would be the image's way to files of the host.
            guard try directory.status("templates").kind == .directory, try directory.status("templates/" + name).kind == .regular else {
                throw LXDError.badRequest("The template \(name) is no regular file")
            }
            let bytes = try directory.read("templates/" + name, limit: TemplateRenderer.templateBytesMax)
            return String(decoding: bytes, as: UTF8.self)
        } catch let error as Errno {
            throw LXDError.badRequest("Failed to read template file: \(name): \(error)", cause: error)
        }
    }
}
