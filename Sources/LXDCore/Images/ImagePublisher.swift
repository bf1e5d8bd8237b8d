import Foundation
package import LXDAPI
import LXDConfig
import LXDDatabase
import LXDLinux
package import LXDImages
import LXDStorage
import SystemPackage

/// Makes images of instances and of their snapshots.
package final class ImagePublisher: Sendable {
    private let environment: InstanceEnvironment
    private let lifecycle: InstanceLifecycle
    private let images: ImageService
    private let packer: ImagePacker
    private let defaultCompression: @Sendable () -> String
    /// One at a time: two would be slower than one after the other.
    private let locks = KeyedLocks<String>(patience: .seconds(3600))

    package init(
        environment: InstanceEnvironment, lifecycle: InstanceLifecycle, images: ImageService, packer: ImagePacker,
        defaultCompression: @escaping @Sendable () -> String
    ) {
        self.environment = environment
        self.lifecycle = lifecycle
        self.images = images
        self.packer = packer
        self.defaultCompression = defaultCompression
    }

    /// - Parameter snapshot: Of the instance, or the instance itself, which must not run.
    package func publish(
        _ key: InstanceKey, snapshot: String?, _ request: ImagesPost, by requestor: EventLifecycleRequestor?,
        progress: ProgressSink
    ) async throws -> Image {
        let instance = try await environment.load(key)
        let compression = try await compression(request, project: key.project)
        return try await locks.with("publish", .copy) {
            try await environment.locks.with(key, .copy) {
                if snapshot == nil, await lifecycle.isRunning(key) {
                    throw LXDError.badRequest("Cannot export a running instance as an image")
                }
                let driver = try await environment.pools.driver(instance.rootPool())
                let volume = try environment.volume(key, snapshot: snapshot)
                guard await driver.exists(volume) else { throw LXDError.notFound("Instance snapshot not found") }
                let directory = try images.makeWorkDirectory()
                do {
                    let path = directory + "/image"
                    let metadata = try Self.metadata(of: instance, in: driver.mountPath(volume), request)
                    let packer = packer
                    let text = ProgressText("Image pack", totalBytes: 0)
                    let (fingerprint, size) = try await driver.withTree(volume, isRunning: false) { tree in
                        let file = OwnedDescriptor(
                            adopting: try FileDescriptor.open(
                                FilePath(path), .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
                                permissions: [.ownerReadWrite]))
                        let result = try await packer.pack(
                            PackedTree(layers: tree.layers, metadata: tree.metadata), metadata: metadata,
                            to: file.descriptor, compression: compression
                        ) { totals in
                            progress(
                                "create_image_from_container_pack_progress", text.text(doneBytes: totals.readBytes))
                        }
                        withExtendedLifetime(file) {}
                        return result
                    }
                    let upload = ImageUpload(
                        directory: directory, file: path, rootfs: nil, size: size, fingerprint: fingerprint,
                        fileName: request.filename, type: .container)
                    return try await add(upload, key, request, requestor)
                } catch {
                    images.removeWorkDirectory(directory)
                    throw error
                }
            }
        }
    }

    private func add(
        _ upload: ImageUpload, _ key: InstanceKey, _ request: ImagesPost, _ requestor: EventLifecycleRequestor?
    ) async throws -> Image {
        var new = ImageImport()
        new.project = key.project
        new.isPublic = request.public
        new.autoUpdate = request.autoUpdate
        new.aliases = request.aliases
        return try await images.add(upload, new, by: requestor)
    }

    /// The image's `metadata.yaml`: the instance's own with what the request changes, or a new one.
    private static func metadata(of instance: LoadedInstance, in directory: String, _ request: ImagesPost) throws
        -> ImageMetadata
    {
        var metadata = ImageMetadata()
        if let data = FileManager.default.contents(atPath: directory + "/metadata.yaml") {
            metadata = try LXDYAML.decode(ImageMetadata.self, from: String(decoding: data, as: UTF8.self))
        }
        metadata.architecture = try Architectures.numbered(instance.row.architecture).name
        metadata.creationDate = LXDTime.now().seconds
        if !request.properties.isEmpty { metadata.properties = request.properties }
        if !request.expiresAt.isZero { metadata.expiryDate = request.expiresAt.seconds }
        return metadata
    }

    /// What was asked for, else what the project or the server says.
    private func compression(_ request: ImagesPost, project: String) async throws -> ImageCompression {
        var name = request.compressionAlgorithm
        if name.isEmpty {
            let row = try await environment.store.read { try $0.requireProject(project) }
            name = row.config["images.compression_algorithm"] ?? ""
        }
        if name.isEmpty { name = defaultCompression() }
        return try Self.compression(named: name)
    }

    /// An algorithm, perhaps with the one option that changes nothing about what the archive holds.
    static func compression(named text: String) throws -> ImageCompression {
        let words = text.split(separator: " ").map(String.init)
        guard let name = words.first else { return .none }
        for option in words.dropFirst() where option != "--rsyncable" {
            throw LXDError.badRequest("Compression option \(goQuoted(option)) isn't supported")
        }
        return try ImageCompression(algorithm: name)
    }
}
