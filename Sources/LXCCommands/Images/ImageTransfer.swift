import LXDAPI
import LXDClient

/// Brings an image from one server to another.
struct ImageTransfer {
    let session: Session
    let source: ImageShelf
    let destination: ServerConnection
    let mode: String

    /// - Parameter alias: The alias under which the source is known, if it is to be followed from then on; else empty.
    func run(
        _ image: Image, from source: ServerConnection, isPublic: Bool, autoUpdate: Bool, alias: String
    ) async throws {
        switch mode {
        case "pull": try await pull(image, from: source, isPublic, autoUpdate, alias)
        case "push": try await push(image, from: source, isPublic)
        case "relay": _ = try await relay(image, isPublic: isPublic)
        default: throw CommandFailure("Unknown transfer mode \(mode.goQuoted): one of pull, push or relay")
        }
    }

    private var progress: ProgressRenderer { session.renderer("Copying the image: %s") }

    private func pull(
        _ image: Image, from source: ServerConnection, _ isPublic: Bool, _ autoUpdate: Bool, _ alias: String
    ) async throws {
        let certificate = try await source.certificate()
        let addresses = try await source.addresses()
        // Within one server no address is needed, and no secret.
        let isWithin = addresses.isEmpty && source.isSameServer(as: destination)
        let secret = image.public || isWithin ? "" : try await source.imageSecret(image.fingerprint)
        let request = ImagesPost.with {
            $0.public = isPublic
            $0.autoUpdate = autoUpdate
            $0.source = .with {
                $0.type = "image"
                $0.mode = "pull"
                $0.protocol = "lxd"
                $0.certificate = certificate
                $0.secret = secret
                $0.imageType = image.type
                $0.project = source.project
                if image.public, !alias.isEmpty { $0.alias = alias } else { $0.fingerprint = image.fingerprint }
            }
        }
        let places = isWithin ? [""] : addresses
        try await RemoteSource.tryAll(places, failure: "Failed remote image download") { address in
            var request = request
            request.source?.server = address
            _ = try await session.wait(try await destination.createImage(request), showing: progress)
        }
    }

    private func push(_ image: Image, from source: ServerConnection, _ isPublic: Bool) async throws {
        let receiving = try await destination.createImage(
            ImagesPost.with {
                $0.public = isPublic
                $0.properties = image.properties
                $0.expiresAt = image.expiresAt
                $0.source = .with {
                    $0.type = "image"
                    $0.mode = "push"
                    $0.fingerprint = image.fingerprint
                }
            })
        guard let secret = receiving.initial.metadata["secret"]?.stringValue else {
            throw CommandFailure("The target server gave no secret for the image")
        }
        let certificate = try await destination.certificate()
        try await RemoteSource.tryAll(try await destination.addresses(), failure: "Failed remote image push") {
            address in
            let request = ImageExportPost.with {
                $0.target = address
                $0.secret = secret
                $0.certificate = certificate
                $0.project = destination.project
            }
            _ = try await session.wait(try await source.pushImage(image.fingerprint, request), showing: progress)
        }
    }

    /// Reads the files here and sends them on.
    ///
    /// - Returns: The fingerprint at the target.
    func relay(_ image: Image, isPublic: Bool) async throws -> String {
        let folder = try TemporaryFolder()
        let files = try await source.download(image.fingerprint, type: "", into: folder.path, progress)
        var upload = ImageUpload(session: session)
        upload.isPublic = isPublic
        upload.properties = image.properties
        upload.isVirtualMachine = image.type == "virtual-machine"
        return try await upload.send(metadata: files.metadata, rootfs: files.rootfs, to: destination)
    }
}
