/// One step of the schema's history. Steps are only ever appended; a published one never changes.
struct Migration: Sendable {
    let name: String
    let sql: String

    /// All steps, oldest first. Each entity's file holds its own.
    static let all: [Migration] = [
        .members, .projects, .profiles, .instances, .snapshots, .backups,
        .images, .networks, .storagePools, .storageVolumes, .certificates, .serverConfig, .warnings, .notedAddresses, .volumeBackups,
        .liveMigrations,
    ]
}
