internal import GRDB
package import LXDAPI

/// Where images came from, and what follows from it: finding them again, and replacing them by newer ones.
extension Transaction {
    /// The newest image that is kept up to date from there, of any project.
    ///
    /// - Parameters:
    ///   - type: nil for any.
    ///   - architecture: LXD's name.
    package func cachedImage(
        server: String, imageProtocol: String, alias: String, type: InstanceType?, architecture: String
    ) throws -> String? {
        var arguments: StatementArguments = [server, imageProtocol, alias, architecture]
        var condition = ""
        if let type {
            condition = "AND images.type = ?"
            arguments += [type == .container ? 0 : 1]
        }
        return try String.fetchOne(
            database,
            sql: """
                SELECT images.fingerprint FROM images_source AS s JOIN images ON images.id = s.image_id
                WHERE s.server = ? AND s.protocol = ? AND s.alias = ? AND images.auto_update = 1
                    AND images.architecture = ? \(condition) ORDER BY images.creation_date DESC, images.id DESC
                """, arguments: arguments)
    }

    /// The same files as images of whatever projects have them, by id.
    package func images(fingerprint: String) throws -> [ImageRow] {
        try loadImages("images.fingerprint = ?", [fingerprint])
    }

    package func autoUpdatedImages() throws -> [ImageRow] {
        try loadImages("images.auto_update = 1", [])
    }

    /// Notes that an image was fetched for an instance, not asked for.
    package func setImageCached(id: Int64, lastUsedAt: LXDTime) throws {
        try database.execute(
            sql: "UPDATE images SET cached = 1, last_use_date = ? WHERE id = ?",
            arguments: [storedText(lastUsedAt), id])
    }

    package func setImageLastUse(id: Int64, _ time: LXDTime) throws {
        try database.execute(
            sql: "UPDATE images SET last_use_date = ? WHERE id = ?", arguments: [storedText(time), id])
    }

    package func setImageFilename(id: Int64, _ name: String) throws {
        try database.execute(sql: "UPDATE images SET filename = ? WHERE id = ?", arguments: [name, id])
    }

    /// Notes where an image came from; what was noted before goes.
    package func setImageSource(id: Int64, _ source: ImageSourceRow) throws {
        try database.execute(
            sql: """
                INSERT INTO images_source (image_id, server, protocol, certificate, alias) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (image_id) DO UPDATE SET server = excluded.server, protocol = excluded.protocol,
                    certificate = excluded.certificate, alias = excluded.alias
                """, arguments: [id, source.server, source.imageProtocol, source.certificate, source.alias])
    }

    /// Gives one image's profiles to another of the same project.
    package func copyImageProfiles(from oldID: Int64, to newID: Int64) throws {
        try database.execute(sql: "DELETE FROM images_profiles WHERE image_id = ?", arguments: [newID])
        try database.execute(
            sql: """
                INSERT INTO images_profiles (image_id, profile_id)
                SELECT ?, profile_id FROM images_profiles WHERE image_id = ? ORDER BY rowid
                """, arguments: [newID, oldID])
    }
}
