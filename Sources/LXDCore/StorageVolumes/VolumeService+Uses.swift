import LXDAPI
import LXDDatabase

extension VolumeService {
    static func wire(_ row: VolumeRow, _ tx: Transaction) throws -> StorageVolume {
        let usedBy = try usedBy(row, tx)
        return .with {
            $0.name = row.name
            $0.type = row.kind.name
            $0.contentType = row.contentType
            $0.description = row.description
            $0.config = row.config
            $0.project = row.project
            $0.location = "none"
            $0.createdAt = row.createdAt
            $0.usedBy = usedBy
        }
    }

    /// Who would miss the volume: its instance, or for a custom one all devices that attach it.
    static func usedBy(_ row: VolumeRow, _ tx: Transaction) throws -> [String] {
        switch row.kind {
        case .container, .virtualMachine:
            return [ResourcePath.of("instances", row.name, project: row.project)]
        case .image:
            return try tx.imageProjects(fingerprint: row.name).map { ResourcePath.of("images", row.name, project: $0) }
        case .custom:
            var users: [String] = []
            for instance in try tx.instances()
            where try attaches(instance.devices, row) && ownerProject(instance.project, tx) == row.project {
                users.append(ResourcePath.of("instances", instance.name, project: instance.project))
            }
            for profile in try tx.profiles()
            where try attaches(profile.devices, row) && ownerProject(profile.project, tx) == row.project {
                users.append(ResourcePath.of("profiles", profile.name, project: profile.project))
            }
            return users
        }
    }

    /// The instances that attach a custom volume by themselves or by a profile.
    static func instances(using row: VolumeRow, _ tx: Transaction) throws -> [InstanceKey] {
        var profiles: Set<String> = []
        for profile in try tx.profiles() where attaches(profile.devices, row) {
            profiles.insert(profile.project + "/" + profile.name)
        }
        return try tx.instances().filter { instance in
            guard try ownerProject(instance.project, tx) == row.project else { return false }
            if attaches(instance.devices, row) { return true }
            let owner = try tx.effectiveProject(instance.project, .profiles)
            return instance.profiles.contains { profiles.contains(owner + "/" + $0) }
        }.map { InstanceKey(project: $0.project, name: $0.name) }
    }

    /// Makes devices follow a volume's new name.
    ///
    /// - Parameter pool: Where the volume is now; nil where it was.
    static func renameInDevices(_ tx: Transaction, _ key: VolumeKey, _ newName: String, pool: String? = nil) throws {
        let row = VolumeRow(pool: key.pool, project: key.project, name: key.name, kind: key.kind)
        func renamed(_ devices: [String: [String: String]]) -> [String: [String: String]] {
            devices.mapValues { isAttachment($0, of: row) ? $0.merging(["source": newName, "pool": pool ?? key.pool]) { $1 } : $0 }
        }
        for var instance in try tx.instances()
        where try attaches(instance.devices, row) && ownerProject(instance.project, tx) == row.project {
            instance.devices = renamed(instance.devices)
            try tx.updateInstance(instance)
        }
        for var profile in try tx.profiles()
        where try attaches(profile.devices, row) && ownerProject(profile.project, tx) == row.project {
            profile.devices = renamed(profile.devices)
            try tx.updateProfile(profile)
        }
    }

    private static func ownerProject(_ project: String, _ tx: Transaction) throws -> String {
        try tx.effectiveProject(project, .storageVolumes)
    }

    private static func attaches(_ devices: [String: [String: String]], _ row: VolumeRow) -> Bool {
        devices.values.contains { isAttachment($0, of: row) }
    }

    private static func isAttachment(_ device: [String: String], of row: VolumeRow) -> Bool {
        device["type"] == "disk" && device["pool"] == row.pool && device["source"] == row.name
    }
}
