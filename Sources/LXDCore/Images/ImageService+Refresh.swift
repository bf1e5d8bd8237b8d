package import LXDAPI
package import LXDDatabase
import LXDStorage
import Logging

/// Replacing images by what their servers have under the same name by now.
extension ImageService {
    /// Looks whether an image's server has a newer one, and puts that in its place: with its aliases, profiles and times.
    ///
    /// - Returns: The new image; nil if there is none.
    /// - Throws: `notFound` for an image that came from no server.
    package func refresh(
        _ image: ImageRow, by requestor: EventLifecycleRequestor?, progress: ProgressSink
    ) async throws -> ImageRow? {
        guard let source = image.source else { throw LXDError.notFound("Image source not found") }
        var wanted = ImageFetch()
        wanted.project = image.project
        wanted.imageProtocol = source.imageProtocol
        wanted.server = source.server
        wanted.certificate = source.certificate
        wanted.name = source.alias
        wanted.type = image.type.rawValue
        wanted.isPublic = image.isPublic
        wanted.autoUpdate = true
        let newer = try await fetch(wanted, by: requestor, progress: progress)
        guard newer.fingerprint != image.fingerprint else { return nil }
        await unpackWhereOldOneWas(image.fingerprint, newer.fingerprint)
        try await store.write { tx in
            if image.cached {
                try tx.setImageCached(id: newer.id, lastUsedAt: image.lastUsedAt)
            } else {
                try tx.setImageLastUse(id: newer.id, image.lastUsedAt)
            }
            try tx.moveImageAliases(from: image.id, to: newer.id)
            try tx.copyImageProfiles(from: image.id, to: newer.id)
        }
        try await delete(project: image.project, fingerprint: image.fingerprint, by: requestor)
        announce(
            .imageRefreshed, ResourcePath.of("images", image.fingerprint, project: image.project),
            project: image.project, by: requestor)
        return newer
    }

    /// Pools that had the old image get the new one at once, so that the next launch is as fast as the last. One that
    /// cannot take it now takes it then.
    private func unpackWhereOldOneWas(_ old: String, _ new: String) async {
        for (name, driver) in storage.ready where await driver.hasImage(old) {
            do {
                try await prepare(new, in: driver, progress: .none)
            } catch {
                logger.warning(
                    "Failed to unpack a newer image",
                    metadata: ["pool": "\(name)", "fingerprint": "\(new)", "err": "\(error)"])
            }
        }
    }

    /// Refreshes all images that are to be kept up to date, by the rules of their projects.
    package func refreshDue(hoursSinceStart: Int64) async throws {
        let due = try await store.read { tx in
            try tx.autoUpdatedImages().filter { image in
                try ImageUpdateRules(tx, project: image.project).isDue(hoursSinceStart: hoursSinceStart)
            }
        }
        for image in due where image.source != nil {
            try Task.checkCancellation()
            do {
                _ = try await refresh(image, by: nil, progress: .none)
            } catch {
                logger.error(
                    "Failed to update image",
                    metadata: ["project": "\(image.project)", "fingerprint": "\(image.fingerprint)", "err": "\(error)"])
            }
        }
    }

    /// Removes images that were fetched for instances and not used for longer than their projects keep them. What cannot
    /// be removed is said in the log.
    package func removeExpired(now: LXDTime) async throws {
        let expired = try await store.read { tx in
            try tx.images().filter { image in
                guard image.cached else { return false }
                let used = image.lastUsedAt.isZero ? image.uploadedAt : image.lastUsedAt
                return try ImageUpdateRules(tx, project: image.project).isExpired(lastUsed: used, now: now)
            }
        }
        for image in expired {
            do {
                try await delete(project: image.project, fingerprint: image.fingerprint, by: nil)
            } catch {
                logger.error(
                    "Failed to remove an expired image",
                    metadata: ["fingerprint": "\(image.fingerprint)", "err": "\(error)"])
            }
        }
    }
}
