internal import GRDB
package import LXDAPI

extension Migration {
    static let images = Migration(
        name: "images",
        sql: """
            CREATE TABLE images (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                fingerprint TEXT NOT NULL,
                filename TEXT NOT NULL DEFAULT '',
                size INTEGER NOT NULL,
                public INTEGER NOT NULL DEFAULT 0,
                architecture TEXT NOT NULL DEFAULT '',
                creation_date DATETIME,
                expiry_date DATETIME,
                upload_date DATETIME NOT NULL,
                cached INTEGER NOT NULL DEFAULT 0,
                last_use_date DATETIME,
                auto_update INTEGER NOT NULL DEFAULT 0,
                project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
                type INTEGER NOT NULL DEFAULT 0,
                UNIQUE (project_id, fingerprint)
            );
            CREATE INDEX images_fingerprint ON images (fingerprint);
            CREATE TABLE images_properties (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
                type INTEGER NOT NULL DEFAULT 0,
                key TEXT NOT NULL,
                value TEXT,
                UNIQUE (image_id, key)
            );
            CREATE TABLE images_source (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                image_id INTEGER NOT NULL UNIQUE REFERENCES images (id) ON DELETE CASCADE,
                server TEXT NOT NULL,
                protocol TEXT NOT NULL,
                certificate TEXT NOT NULL,
                alias TEXT NOT NULL
            );
            CREATE TABLE images_nodes (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
                node_id INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
                UNIQUE (image_id, node_id)
            );
            CREATE TABLE images_profiles (
                image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
                profile_id INTEGER NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
                UNIQUE (image_id, profile_id)
            );
            CREATE TABLE images_aliases (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                name TEXT NOT NULL,
                image_id INTEGER NOT NULL REFERENCES images (id) ON DELETE CASCADE,
                description TEXT NOT NULL DEFAULT '',
                project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
                UNIQUE (project_id, name)
            );
            CREATE INDEX images_aliases_image ON images_aliases (image_id);
            """)
}

/// An image in one project. The same files may be an image of several projects.
package struct ImageRow: Sendable {
    package var id: Int64 = 0
    package var project = ""
    /// 64 hexadecimal digits.
    package var fingerprint = ""
    package var filename = ""
    /// Bytes of all its files together.
    package var size: Int64 = 0
    package var isPublic = false
    /// LXD's name: `x86_64`, `aarch64`.
    package var architecture = ""
    package var createdAt = LXDTime()
    package var expiresAt = LXDTime()
    package var uploadedAt = LXDTime()
    package var lastUsedAt = LXDTime()
    /// Fetched for an instance, not asked for; removed again when long unused.
    package var cached = false
    package var autoUpdate = false
    package var type: InstanceType = .container
    package var properties: [String: String] = [:]
    package var aliases: [ImageAliasRow] = []
    /// Names of the profiles an instance gets that names none, in the image's project.
    package var profiles: [String] = []
    package var source: ImageSourceRow?

    package init() {}
}

/// Where an image was downloaded from, for refreshing it.
package struct ImageSourceRow: Sendable, Hashable {
    package var server = ""
    package var imageProtocol = ""
    package var certificate = ""
    package var alias = ""

    package init() {}
}

/// Which image changes come from a request.
package struct ImageUpdate: Sendable {
    package var isPublic = false
    package var autoUpdate = false
    package var expiresAt = LXDTime()
    package var properties: [String: String] = [:]
    /// `nil` leaves the profiles as they are.
    package var profiles: [String]?

    package init() {}
}

private let imageProperties = ConfigTable(table: "images_properties", owner: "image_id")

extension Transaction {
    /// The images of one project, or of all, by id.
    package func images(project: String? = nil, publicOnly: Bool = false) throws -> [ImageRow] {
        var condition = "1"
        var arguments: StatementArguments = []
        if let project {
            condition = "projects.name = ?"
            arguments = [project]
        }
        if publicOnly { condition += " AND images.public = 1" }
        return try loadImages(condition, arguments)
    }

    package func image(project: String, fingerprint: String) throws -> ImageRow? {
        try loadImages("projects.name = ? AND images.fingerprint = ?", [project, fingerprint]).first
    }

    package func image(id: Int64) throws -> ImageRow? {
        try loadImages("images.id = ?", [id]).first
    }

    /// The images whose fingerprint begins so; `prefix` is hexadecimal digits only.
    package func images(project: String, fingerprintPrefix prefix: String, publicOnly: Bool) throws -> [ImageRow] {
        guard prefix.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else { return [] }
        return try loadImages(
            "projects.name = ? AND images.fingerprint LIKE ? \(publicOnly ? "AND images.public = 1" : "")",
            [project, prefix + "%"])
    }

    /// The projects that have these files as an image.
    package func imageProjects(fingerprint: String) throws -> [String] {
        try String.fetchAll(
            database,
            sql: """
                SELECT projects.name FROM images JOIN projects ON projects.id = images.project_id
                WHERE images.fingerprint = ? ORDER BY projects.name
                """, arguments: [fingerprint])
    }

    /// All fingerprints of any project.
    package func imageFingerprints() throws -> Set<String> {
        try String.fetchSet(database, sql: "SELECT fingerprint FROM images")
    }

    @discardableResult
    package func insertImage(_ image: ImageRow) throws -> Int64 {
        try database.execute(
            sql: """
                INSERT INTO images (fingerprint, filename, size, public, architecture, creation_date, expiry_date,
                    upload_date, cached, last_use_date, auto_update, project_id, type)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM projects WHERE name = ?), ?)
                """,
            arguments: [
                image.fingerprint, image.filename, image.size, image.isPublic, image.architecture,
                storedText(image.createdAt), storedText(image.expiresAt), storedText(image.uploadedAt), image.cached,
                storedText(image.lastUsedAt), image.autoUpdate, image.project, image.type == .container ? 0 : 1,
            ])
        let id = database.lastInsertedRowID
        try imageProperties.replace(database, owner: id, with: image.properties)
        try replaceImageProfiles(id, project: image.project, with: image.profiles.isEmpty ? ["default"] : image.profiles)
        if image.project == "default" { try shareDefaultImages("images.id = ?", [id]) }
        if let source = image.source {
            try database.execute(
                sql: "INSERT INTO images_source (image_id, server, protocol, certificate, alias) VALUES (?, ?, ?, ?, ?)",
                arguments: [id, source.server, source.imageProtocol, source.certificate, source.alias])
        }
        try database.execute(
            sql: "INSERT INTO images_nodes (image_id, node_id) VALUES (?, ?)", arguments: [id, localMemberID])
        return id
    }

    package func updateImage(id: Int64, project: String, _ update: ImageUpdate) throws {
        try database.execute(
            sql: "UPDATE images SET public = ?, auto_update = ?, expiry_date = ? WHERE id = ?",
            arguments: [update.isPublic, update.autoUpdate, storedText(update.expiresAt), id])
        try imageProperties.replace(database, owner: id, with: update.properties)
        if let profiles = update.profiles {
            try replaceImageProfiles(id, project: project, with: profiles)
        }
    }

    /// Notes that an instance was created from it.
    package func touchImage(fingerprint: String, at time: LXDTime) throws {
        try database.execute(
            sql: "UPDATE images SET last_use_date = ? WHERE fingerprint = ?", arguments: [storedText(time), fingerprint])
    }

    /// Makes a downloaded copy a proper image of its project.
    package func keepImage(id: Int64, autoUpdate: Bool, isPublic: Bool) throws {
        try database.execute(
            sql: "UPDATE images SET cached = 0, auto_update = ?, public = ? WHERE id = ?",
            arguments: [autoUpdate, isPublic, id])
    }

    package func deleteImage(id: Int64) throws {
        try database.execute(sql: "DELETE FROM images WHERE id = ?", arguments: [id])
    }

    /// The name of the project whose profiles another one uses; takes its name twice.
    private static let profileOwner = """
        CASE WHEN EXISTS (
            SELECT 1 FROM projects_config AS c JOIN projects AS p ON p.id = c.project_id
            WHERE p.name = ? AND c.key = 'features.profiles' AND c.value IN ('true', '1', 'yes', 'on'))
        THEN ? ELSE 'default' END
        """

    /// The profiles that an image gives to an instance of a project. A project with profiles of its own that shares the
    /// default project's images has a list of its own for each of them.
    package func imageProfiles(id: Int64, seenFrom project: String) throws -> [String] {
        try String.fetchAll(
            database,
            sql: """
                SELECT profiles.name FROM images_profiles AS ip JOIN profiles ON profiles.id = ip.profile_id
                JOIN projects ON projects.id = profiles.project_id
                WHERE ip.image_id = ? AND projects.name = \(Self.profileOwner) ORDER BY ip.rowid
                """, arguments: [id, project, project])
    }

    /// Gives the default project's images the default profile of a project that has come to share them.
    package func shareDefaultImages(with project: String) throws {
        try shareDefaultImages("projects.name = ?", [project])
    }

    private func shareDefaultImages(_ condition: String, _ arguments: StatementArguments) throws {
        try database.execute(
            sql: """
                INSERT OR IGNORE INTO images_profiles (image_id, profile_id)
                SELECT images.id, profiles.id FROM images JOIN projects AS home ON home.id = images.project_id
                CROSS JOIN profiles JOIN projects ON projects.id = profiles.project_id
                WHERE home.name = 'default' AND projects.name != 'default' AND profiles.name = 'default'
                AND NOT EXISTS (SELECT 1 FROM projects_config AS c WHERE c.project_id = projects.id
                    AND c.key = 'features.images' AND c.value IN ('true', '1', 'yes', 'on'))
                AND EXISTS (SELECT 1 FROM projects_config AS c WHERE c.project_id = projects.id
                    AND c.key = 'features.profiles' AND c.value IN ('true', '1', 'yes', 'on'))
                AND \(condition)
                """, arguments: arguments)
    }

    /// The profiles are the project's own, or the default project's when it shares those.
    private func replaceImageProfiles(_ id: Int64, project: String, with names: [String]) throws {
        try database.execute(
            sql: """
                DELETE FROM images_profiles WHERE image_id = ? AND profile_id IN (
                    SELECT profiles.id FROM profiles JOIN projects ON projects.id = profiles.project_id
                    WHERE projects.name = \(Self.profileOwner))
                """, arguments: [id, project, project])
        for name in names {
            try database.execute(
                sql: """
                    INSERT INTO images_profiles (image_id, profile_id)
                    SELECT ?, profiles.id FROM profiles JOIN projects ON projects.id = profiles.project_id
                    WHERE profiles.name = ? AND projects.name = \(Self.profileOwner)
                    """, arguments: [id, name, project, project])
            guard database.changesCount == 1 else {
                throw LXDError.notFound("Profile \"\(name)\" not found for image in project \"\(project)\"")
            }
        }
    }

    func loadImages(_ condition: String, _ arguments: StatementArguments) throws -> [ImageRow] {
        let from = "FROM images JOIN projects ON projects.id = images.project_id WHERE \(condition)"
        let owners = "SELECT images.id \(from)"
        let properties = try imageProperties.load(database, owners: owners, arguments)
        var aliases: [Int64: [ImageAliasRow]] = [:]
        let aliasRows = try Row.fetchCursor(
            database,
            sql: "SELECT id, image_id, name, description FROM images_aliases WHERE image_id IN (\(owners)) ORDER BY id",
            arguments: arguments)
        while let row = try aliasRows.next() {
            let imageID: Int64 = row[1]
            aliases[imageID, default: []].append(
                ImageAliasRow(id: row[0], imageID: imageID, name: row[2], description: row[3]))
        }
        var profiles: [Int64: [String]] = [:]
        let profileRows = try Row.fetchCursor(
            database,
            sql: """
                SELECT ip.image_id, p.name FROM images_profiles AS ip JOIN profiles AS p ON p.id = ip.profile_id
                JOIN images AS i ON i.id = ip.image_id
                WHERE ip.image_id IN (\(owners)) AND p.project_id = CASE WHEN EXISTS (
                    SELECT 1 FROM projects_config AS c WHERE c.project_id = i.project_id
                    AND c.key = 'features.profiles' AND c.value IN ('true', '1', 'yes', 'on'))
                THEN i.project_id ELSE 1 END ORDER BY ip.rowid
                """, arguments: arguments)
        while let row = try profileRows.next() {
            let imageID: Int64 = row[0]
            profiles[imageID, default: []].append(row[1])
        }
        var sources: [Int64: ImageSourceRow] = [:]
        let sourceRows = try Row.fetchCursor(
            database,
            sql: "SELECT image_id, server, protocol, certificate, alias FROM images_source WHERE image_id IN (\(owners))",
            arguments: arguments)
        while let row = try sourceRows.next() {
            var source = ImageSourceRow()
            source.server = row[1]
            source.imageProtocol = row[2]
            source.certificate = row[3]
            source.alias = row[4]
            sources[row[0]] = source
        }
        return try Row.fetchAll(
            database,
            sql: """
                SELECT images.id, projects.name, fingerprint, filename, size, public, architecture, creation_date,
                    expiry_date, upload_date, cached, last_use_date, auto_update, type \(from) ORDER BY images.id
                """, arguments: arguments
        ).map { row in
            var image = ImageRow()
            image.id = row[0]
            image.project = row[1]
            image.fingerprint = row[2]
            image.filename = row[3]
            image.size = row[4]
            image.isPublic = row[5]
            image.architecture = row[6]
            image.createdAt = storedTime(row[7]) ?? LXDTime()
            image.expiresAt = storedTime(row[8]) ?? LXDTime()
            image.uploadedAt = storedTime(row[9]) ?? LXDTime()
            image.cached = row[10]
            image.lastUsedAt = storedTime(row[11]) ?? LXDTime()
            image.autoUpdate = row[12]
            image.type = (row[13] as Int) == 0 ? .container : .virtualMachine
            image.properties = properties[image.id] ?? [:]
            image.aliases = aliases[image.id] ?? []
            image.profiles = profiles[image.id] ?? []
            image.source = sources[image.id]
            return image
        }
    }
}
