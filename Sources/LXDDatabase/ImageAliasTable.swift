internal import GRDB

/// A name for an image of the same project.
package struct ImageAliasRow: Sendable, Hashable {
    package var id: Int64 = 0
    package var imageID: Int64 = 0
    package var name = ""
    package var description = ""

    package init(id: Int64 = 0, imageID: Int64, name: String, description: String) {
        self.id = id
        self.imageID = imageID
        self.name = name
        self.description = description
    }
}

/// An alias together with what its wire form tells of the image.
package struct ImageAliasEntry: Sendable {
    package var alias: ImageAliasRow
    package var fingerprint: String
    package var isContainer: Bool
    package var isPublic: Bool
}

extension Transaction {
    /// The aliases of a project by id.
    package func imageAliases(project: String, name: String? = nil) throws -> [ImageAliasEntry] {
        var arguments: StatementArguments = [project]
        if let name { arguments += [name] }
        return try Row.fetchAll(
            database,
            sql: """
                SELECT a.id, a.image_id, a.name, a.description, i.fingerprint, i.type, i.public
                FROM images_aliases AS a JOIN images AS i ON i.id = a.image_id
                JOIN projects AS p ON p.id = a.project_id WHERE p.name = ? \(name == nil ? "" : "AND a.name = ?")
                ORDER BY a.id
                """, arguments: arguments
        ).map { row in
            ImageAliasEntry(
                alias: ImageAliasRow(id: row[0], imageID: row[1], name: row[2], description: row[3]),
                fingerprint: row[4], isContainer: (row[5] as Int) == 0, isPublic: row[6])
        }
    }

    package func imageAlias(project: String, name: String) throws -> ImageAliasEntry? {
        try imageAliases(project: project, name: name).first
    }

    @discardableResult
    package func insertImageAlias(project: String, _ alias: ImageAliasRow) throws -> Int64 {
        try database.execute(
            sql: """
                INSERT INTO images_aliases (name, image_id, description, project_id)
                VALUES (?, ?, ?, (SELECT id FROM projects WHERE name = ?))
                """, arguments: [alias.name, alias.imageID, alias.description, project])
        return database.lastInsertedRowID
    }

    /// Writes name, image and description of the row with the same id.
    package func updateImageAlias(_ alias: ImageAliasRow) throws {
        try database.execute(
            sql: "UPDATE images_aliases SET name = ?, image_id = ?, description = ? WHERE id = ?",
            arguments: [alias.name, alias.imageID, alias.description, alias.id])
    }

    package func deleteImageAlias(id: Int64) throws {
        try database.execute(sql: "DELETE FROM images_aliases WHERE id = ?", arguments: [id])
    }

    /// Points all aliases of one image to another.
    package func moveImageAliases(from oldID: Int64, to newID: Int64) throws {
        try database.execute(sql: "UPDATE images_aliases SET image_id = ? WHERE image_id = ?", arguments: [newID, oldID])
    }
}
