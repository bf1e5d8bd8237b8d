import Glibc
package import LXDAPI
import LXDDatabase
import LXDImages
import SystemPackage

/// A file of an image as it is handed out.
package struct ImageExportFile: Sendable {
    package let path: String
    /// The name of its part: `metadata`, `rootfs`; of a unified image its file name.
    package let partName: String
    package let fileName: String
    package let size: Int64
}

extension ImageService {
    /// The files of an image: one, or metadata and root filesystem.
    package func export(_ image: Image) async throws -> [ImageExportFile] {
        let files = ImageFiles(store: paths.images, fingerprint: try Fingerprint(image.fingerprint))
        let name = image.fingerprint
        let first = try Self.file(files.metadata, part: "", name: name, isMetadata: files.rootfs != nil)
        guard let rootfs = files.rootfs else { return [first] }
        return [first, try Self.file(rootfs, part: "rootfs", name: name, isMetadata: false)]
    }

    package func announceExport(_ image: Image, project: String, by requestor: EventLifecycleRequestor?) {
        announce(
            .imageRetrieved, ResourcePath.of("images", image.fingerprint, project: project), project: project,
            by: requestor)
    }

    /// Tells that somebody was given a secret for an image.
    package func announceSecret(_ image: Image, project: String, by requestor: EventLifecycleRequestor?) {
        announce(
            .imageSecretCreated, ResourcePath.of("images", image.fingerprint, project: project), project: project,
            by: requestor)
    }

    private static func file(_ path: FilePath, part: String, name: String, isMetadata: Bool) throws -> ImageExportFile {
        var status = stat()
        guard stat(path.string, &status) == 0 else {
            throw LXDError.internalError("Failed to read the image file \(path): \(Errno(rawValue: errno))")
        }
        // A file of a kind nobody knows is handed out without a suffix, as LXD does.
        let suffix = (try? ImageReader.format(of: path))?.suffix ?? ""
        let fileName = (isMetadata ? "meta-" : "") + name + suffix
        return ImageExportFile(
            path: path.string, partName: isMetadata ? "metadata" : part.isEmpty ? fileName : part, fileName: fileName,
            size: Int64(status.st_size))
    }
}
