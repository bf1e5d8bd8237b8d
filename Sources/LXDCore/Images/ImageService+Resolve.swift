import Foundation
package import LXDAPI
package import LXDDatabase
import Logging

extension ImageService {
    /// The image that an instance's source names: by fingerprint, alias, or the newest with certain properties.
    ///
    /// - Throws: `notFound` in LXD's words; `notImplemented` for an image on another server.
    package func resolve(_ source: InstanceSource, project: String) async throws -> ImageRow {
        guard source.server.isEmpty else {
            throw LXDError.notImplemented("Creating an instance from an image on another server is not supported by this server")
        }
        return try await store.read { tx in
            if !source.fingerprint.isEmpty { return try Self.find(tx, project, source.fingerprint) }
            if !source.alias.isEmpty {
                guard let entry = try tx.imageAlias(project: tx.effectiveProject(project, .images), name: source.alias),
                    let image = try tx.image(id: entry.alias.imageID)
                else { throw LXDError.notFound("Image alias not found") }
                return image
            }
            guard !source.properties.isEmpty else {
                throw LXDError.badRequest("Must specify one of alias, fingerprint or properties for init from image")
            }
            let matching = try tx.images(project: tx.effectiveProject(project, .images)).filter { image in
                source.properties.allSatisfy { image.properties[$0.key] == $0.value }
            }
            guard let newest = matching.max(by: { $0.createdAt < $1.createdAt }) else {
                throw LXDError.notFound("No matching image could be found")
            }
            return newest
        }
    }

    /// Notes that an instance was made from the image, which keeps a cached one from expiring.
    package func noteUse(_ fingerprint: String) async throws {
        try await store.write { try $0.touchImage(fingerprint: fingerprint, at: .now()) }
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
}

extension ImageService {
    /// Removes images that were fetched for an instance and not used for longer than their project or the server keeps
    /// them. What cannot be removed is said in the log.
    ///
    /// - Parameters:
    ///   - serverDays: `images.remote_cache_expiry` of the server; 0 keeps them for ever.
    ///   - now: The present.
    package func removeExpired(serverDays: Int64, now: LXDTime) async throws {
        let expired = try await store.read { tx in
            try tx.images().filter { image in
                guard image.cached else { return false }
                let own = try tx.project(image.project)?.config["images.remote_cache_expiry"].flatMap { Int64($0) }
                let days = own ?? serverDays
                let used = image.lastUsedAt.isZero ? image.uploadedAt : image.lastUsedAt
                return days > 0 && now - used >= .seconds(days * 86_400)
            }
        }
        for image in expired {
            do {
                try await delete(project: image.project, fingerprint: image.fingerprint, by: nil)
            } catch {
                logger.error(
                    "Failed to remove an expired image", metadata: ["fingerprint": "\(image.fingerprint)", "err": "\(error)"])
            }
        }
    }
}
