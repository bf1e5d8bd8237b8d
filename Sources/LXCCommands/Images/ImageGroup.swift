import LXDAPI
import LXDClient

struct ImageGroup: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "Manage images",
        discussion: """
            Manage images

            Instances are created from images. An image comes from an image server, from an instance that was published, from
            files, or from "lxc image build".

            A remote image that was used is kept and updated, and deleted again when nothing has used it for some days.

            Every image is known by the hash of its content, its fingerprint. Aliases are names that people can remember; any
            part of a fingerprint that is unique will do, too.
            """,
        subcommands: [
            ImageAliasGroup.self, ImageBuild.self, ImageCopy.self, ImageDelete.self, ImageEdit.self, ImageExport.self,
            ImageGetProperty.self, ImageImport.self, ImageInfo.self, ImageList.self, ImageRefresh.self,
            ImageSetProperty.self, ImageShow.self, ImageUnsetProperty.self,
        ])
}

/// An image as a person names it: a remote and an alias or a part of a fingerprint.
struct ImageReference {
    let shelf: ImageShelf
    let reference: RemoteName

    init(_ server: ServerConnection, _ reference: RemoteName) {
        shelf = .lxd(server)
        self.reference = reference
    }

    /// - Parameter allowPublic: Whether a remote will do that only gives images away.
    init(_ argument: String, _ session: Session, allowPublic: Bool = true) throws {
        reference = try session.parse(argument)
        shelf = allowPublic ? try session.shelf(reference.remote) : .lxd(try session.server(reference.remote))
    }

    /// The server where more can be done than reading.
    var server: ServerConnection {
        get throws {
            guard case .lxd(let server) = shelf else { throw CommandFailure("The remote isn't a private LXD server") }
            return server
        }
    }

    private var name: String { reference.name.isEmpty ? "default" : reference.name }

    /// The fingerprint that an alias stands for, or the name as it is.
    ///
    /// - Parameter type: `container`, `virtual-machine`, or empty for either.
    func resolved(type: String = "") async throws -> String { try await shelf.resolved(name, type: type) }

    func image(type: String = "") async throws -> Versioned<Image> { try await shelf.image(name, type: type) }

    func download(type: String = "", into folder: String, _ progress: ProgressRenderer) async throws -> ImageFiles {
        try await shelf.download(name, type: type, into: folder, progress)
    }
}

/// Names for images.
enum ImageAliases {
    /// Makes aliases point to an image; those of the same names are replaced.
    static func ensure(_ names: [String], on server: ServerConnection, fingerprint: String) async throws {
        try await ensure(names.map { name in ImageAlias.with { $0.name = name } }, on: server, fingerprint: fingerprint)
    }

    static func ensure(_ aliases: [ImageAlias], on server: ServerConnection, fingerprint: String) async throws {
        guard !aliases.isEmpty else { return }
        let existing = Set(try await server.imageAliases().map(\.name))
        for alias in aliases where existing.contains(alias.name) {
            try await addingContext("Failed to remove alias \(alias.name)") {
                try await server.deleteImageAlias(alias.name)
            }
        }
        for alias in aliases {
            try await addingContext("Failed to create alias \(alias.name)") {
                try await server.createImageAlias(
                    .with {
                        $0.name = alias.name
                        $0.target = fingerprint
                    })
            }
        }
    }
}
