import Foundation
import LXDAPI
import LXDDatabase
import LXDImages
import LXDLinux
import Logging

/// Whose backups are kept: an instance or a custom volume.
protocol BackupSubject: Sendable {
    static var owner: BackupOwner { get }
    static var actions: BackupActions { get }
    /// For messages: `Instance backup`.
    static var title: String { get }

    var project: String { get }
    var name: String { get }
    /// The folder that the files are in.
    func backupFolder(_ paths: DaemonPaths) -> String
    /// The path of a backup in the API.
    func backupResource(_ backup: String) -> String
    /// The row that the backups belong to.
    ///
    /// - Throws: `notFound`, `badRequest` for what has no backups.
    func backupOwnerID(_ tx: Transaction) throws -> Int64
}

/// What is told of a backup that is made, renamed, deleted or handed out.
struct BackupActions: Sendable {
    let created, renamed, deleted, retrieved: LifecycleAction
    /// Told with the first.
    let context: [String: JSONValue]
}

/// A backup as it is asked for.
struct BackupRequest: Sendable {
    var name: String
    /// The zero time: never.
    var expiresAt: LXDTime
    var isBare: Bool
    /// Empty: the project's, else the server's.
    var compressionAlgorithm: String
}

/// The backups of instances, or those of volumes: their names, rows, files and times. What is in the files is the owners'
/// services' concern.
struct BackupShelf<Subject: BackupSubject>: Sendable {
    let store: Store
    let paths: DaemonPaths
    let announce: Announcer
    let logger: Logger
    /// The server's `backups.compression_algorithm`.
    let defaultCompression: @Sendable () async -> String

    /// The finished backups, oldest first.
    func list(_ subject: Subject) async throws -> [BackupRow] {
        try await store.read { tx in
            try tx.backups(of: Subject.owner, subject.backupOwnerID(tx)).filter { $0.phase == .ready }
        }
    }

    func find(_ subject: Subject, _ name: String) async throws -> BackupRow {
        try await store.read { tx in
            guard let row = try tx.backup(of: Subject.owner, subject.backupOwnerID(tx), name: name), row.phase == .ready
            else { throw LXDError.notFound("\(Subject.title) not found") }
            return row
        }
    }

    /// The name of a new backup: as asked for, or the next of `backup0`, `backup1`…
    func planName(_ subject: Subject, _ asked: String) async throws -> String {
        let name = try await store.read { tx in
            try tx.admitBackupCreation(project: subject.project)
            let owner = try subject.backupOwnerID(tx)
            guard asked.isEmpty else { return asked }
            return try SnapshotNames.name(pattern: "backup%d", existing: tx.backups(of: Subject.owner, owner).map(\.name))
        }
        return try Self.checked(name)
    }

    /// It becomes the name of a file.
    private static func checked(_ name: String) throws -> String {
        guard !name.contains("/") else { throw LXDError.badRequest("Backup names may not contain slashes") }
        return try SnapshotName(name).rawValue
    }

    /// Makes a backup; the caller holds the subject's lock.
    ///
    /// - Parameters:
    ///   - load: What `write` needs of the database, in one transaction with the new row.
    ///   - write: Writes the file, which is not there yet.
    func create<Content: Sendable>(
        _ subject: Subject, _ request: BackupRequest, by requestor: EventLifecycleRequestor?,
        load: @escaping @Sendable (Transaction) throws -> Content,
        write: (Content, _ path: String, ImageCompression) async throws -> Void
    ) async throws {
        let algorithm = try await algorithm(request.compressionAlgorithm, project: subject.project)
        let compression = try ImageCompression(algorithm: algorithm, isBackup: true)
        let name = request.name
        let (content, row) = try await store.write { tx in
            try tx.admitBackupCreation(project: subject.project)
            let owner = try subject.backupOwnerID(tx)
            try requireFree(subject, owner, name, tx)
            var row = BackupRow(of: Subject.owner, owner, name: name, createdAt: .now())
            row.expiresAt = request.expiresAt.isZero ? nil : request.expiresAt
            row.isBare = request.isBare
            row.phase = .creating
            row.id = try tx.insertBackup(row)
            return (try load(tx), row)
        }
        let path = path(subject, name)
        try await withUndo(logger) { undo in
            undo.add("backup \(subject.name)/\(name)") { [store] in
                try removeHostTree(path)
                try await store.writeForRemoval { try $0.delete(row) }
            }
            try makeHostDirectories(subject.backupFolder(paths), mode: 0o700)
            try await write(content, path, compression)
            try await store.write { try $0.setPhase(of: row, .ready) }
        }
        tell(Subject.actions.created, subject, name, requestor, Subject.actions.context)
    }

    /// What the request asks for, else the project, else the server.
    private func algorithm(_ asked: String, project: String) async throws -> String {
        if !asked.isEmpty { return asked }
        let own = try await store.read { try $0.requireProject(project).config["backups.compression_algorithm"] }
        if let own, !own.isEmpty { return own }
        return await defaultCompression()
    }

    private func requireFree(_ subject: Subject, _ owner: Int64, _ name: String, _ tx: Transaction) throws {
        guard try tx.backup(of: Subject.owner, owner, name: name) == nil else {
            throw LXDError.conflict("Backup \(goQuoted(subject.name + "/" + name)) already exists")
        }
    }

    func rename(_ subject: Subject, _ name: String, to newName: String, by requestor: EventLifecycleRequestor?) async throws {
        let newName = try Self.checked(newName)
        let row = try await find(subject, name)
        try await store.write { tx in
            try requireFree(subject, row.ownerID, newName, tx)
            try tx.rename(row, to: newName)
        }
        try FileManager.default.moveItem(atPath: path(subject, name), toPath: path(subject, newName))
        tell(
            Subject.actions.renamed, subject, newName, requestor, ["old_name": .string(subject.name + "/" + name)])
    }

    func delete(_ subject: Subject, _ name: String, by requestor: EventLifecycleRequestor?) async throws {
        try await remove(try await find(subject, name), of: subject, by: requestor)
    }

    private func remove(_ row: BackupRow, of subject: Subject, by requestor: EventLifecycleRequestor?) async throws {
        try removeHostTree(path(subject, row.name))
        try await store.writeForRemoval { try $0.delete(row) }
        tell(Subject.actions.deleted, subject, row.name, requestor)
    }

    /// The file of a finished backup and its length.
    func file(_ subject: Subject, _ name: String, by requestor: EventLifecycleRequestor?) async throws -> (path: String, length: Int) {
        _ = try await find(subject, name)
        let path = path(subject, name)
        let length = try FileStatus.of(path: path, followLinks: false).size
        tell(Subject.actions.retrieved, subject, name, requestor)
        return (path, Int(length))
    }

    /// Deletes backups whose time is over; what fails is logged.
    ///
    /// - Parameters:
    ///   - unfinished: At the daemon's start, those too that a process that died was making.
    ///   - subjects: All there are, by the numbers of their rows.
    func deleteExpired(unfinished: Bool, subjects: @escaping @Sendable (Transaction) throws -> [Int64: Subject]) async {
        do {
            let (gone, all) = try await store.read { tx in
                let expired = try tx.expiredBackups(Subject.owner, at: .now())
                return (expired + (unfinished ? try tx.unfinishedBackups(Subject.owner) : []), try subjects(tx))
            }
            for row in Set(gone) {
                guard let subject = all[row.ownerID] else { continue }
                try await remove(row, of: subject, by: nil)
            }
        } catch {
            logger.error("Failed deleting expired backups", metadata: ["kind": "\(Subject.title)", "error": "\(error)"])
        }
    }

    private func path(_ subject: Subject, _ name: String) -> String { subject.backupFolder(paths) + "/" + name }

    private func tell(
        _ action: LifecycleAction, _ subject: Subject, _ name: String, _ requestor: EventLifecycleRequestor?,
        _ context: [String: JSONValue] = [:]
    ) {
        announce(action, subject.backupResource(name), project: subject.project, by: requestor, context: context)
    }
}
