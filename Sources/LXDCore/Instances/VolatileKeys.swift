import Foundation

/// The keys under `volatile.` that the server itself keeps with an instance.
package enum VolatileKeys {
    package static let lastPower = "volatile.last_state.power"
    package static let applyTemplate = "volatile.apply_template"
    package static let instanceID = "volatile.cloud-init.instance-id"
    package static let uuid = "volatile.uuid"
    package static let baseImage = "volatile.base_image"

    /// Keys that a client must not take away, because they say whose the files on disk are.
    package static let protected = [
        "volatile.idmap.base", "volatile.idmap.current", "volatile.idmap.next", "volatile.last_state.idmap",
    ]

    /// Fills in what every new instance has.
    package static func fill(_ config: inout [String: String], baseImage: String, makeID: () -> String = newID) {
        if !baseImage.isEmpty { config[Self.baseImage] = baseImage }
        if config[uuid]?.isEmpty != false { config[uuid] = makeID() }
        if config[instanceID]?.isEmpty != false { config[instanceID] = makeID() }
    }

    /// Sets the id map that the next start will use.
    package static func setIDMap(_ config: inout [String: String], _ map: IDMapSet, base: Int64) {
        config["volatile.idmap.next"] = map.json
        config["volatile.idmap.base"] = "\(base)"
        if config["volatile.last_state.idmap"]?.isEmpty != false { config["volatile.last_state.idmap"] = "[]" }
    }

    /// Whether a change of these keys calls for a new id map.
    package static func idMapDepends(on keys: Set<String>) -> Bool {
        !keys.isDisjoint(with: [
            "security.idmap.isolated", "security.idmap.base", "security.idmap.size", "raw.idmap", "security.privileged",
        ])
    }

    /// Whether cloud-init has to see a new instance: its data or the names of its interfaces changed.
    package static func needsNewInstanceID(
        changed: Set<String>, old: [String: [String: String]], new: [String: [String: String]]
    ) -> Bool {
        let keys: Set = [
            "cloud-init.vendor-data", "cloud-init.user-data", "cloud-init.network-config", "user.vendor-data",
            "user.user-data", "user.network-config",
        ]
        if !keys.isDisjoint(with: changed) { return true }
        func interfaces(_ devices: [String: [String: String]]) -> Set<String> {
            Set(
                devices.filter { $0.value["type"] == "nic" }.map { name, config in
                    config["name"].flatMap { $0.isEmpty ? nil : $0 } ?? name
                })
        }
        return interfaces(old) != interfaces(new)
    }

    /// Whether a client may set the key even in a restricted project.
    package static func isHarmless(_ key: String) -> Bool {
        [baseImage, applyTemplate, lastPower].contains(key) || key.hasSuffix(".apply_quota") || key.hasSuffix(".hwaddr")
    }

    /// The keys that follow an instance when it is copied.
    package static func isCopied(_ key: String) -> Bool {
        guard key.hasPrefix("volatile.") else { return true }
        return key == baseImage || key == "volatile.last_state.idmap"
    }

    package static func newID() -> String { UUID().uuidString.lowercased() }
}
