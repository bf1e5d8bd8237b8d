internal import GRDB

extension Migration {
    /// Hardware addresses noted for NICs, so that looking for a double costs the same however many instances there are.
    static let notedAddresses = Migration(
        name: "noted_addresses",
        sql: """
            CREATE INDEX instances_config_hwaddr_idx ON instances_config (value)
                WHERE key GLOB 'volatile.*.hwaddr';
            """)
}

/// An instance's own devices and its profiles, without the rest of its configuration.
package struct DeviceOwnerRow: Sendable, Hashable {
    package let id: Int64
    package let project: String
    package let name: String
    package var devices: [String: [String: String]] = [:]
    /// In the order in which they apply.
    package var profiles: [String] = []
}

/// A key of a device, of an instance itself or of a profile that it uses.
package struct DeviceSetting: Sendable, Hashable {
    package let instanceID: Int64
    package let key: String
    package let value: String
}

extension Transaction {
    /// All instances with their own devices; three queries, and far fewer rows than with all their configuration.
    package func deviceOwners() throws -> [DeviceOwnerRow] {
        var owners = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT instances.id, projects.name, instances.name FROM instances
                    JOIN projects ON projects.id = instances.project_id ORDER BY projects.name, instances.name
                    """)
        ).map { DeviceOwnerRow(id: $0[0], project: $0[1], name: $0[2]) }
        let devices = try instanceDevices.load(database, owners: "SELECT id FROM instances", [])
        var profiles: [Int64: [String]] = [:]
        let rows = try Row.fetchCursor(
            database.cachedStatement(
                sql: """
                    SELECT instance_id, profiles.name FROM instances_profiles
                    JOIN profiles ON profiles.id = profile_id ORDER BY apply_order
                    """))
        while let row = try rows.next() {
            let id: Int64 = row[0]
            profiles[id, default: []].append(row[1])
        }
        for index in owners.indices {
            owners[index].devices = devices[owners[index].id] ?? [:]
            owners[index].profiles = profiles[owners[index].id] ?? []
        }
        return owners
    }

    /// Every value that an instance, or a profile of it, has for one of these keys of a device.
    package func deviceSettings(keys: [String]) throws -> [DeviceSetting] {
        let marks = keys.map { _ in "?" }.joined(separator: ", ")
        return try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT instance_id, key, value FROM instances_devices_config
                    JOIN instances_devices ON instances_devices.id = instance_device_id WHERE key IN (\(marks))
                    UNION ALL
                    SELECT instance_id, key, value FROM profiles_devices_config
                    JOIN profiles_devices ON profiles_devices.id = profile_device_id
                    JOIN instances_profiles ON instances_profiles.profile_id = profiles_devices.profile_id
                    WHERE key IN (\(marks))
                    """), arguments: StatementArguments(keys + keys)
        ).map { DeviceSetting(instanceID: $0[0], key: $0[1], value: $0[2] ?? "") }
    }

    /// The instances for which this hardware address was noted, however it is written.
    package func instanceIDs(notedHardwareAddress address: String) throws -> [Int64] {
        try Int64.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT instance_id FROM instances_config
                    WHERE key GLOB 'volatile.*.hwaddr' AND value IN (?, ?)
                    """), arguments: [address.lowercased(), address.uppercased()])
    }

    /// The instances of this name in all projects, whatever their letters' case.
    package func instanceIDs(named name: String) throws -> [Int64] {
        try Int64.fetchAll(
            database.cachedStatement(sql: "SELECT id FROM instances WHERE name = ? COLLATE NOCASE"), arguments: [name])
    }
}
