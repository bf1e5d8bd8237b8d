package import LXDAPI

private enum StorageSchedules {
    static let aliases: Set<String> = ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@annually", "@yearly"]
}

/// The keys that pools hand on to their volumes; there they are called `volume.KEY`.
private func sharedKeys(prefix: String) -> [ConfigKey] {
    [
        .init(
            prefix + "security.shifted", .bool, default: "false", "Show the volume's files with each instance's ids."),
        .init(prefix + "security.unmapped", .bool, default: "false", "Leave ids on the volume as they are."),
        .init(prefix + "size", .size, "Size of a volume."),
        .init(prefix + "snapshots.expiry", check: .expiry, "How long snapshots are kept: `1M 2H 3d 4w 5m 6y`."),
        .init(prefix + "snapshots.pattern", default: "snap%d", "Name of snapshots that are given none."),
        .init(
            prefix + "snapshots.schedule", check: .schedule(aliases: StorageSchedules.aliases).optional,
            "When to take snapshots: crontab fields or aliases, separated by `, `."),
    ]
}

/// The keys of storage pools.
package enum PoolKeys {
    /// The keys of every driver.
    package static let table = KeyTable(common)

    private static let common: [ConfigKey] =
        [
            .init("rsync.bwlimit", .size, "Most bytes a second that rsync sends."),
            .init("rsync.compression", .bool, default: "true", "Compress what rsync sends."),
            .init("source", "Directory, device or file system that the pool is on."),
            .init("user.*", .blob, "Free for users."),
            .init("volatile.initial_source", "`source` as it was given when the pool was created."),
        ] + sharedKeys(prefix: "volume.")

    private static let btrfs = KeyTable(
        common + [
            .init("btrfs.mount_options", "Mount options of the file system."),
            .init("size", .size, "Size of the image file that the pool is on."),
        ])

    /// The keys of a driver.
    package static func table(driver: String) -> KeyTable { driver == "btrfs" ? btrfs : table }

    /// - Throws: `.badRequest` with LXD's text.
    package static func validate(_ config: [String: String], driver: String = "dir") throws(LXDError) {
        switch table(driver: driver).firstProblem(in: config) {
        case nil: return
        case .unknown(let name): throw .badRequest("Invalid option \(goQuoted(name))")
        case .invalid(let name, let text): throw .badRequest("Invalid value for option \(goQuoted(name)): \(text)")
        }
    }
}

/// The keys of storage volumes.
package enum VolumeKeys {
    package static let table = KeyTable(
        sharedKeys(prefix: "") + [
            .init("user.*", .blob, "Free for users."),
            .init("volatile.idmap.last", "Map of ids that files on the volume are owned by."),
            .init("volatile.idmap.next", "Map of ids that the next use will apply."),
        ])

    /// Checks the configuration of a file system volume.
    ///
    /// - Parameters:
    ///   - volume: Its name, for messages.
    ///   - isCustom: It is no root of an instance and no image.
    /// - Throws: `.badRequest` with LXD's text.
    package static func validate(_ config: [String: String], volume: String = "", isCustom: Bool = true)
        throws(LXDError)
    {
        switch table.firstProblem(in: config) {
        case nil: break
        case .unknown(let name):
            throw .badRequest("Invalid option for volume \(goQuoted(volume)) option \(goQuoted(name))")
        case .invalid(let name, let text):
            throw .badRequest("Invalid value for volume \(goQuoted(volume)) option \(goQuoted(name)): \(text)")
        }
        if !isCustom, let size = config["size"], !size.isEmpty {
            throw .badRequest(#"Volume "size" property is not valid for volume type"#)
        }
    }
}
