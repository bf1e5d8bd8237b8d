import Foundation
package import LXDAPI
import LXDConfig
package import LXDDatabase
import LXDImageServers
import Logging

/// Images from other servers.
extension ImageService {
    /// An image of another server, with its files here: the one there is already, or a new one.
    ///
    /// Whoever asks for an image that another task is fetching waits for that task and then finds it.
    package func fetch(
        _ wanted: ImageFetch, by requestor: EventLifecycleRequestor?, progress: ProgressSink
    ) async throws -> ImageRow {
        guard !wanted.name.isEmpty else {
            throw LXDError.badRequest("must specify one of alias or fingerprint for init from image")
        }
        try await requireAllowed(wanted.server, in: wanted.project)
        let servers = try await currentServers(for: wanted.project)
        let source = try await find(wanted, servers)
        let name = source.image?.fingerprint ?? wanted.name
        return try await downloads.with(name, .create) {
            let fingerprint = try await preferred(wanted, over: name)
            if let present = try await present(fingerprint, wanted, by: requestor) { return present }
            let (upload, image) = try await download(wanted, source, limitBytes: budget(wanted), progress: progress)
            return try await keep(upload, image, wanted, by: requestor)
        }
    }

    /// Where an image is, and what its server says of it.
    private enum Source {
        case simpleStreams(SimpleStreamsServer, StreamCatalogue, Image)
        case lxd(LXDImageServer, Image?)
        case direct(ImageAtURL)

        /// Not known beforehand of images that a secret opens.
        var image: Image? {
            switch self {
            case .simpleStreams(_, _, let image): image
            case .lxd(_, let image): image
            case .direct(let file): .with { $0.fingerprint = file.fingerprint }
            }
        }
    }

    private func find(_ wanted: ImageFetch, _ servers: ImageServers) async throws -> Source {
        switch wanted.effectiveProtocol {
        case "simplestreams":
            do {
                let server = try servers.simpleStreams(wanted.server)
                // One question at a time for each server: the next one finds the answer in the cache.
                let catalogue = try await downloads.with("catalogue of " + wanted.server, .create) {
                    try await server.catalogue()
                }
                let target = catalogue.target(ofAlias: wanted.name, type: wanted.type)?.target
                return .simpleStreams(server, catalogue, try catalogue.image(target ?? wanted.name))
            } catch {
                throw LXDError.from(error).wrapped("Failed getting remote image info")
            }
        case "lxd":
            let server = try servers.lxd(wanted.server, certificate: wanted.certificate, project: wanted.sourceProject)
            guard wanted.secret.isEmpty else { return .lxd(server, nil) }
            do {
                let target = try await server.target(ofAlias: wanted.name, type: wanted.type)
                return .lxd(server, try await server.image(target ?? wanted.name, secret: ""))
            } catch {
                throw LXDError.from(error).wrapped("Failed getting remote image info")
            }
        case "direct":
            return .direct(try servers.image(at: wanted.server, fingerprint: wanted.name))
        default:
            throw LXDError.badRequest("Unsupported protocol: \(wanted.imageProtocol)")
        }
    }

    /// What a project that is restricted may not make this server ask for.
    ///
    /// Its users could have the server look into networks that they cannot reach themselves. An address in plain HTTP
    /// would answer with anything; over TLS only a server that proves who it is answers.
    ///
    /// - Parameter address: A URL; looked at before anything is sent.
    package func requireAllowed(_ address: String, in project: String) async throws {
        guard let restrictions = try await restrictions(project) else { return }
        guard address.lowercased().hasPrefix("https://"), let host = ImageServers.host(of: address) else {
            throw LXDError.forbidden("Images of a restricted project may only come from https servers")
        }
        let trusted = Self.trustedHosts(restrictions)
        guard trusted.isEmpty || trusted.contains(host) else {
            throw LXDError.forbidden("Images of project \(goQuoted(project)) may not come from \(goQuoted(host))")
        }
        // Names are looked at again when they have been looked up.
        guard try await currentServers(for: project).mayAsk(address) else {
            throw LXDError.forbidden("\(goQuoted(host)) is an address of this server's own, which project \(goQuoted(project)) may not use")
        }
    }

    private func restrictions(_ project: String) async throws -> ProjectRestrictions? {
        try await store.read { try ProjectRestrictions(inForceIn: $0.requireProject(project)) }
    }

    private static func trustedHosts(_ restrictions: ProjectRestrictions) -> Set<String> {
        Set(ConfigList.values(restrictions.value("restricted.images.servers")).map { $0.lowercased() })
    }

    /// The image to be used when one that is kept up to date will do.
    private func preferred(_ wanted: ImageFetch, over fingerprint: String) async throws -> String {
        guard wanted.prefersCached, wanted.name != fingerprint else { return fingerprint }
        return try await store.read { tx in
            guard try ImageUpdateRules(tx).intervalHours > 0 else { return fingerprint }
            return try tx.cachedImage(of: wanted) ?? fingerprint
        }
    }

    /// The image as the project has it, or gets it from another project.
    private func present(
        _ fingerprint: String, _ wanted: ImageFetch, by requestor: EventLifecycleRequestor?
    ) async throws -> ImageRow? {
        guard (try? Fingerprint(fingerprint)) != nil else { return nil }
        let source = wanted.sourceRow
        let (found, isNew) = try await store.write { tx -> (ImageRow?, Bool) in
            let owner = try tx.effectiveProject(wanted.project, .images)
            if let own = try tx.image(project: owner, fingerprint: fingerprint) { return (own, false) }
            // Anybody can run a server that claims to have another project's image: only one that is public, or came from
            // this very server, is given away without having been sent.
            let others = try tx.images(fingerprint: fingerprint).filter { other in
                other.isPublic || wanted.secret.isEmpty && other.source?.isSamePlace(as: source) == true
            }
            guard var row = others.first else { return (nil, false) }
            if let budget = try tx.imageSpaceBudget(project: owner), row.size > budget {
                throw Self.overBudget(row.size, budget)
            }
            row.project = owner
            row.isPublic = wanted.isPublic
            row.cached = wanted.isCached
            row.autoUpdate = wanted.name == fingerprint ? row.autoUpdate : wanted.autoUpdate
            row.profiles = ["default"]
            row.uploadedAt = .now()
            row.lastUsedAt = wanted.isCached ? .now() : LXDTime()
            row.source = wanted.name == fingerprint ? nil : source
            try tx.insertImage(row)
            return (try tx.image(project: owner, fingerprint: fingerprint), true)
        }
        if let found, isNew { announceCreation(found, by: requestor) }
        return found
    }

    private func budget(_ wanted: ImageFetch) async throws -> Int64? {
        try await store.read { try $0.imageSpaceBudget(project: $0.effectiveProject(wanted.project, .images)) }
    }

    private func download(
        _ wanted: ImageFetch, _ source: Source, limitBytes: Int64?, progress: ProgressSink
    ) async throws -> (ImageUpload, Image) {
        logger.info("Downloading image", metadata: ["server": "\(wanted.server)", "image": "\(wanted.name)"])
        let meter = DownloadMeter(progress)
        switch source {
        case .simpleStreams(let server, let catalogue, let image):
            guard image.type == "container" else { throw Self.noVirtualMachines }
            return try await intoWorkDirectory(image) { directory in
                try await server.download(image, of: catalogue, into: directory, limitBytes: limitBytes) {
                    meter.report($0, $1, $2)
                }
            }
        case .direct(let file):
            return try await intoWorkDirectory(.with { $0.fingerprint = file.fingerprint }) { directory in
                try await file.download(into: directory, limitBytes: limitBytes) {
                    meter.report($0.isEmpty ? $0 : "", $1, $2)
                }
            }
        case .lxd(let server, let known):
            let image: Image
            if let known { image = known } else { image = try await server.image(wanted.name, secret: wanted.secret) }
            guard image.type == "container" else { throw Self.noVirtualMachines }
            if let limitBytes, image.size > limitBytes {
                throw LXDError.badRequest(
                    "Remote image with size \(image.size) exceeds allowed budget of \(limitBytes)")
            }
            return (try await receive(image, from: server, wanted, meter), image)
        }
    }

    /// Takes an image from a LXD server; a transfer that was cut begins anew, as two parts in one body cannot go on.
    private func receive(
        _ image: Image, from server: LXDImageServer, _ wanted: ImageFetch, _ meter: DownloadMeter
    ) async throws -> ImageUpload {
        var attempts = 3
        while true {
            let export = try await server.export(image.fingerprint, secret: wanted.secret)
            let done = ByteCounter()
            let upload: ImageUpload
            do {
                upload = try await receive(
                    contentType: export.contentType, fileName: export.fileName, project: wanted.project
                ) {
                    guard let chunk = try await export.next() else { return nil }
                    meter.report("", done.add(chunk.count), export.length)
                    return chunk
                }
            } catch {
                attempts -= 1
                guard attempts > 0, !Task.isCancelled, (error as? LXDError)?.code == .unavailable, done.value > 0 else {
                    throw error
                }
                logger.info(
                    "Image download was cut and begins anew",
                    metadata: ["server": "\(wanted.server)", "err": "\(error)"])
                continue
            }
            guard upload.fingerprint == image.fingerprint else {
                discard(upload)
                throw LXDError.badRequest(
                    "Image fingerprint doesn't match. Got \(upload.fingerprint) expected \(image.fingerprint)")
            }
            return upload
        }
    }

    private func intoWorkDirectory(
        _ image: Image, _ work: (String) async throws -> DownloadedImage
    ) async throws -> (ImageUpload, Image) {
        let directory = try makeWorkDirectory()
        do {
            let files = try await work(directory)
            return (
                ImageUpload(
                    directory: directory, file: files.file, rootfs: files.rootfs, size: files.size,
                    fingerprint: files.fingerprint, fileName: image.filename, type: .container), image
            )
        } catch {
            removeWorkDirectory(directory)
            throw error
        }
    }

    private func keep(
        _ upload: ImageUpload, _ image: Image, _ wanted: ImageFetch, by requestor: EventLifecycleRequestor?
    ) async throws -> ImageRow {
        var new = ImageImport()
        new.project = wanted.project
        new.isPublic = wanted.isPublic
        new.isCached = wanted.isCached
        // Only an alias can come to mean something newer.
        if wanted.name != upload.fingerprint, wanted.secret.isEmpty {
            new.autoUpdate = wanted.autoUpdate
            new.source = wanted.sourceRow
        }
        if wanted.effectiveProtocol != "direct" { new.description = image }
        _ = try await add(upload, new, by: requestor)
        logger.info(
            "Image downloaded", metadata: ["server": "\(wanted.server)", "fingerprint": "\(upload.fingerprint)"])
        return try await row(project: wanted.project, prefix: upload.fingerprint)
    }

    private static var noVirtualMachines: LXDError {
        .notImplemented("Images of virtual machines are not supported by this server")
    }

    /// The way to image servers as the configuration has it now, for a project.
    func currentServers(for project: String) async throws -> ImageServers {
        let config = try await store.read { try $0.serverConfig() }
        var servers = servers
        if let restrictions = try await restrictions(project) {
            servers.trustedHosts = Self.trustedHosts(restrictions)
        }
        servers.proxies = ImageServers.Proxies(
            http: config["core.proxy_http"] ?? "", https: config["core.proxy_https"] ?? "",
            ignoredHosts: config["core.proxy_ignore_hosts"] ?? "")
        return servers
    }
}

extension ImageSourceRow {
    /// Whether the same server says what this is; of one whose certificate is not the same it is not.
    fileprivate func isSamePlace(as other: ImageSourceRow) -> Bool {
        server == other.server && imageProtocol == other.imageProtocol && certificate == other.certificate
    }
}

extension Transaction {
    /// The image that is kept up to date under the name that is wanted, of an architecture this machine can run.
    package func cachedImage(of wanted: ImageFetch) throws -> String? {
        for architecture in try Architectures.supported() {
            let found = try cachedImage(
                server: wanted.server, imageProtocol: wanted.effectiveProtocol, alias: wanted.name,
                type: wanted.type.isEmpty ? nil : wanted.type == "virtual-machine" ? .virtualMachine : .container,
                architecture: architecture)
            if let found { return found }
        }
        return nil
    }
}
