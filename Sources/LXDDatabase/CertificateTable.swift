internal import GRDB

extension Migration {
    static let certificates = Migration(
        name: "certificates",
        sql: """
            CREATE TABLE certificates (
                id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                fingerprint TEXT NOT NULL UNIQUE,
                type INTEGER NOT NULL,
                name TEXT NOT NULL,
                certificate TEXT NOT NULL,
                restricted INTEGER NOT NULL DEFAULT 0
            );
            CREATE TABLE certificates_projects (
                certificate_id INTEGER NOT NULL REFERENCES certificates (id) ON DELETE CASCADE,
                project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
                UNIQUE (certificate_id, project_id)
            );
            """)
}

/// A certificate whose holder is trusted.
package struct CertificateRow: Sendable, Hashable {
    package var id: Int64 = 0
    /// SHA-256 of the DER form, 64 hexadecimal digits.
    package var fingerprint = ""
    /// LXD's name of it: `client`, `server` or `metrics`.
    package var type = "client"
    package var name = ""
    /// PEM.
    package var certificate = ""
    package var restricted = false
    /// The projects a restricted one may use.
    package var projects: [String] = []

    package init() {}

    fileprivate static let types = ["unknown", "client", "server", "metrics"]
}

extension Transaction {
    /// All trusted certificates by id.
    package func certificates() throws -> [CertificateRow] {
        try loadCertificates("1", [])
    }

    package func certificate(fingerprint: String) throws -> CertificateRow? {
        try loadCertificates("fingerprint = ?", [fingerprint]).first
    }

    /// Those whose fingerprint begins so; `prefix` is hexadecimal digits only.
    package func certificates(fingerprintPrefix prefix: String) throws -> [CertificateRow] {
        guard prefix.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else { return [] }
        return try loadCertificates("fingerprint LIKE ?", [prefix + "%"])
    }

    @discardableResult
    package func insertCertificate(_ certificate: CertificateRow) throws -> Int64 {
        try database.execute(
            sql: "INSERT INTO certificates (fingerprint, type, name, certificate, restricted) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                certificate.fingerprint, CertificateRow.types.firstIndex(of: certificate.type) ?? 0, certificate.name,
                certificate.certificate, certificate.restricted,
            ])
        let id = database.lastInsertedRowID
        try replaceCertificateProjects(id, with: certificate.projects)
        return id
    }

    /// Writes all of the row with the same id.
    package func updateCertificate(_ certificate: CertificateRow) throws {
        try database.execute(
            sql: """
                UPDATE certificates SET fingerprint = ?, type = ?, name = ?, certificate = ?, restricted = ? WHERE id = ?
                """,
            arguments: [
                certificate.fingerprint, CertificateRow.types.firstIndex(of: certificate.type) ?? 0, certificate.name,
                certificate.certificate, certificate.restricted, certificate.id,
            ])
        try replaceCertificateProjects(certificate.id, with: certificate.projects)
    }

    package func deleteCertificate(id: Int64) throws {
        try database.execute(sql: "DELETE FROM certificates WHERE id = ?", arguments: [id])
    }

    private func replaceCertificateProjects(_ id: Int64, with names: [String]) throws {
        try database.execute(sql: "DELETE FROM certificates_projects WHERE certificate_id = ?", arguments: [id])
        for name in names {
            try database.execute(
                sql: """
                    INSERT INTO certificates_projects (certificate_id, project_id)
                    VALUES (?, (SELECT id FROM projects WHERE name = ?))
                    """, arguments: [id, name])
        }
    }

    private func loadCertificates(_ condition: String, _ arguments: StatementArguments) throws -> [CertificateRow] {
        var projects: [Int64: [String]] = [:]
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT cp.certificate_id, p.name FROM certificates_projects AS cp
                JOIN projects AS p ON p.id = cp.project_id
                WHERE cp.certificate_id IN (SELECT id FROM certificates WHERE \(condition)) ORDER BY p.name
                """, arguments: arguments)
        while let row = try rows.next() {
            let id: Int64 = row[0]
            projects[id, default: []].append(row[1])
        }
        return try Row.fetchAll(
            database,
            sql: """
                SELECT id, fingerprint, type, name, certificate, restricted FROM certificates
                WHERE \(condition) ORDER BY id
                """, arguments: arguments
        ).map { row in
            let type: Int = row[2]
            var certificate = CertificateRow()
            certificate.id = row[0]
            certificate.fingerprint = row[1]
            certificate.type = CertificateRow.types.indices.contains(type) ? CertificateRow.types[type] : "unknown"
            certificate.name = row[3]
            certificate.certificate = row[4]
            certificate.restricted = row[5]
            certificate.projects = projects[certificate.id] ?? []
            return certificate
        }
    }
}
