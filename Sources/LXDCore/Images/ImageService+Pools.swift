package import LXDAPI
package import LXDDatabase
import LXDImages
import LXDLinux
package import LXDStorage

extension ImageService: InstanceImages {
    package func prepare(_ fingerprint: String, in pool: any PoolDriver, progress: ProgressSink) async throws {
        guard await !pool.hasImage(fingerprint) else { return }
        let files = ImageFiles(store: paths.images, fingerprint: try Fingerprint(fingerprint))
        let reader = reader
        let text = ProgressText("Unpack", totalBytes: try files.sizeBytes())
        try await locks.with(fingerprint, .create) {
            try await pool.ensureImage(fingerprint) { target in
                try await reader.unpack(files, root: target.root, metadata: target.metadata) { totals in
                    progress("create_instance_from_image_unpack_progress", text.text(doneBytes: totals.readBytes))
                }
            }
        }
        try await noteUse(fingerprint)
    }

    package func fetch(
        _ source: InstanceSource, type: InstanceType, project: String, progress: ProgressSink
    ) async throws -> ImageRow {
        throw LXDError.notImplemented("Fetching an image from another server is not supported by this server")
    }
}
