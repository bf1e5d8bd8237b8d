import Foundation
import Glibc
package import LXDAPI
import LXDDatabase
import LXDImages
import Logging
import SystemPackage

/// What a client says of an image it brings.
package struct ImageImport: Sendable {
    package var project = "default"
    package var isPublic = false
    package var autoUpdate = false
    /// What the client computed; empty if it did not.
    package var fingerprint = ""
    /// Added to those in the image, over them.
    package var properties: [String: String] = [:]
    package var aliases: [ImageAlias] = []
    /// `nil`: as the image says.
    package var expiresAt: LXDTime?
    /// Stands for the properties in the image; nil: as the image says.
    package var replacedProperties: [String: String]?
    /// What the server it came from says of it, which counts more than what the image says of itself.
    var description: Image?
    /// Where it came from, if it can become newer there.
    var source: ImageSourceRow?
    /// Fetched for an instance, not asked for.
    var isCached = false

    package init() {}
}

extension ImageService {
    /// Takes an image's files in as they come. The caller hands the result to `add` or `discard`.
    package func receive(
        contentType: String, fileName: String, project: String, _ nextChunk: @Sendable () async throws -> [UInt8]?
    ) async throws -> ImageUpload {
        let budget = try await store.read { try $0.imageSpaceBudget(project: project) }
        let directory = try makeWorkDirectory()
        do {
            var receiver = ImageReceiver(directory: directory, budget: budget)
            return try await receiver.receive(contentType: contentType, fileName: fileName, nextChunk)
        } catch {
            removeWorkDirectory(directory)
            throw error
        }
    }

    /// More than the project's disk limit has room for, in LXD's words.
    static func overBudget(_ size: Int64, _ budget: Int64) -> LXDError {
        .internalError("reached \(size) bytes, exceeding quota of \(budget)")
    }

    package func discard(_ upload: ImageUpload) { removeWorkDirectory(upload.directory) }

    /// Makes an image of files that were received or made, and takes them over.
    ///
    /// - Returns: The new image.
    package func add(
        _ upload: ImageUpload, _ request: ImageImport, by requestor: EventLifecycleRequestor?
    ) async throws -> Image {
        defer { removeWorkDirectory(upload.directory) }
        guard request.fingerprint.isEmpty || request.fingerprint == upload.fingerprint else {
            throw LXDError.badRequest(
                "fingerprints don't match, got \(upload.fingerprint) expected \(request.fingerprint)")
        }
        guard upload.type == .container else {
            throw LXDError.notImplemented("Images of virtual machines are not supported by this server")
        }
        let files = ImageFiles(metadata: FilePath(upload.file), rootfs: upload.rootfs.map { FilePath($0) })
        let inspection = try await reader.inspect(files)
        let row = Self.row(upload, request, inspection)
        let image = try await locks.with(upload.fingerprint, .create) {
            let isKnown = try await store.read { tx in
                let owner = try tx.effectiveProject(request.project, .images)
                guard try tx.image(project: owner, fingerprint: upload.fingerprint) == nil else {
                    throw LXDError.conflict("Image with same fingerprint already exists")
                }
                return try !tx.imageProjects(fingerprint: upload.fingerprint).isEmpty
            }
            // Another project may have the same image: its files are good for this one too.
            if !isKnown { try takeOver(upload) }
            do {
                return try await store.write { tx in
                    var row = row
                    row.project = try tx.effectiveProject(request.project, .images)
                    if let budget = try tx.imageSpaceBudget(project: row.project), row.size > budget {
                        throw Self.overBudget(row.size, budget)
                    }
                    row.id = try tx.insertImage(row)
                    for alias in request.aliases {
                        guard try tx.imageAlias(project: row.project, name: alias.name) == nil else {
                            throw LXDError.conflict("Alias already exists: \(alias.name)")
                        }
                        try tx.insertImageAlias(
                            project: row.project,
                            ImageAliasRow(imageID: row.id, name: alias.name, description: alias.description))
                    }
                    return try tx.image(project: row.project, fingerprint: row.fingerprint) ?? row
                }
            } catch {
                if !isKnown { try removeFiles(upload.fingerprint) }
                throw error
            }
        }
        announceCreation(image, by: requestor)
        return Self.wire(image)
    }

    func announceCreation(_ image: ImageRow, by requestor: EventLifecycleRequestor?) {
        announce(
            .imageCreated, ResourcePath.of("images", image.fingerprint, project: image.project), project: image.project,
            by: requestor, context: ["type": "container"])
    }

    /// Removes what a daemon that died left: work folders, and files of no image.
    package func removeLeftovers() async throws {
        let known = try await store.read { try $0.imageFingerprints() }
        for name in try FileManager.default.contentsOfDirectory(atPath: paths.images) {
            let fingerprint = name.hasSuffix(".rootfs") ? String(name.dropLast(7)) : name
            guard name.hasPrefix("lxd_build_") || (Fingerprint.isPrefix(fingerprint) && fingerprint.count == 64),
                !known.contains(fingerprint)
            else { continue }
            logger.debug("Removing leftover image file", metadata: ["file": "\(name)"])
            try FileManager.default.removeItem(atPath: paths.images + "/" + name)
        }
    }

    func makeWorkDirectory() throws -> String {
        let path = paths.images + "/lxd_build_" + UUID().uuidString.lowercased()
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        } catch {
            throw LXDError.internalError("Failed to create \(path): \(error.localizedDescription)", cause: error)
        }
        return path
    }

    func removeWorkDirectory(_ path: String) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            logger.debug("Work folder was not removed", metadata: ["path": "\(path)", "err": "\(error)"])
        }
    }

    /// Removes an image's files; absent ones are no error.
    func removeFiles(_ fingerprint: String) throws {
        for path in [paths.image(fingerprint), paths.imageRootfs(fingerprint)] {
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch CocoaError.fileNoSuchFile {
                continue
            }
        }
    }

    /// Renames the files to their final names; both or none.
    private func takeOver(_ upload: ImageUpload) throws {
        let target = paths.image(upload.fingerprint)
        let targetRootfs = paths.imageRootfs(upload.fingerprint)
        if let rootfs = upload.rootfs { try move(rootfs, to: targetRootfs) }
        do {
            try move(upload.file, to: target)
        } catch {
            if upload.rootfs != nil { unlink(targetRootfs) }
            throw error
        }
    }

    private func move(_ source: String, to target: String) throws {
        guard Glibc.rename(source, target) != 0 else { return }
        throw LXDError.internalError("Failed to move the image file to \(target): \(Errno(rawValue: errno))")
    }

    /// The last part of a name that a stranger chose: whoever writes the image to a file may use it.
    private static func singleName(_ text: String) -> String {
        let last = text.split(separator: "/").last.map(String.init) ?? ""
        guard last != ".", last != "..", !NameRules.hasControlCharacters(last) else { return "" }
        return String(last.prefix(255))
    }

    private static func row(_ upload: ImageUpload, _ request: ImageImport, _ inspection: ImageInspection) -> ImageRow {
        var row = ImageRow()
        row.fingerprint = upload.fingerprint
        row.filename = singleName(upload.fileName)
        row.size = upload.size
        row.isPublic = request.isPublic
        row.autoUpdate = request.autoUpdate
        row.architecture = inspection.metadata.architecture
        row.createdAt = LXDTime(seconds: inspection.metadata.creationDate)
        row.expiresAt = LXDTime(seconds: inspection.metadata.expiryDate)
        row.uploadedAt = .now()
        row.type = upload.type
        row.properties = request.replacedProperties ?? inspection.metadata.properties
        if let description = request.description {
            row.createdAt = description.createdAt
            row.expiresAt = description.expiresAt
            row.properties = description.properties
            row.filename = description.filename.isEmpty ? row.filename : singleName(description.filename)
        }
        if let expiresAt = request.expiresAt { row.expiresAt = expiresAt }
        row.properties.merge(request.properties) { $1 }
        row.source = request.source
        row.cached = request.isCached
        if request.isCached { row.lastUsedAt = .now() }
        row.profiles = ["default"]
        return row
    }
}
