package import LXDAPI
package import LXDDatabase
import LXDImageServers

/// What belongs to copying an image beside fetching its files.
extension ImageService {
    /// An image of another project of this server, in this one: the files are there already.
    package func share(_ wanted: ImageFetch, by requestor: EventLifecycleRequestor?) async throws -> ImageRow {
        let (row, isNew) = try await store.write { tx -> (ImageRow, Bool) in
            let from = wanted.sourceProject.isEmpty ? "default" : wanted.sourceProject
            let alias = try tx.imageAlias(project: tx.effectiveProject(from, .images), name: wanted.name)
            var row = try Self.find(tx, from, alias?.fingerprint ?? wanted.name)
            let owner = try tx.effectiveProject(wanted.project, .images)
            if let own = try tx.image(project: owner, fingerprint: row.fingerprint) { return (own, false) }
            if let budget = try tx.imageSpaceBudget(project: owner), row.size > budget {
                throw Self.overBudget(row.size, budget)
            }
            row.project = owner
            row.isPublic = wanted.isPublic
            row.cached = false
            row.autoUpdate = wanted.autoUpdate && row.source != nil
            row.profiles = ["default"]
            row.uploadedAt = .now()
            row.lastUsedAt = LXDTime()
            row.id = try tx.insertImage(row)
            return (try tx.image(id: row.id) ?? row, true)
        }
        if isNew { announceCreation(row, by: requestor) }
        return row
    }

    /// Gives an image that was fetched what the request wants of it beyond its files.
    package func finish(_ row: ImageRow, _ request: ImagesPost) async throws -> Image {
        try await store.write { tx in
            guard let current = try tx.image(id: row.id) else { throw LXDError.notFound("Image not found") }
            if !request.filename.isEmpty { try tx.setImageFilename(id: row.id, request.filename) }
            // Somebody asked for it by name: it is no longer a by-product of an instance.
            try tx.keepImage(
                id: row.id, autoUpdate: current.autoUpdate || request.autoUpdate && current.source != nil,
                isPublic: current.isPublic || request.public)
            if !request.properties.isEmpty, let kept = try tx.image(id: row.id) {
                var update = ImageUpdate()
                update.isPublic = kept.isPublic
                update.autoUpdate = kept.autoUpdate
                update.expiresAt = kept.expiresAt
                update.properties = kept.properties.merging(request.properties) { $1 }
                try tx.updateImage(id: row.id, project: row.project, update)
            }
            for alias in request.aliases {
                guard try tx.imageAlias(project: row.project, name: alias.name) == nil else {
                    throw LXDError.conflict("Alias already exists: \(alias.name)")
                }
                try tx.insertImageAlias(
                    project: row.project,
                    ImageAliasRow(imageID: row.id, name: alias.name, description: alias.description))
            }
            return Self.wire(try tx.image(id: row.id) ?? row)
        }
    }

    /// What a URL says of the image it leads to.
    package func find(behind url: String, for project: String) async throws -> ImageFetch {
        let found = try await currentServers(for: project).image(
            behind: url, architectures: try Architectures.supported(), version: "5.0.2")
        var wanted = ImageFetch()
        wanted.imageProtocol = "direct"
        wanted.server = found.url
        wanted.name = found.fingerprint
        return wanted
    }

    /// Sends an image to a server that gave a secret for it.
    package func push(
        _ image: Image, to target: ImageExportPost, project: String, by requestor: EventLifecycleRequestor?,
        progress: ProgressSink
    ) async throws {
        let server = try await currentServers(for: project).lxd(
            target.target, certificate: target.certificate, project: target.project)
        let meter = DownloadMeter(progress)
        try await server.push(
            try await export(image).map(\.path), isVirtualMachine: image.type == "virtual-machine",
            fingerprint: image.fingerprint, secret: target.secret
        ) { meter.report("", $0, $1) }
        announce(
            .imageRetrieved, ResourcePath.of("images", image.fingerprint, project: project), project: project,
            by: requestor, context: ["target": .string(target.target)])
    }

    package func announceSecret(_ fingerprint: String, project: String, by requestor: EventLifecycleRequestor?) {
        announce(
            .imageSecretCreated, ResourcePath.of("images", fingerprint, project: project), project: project,
            by: requestor)
    }
}
