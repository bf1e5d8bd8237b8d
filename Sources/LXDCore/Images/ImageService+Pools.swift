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
    }

    package func fetch(
        _ source: InstanceSource, type: InstanceType, project: String, progress: ProgressSink
    ) async throws -> ImageRow {
        var wanted = ImageFetch()
        wanted.project = project
        wanted.imageProtocol = source.protocol
        wanted.server = source.server
        wanted.certificate = source.certificate
        wanted.secret = source.secret
        wanted.name = source.fingerprint.isEmpty ? source.alias : source.fingerprint
        wanted.type = type.rawValue
        wanted.isCached = true
        wanted.prefersCached = true
        wanted.autoUpdate = try await store.read { try ImageUpdateRules($0, project: project).updatesCached }
        return try await fetch(wanted, by: nil, progress: progress)
    }
}
