/// What an operation does: its description as LXD shows it, and what a restricted client needs to cancel it.
package enum OperationKind: String, Sendable, Hashable, CaseIterable {
    case backupCreate = "Backing up instance"
    case backupRename = "Renaming instance backup"
    case backupRestore = "Restoring backup"
    case backupRemove = "Removing instance backup"
    case consoleShow = "Showing console"
    case instanceCreate = "Creating instance"
    case instanceUpdate = "Updating instance"
    case instanceRename = "Renaming instance"
    case instanceMigrate = "Migrating instance"
    case instanceLiveMigrate = "Live-migrating instance"
    case instanceFreeze = "Freezing instance"
    case instanceUnfreeze = "Unfreezing instance"
    case instanceDelete = "Deleting instance"
    case instanceStart = "Starting instance"
    case instanceStop = "Stopping instance"
    case instanceRestart = "Restarting instance"
    case commandExec = "Executing command"
    case snapshotCreate = "Snapshotting instance"
    case snapshotRename = "Renaming snapshot"
    case snapshotRestore = "Restoring snapshot"
    case snapshotTransfer = "Transferring snapshot"
    case snapshotUpdate = "Updating snapshot"
    case snapshotDelete = "Deleting snapshot"
    case imageDownload = "Downloading image"
    case imageDelete = "Deleting image"
    case imageToken = "Image download token"
    case imageRefresh = "Refreshing image"
    case imageBuild = "Building image"
    case volumeCopy = "Copying storage volume"
    case volumeCreate = "Creating storage volume"
    case volumeMigrate = "Migrating storage volume"
    case volumeMove = "Moving storage volume"
    case volumeSnapshotCreate = "Creating storage volume snapshot"
    case volumeSnapshotDelete = "Deleting storage volume snapshot"
    case volumeSnapshotUpdate = "Updating storage volume snapshot"
    case volumeSnapshotRename = "Renaming storage volume snapshot"
    case projectRename = "Renaming project"
    case imagesExpire = "Cleaning up expired images"
    case imagesPruneLeftover = "Pruning leftover image files"
    case imagesUpdate = "Updating images"
    case logsExpire = "Expiring log files"
    case backupsExpire = "Cleaning up expired instance backups"
    case snapshotsExpire = "Cleaning up expired instance snapshots"
    case customVolumeSnapshotsExpire = "Cleaning up expired volume snapshots"
    case customVolumeBackupCreate = "Creating custom volume backup"
    case customVolumeBackupRemove = "Deleting custom volume backup"
    case customVolumeBackupRename = "Renaming custom volume backup"
    case customVolumeBackupRestore = "Restoring custom volume backup"
    case warningsPruneResolved = "Pruning resolved warnings"
    case renewServerCertificate = "Renewing server certificate"
    case removeExpiredTokens = "Remove expired tokens"
    /// LXD gives tokens for adding a certificate no description of their own.
    case certificateAddToken = "Executing operation"

    package var description: String { rawValue }
}

/// LXD's classes of operations.
package enum OperationForm: String, Sendable {
    /// Work that runs by itself.
    case task
    /// Work that talks over websockets a client opens with secrets.
    case websocket
    /// A secret that waits to be used; no work.
    case token
}
