import LXDDatabase
import LXDNetlink

/// Who uses which network: profiles and instances by their NICs.
struct NetworkUses {
    private struct User {
        let path: String
        /// The project whose networks it sees.
        let project: String
        let nics: [[String: String]]
    }
    private var everybody: [User] = []

    /// Knows nobody; for views that do not tell.
    init() {}

    init(_ tx: Transaction) throws {
        let projects = Dictionary(try tx.projects().map { ($0.name, $0) }) { first, _ in first }
        func owner(_ project: String) -> String { projects[project]?.has(.networks) == true ? project : "default" }
        let profiles = try tx.profiles()
        var byName: [String: ProfileRow] = [:]
        for profile in profiles {
            byName[profile.project + "/" + profile.name] = profile
            everybody.append(
                User(
                    path: ResourcePath.of("profiles", profile.name, project: profile.project),
                    project: owner(profile.project), nics: Self.nics(profile.devices)))
        }
        for instance in try tx.instances() {
            let home = projects[instance.project]?.has(.profiles) == true ? instance.project : "default"
            let devices = Expansion.devices(
                instance.profiles.compactMap { byName[home + "/" + $0] }, own: instance.devices)
            everybody.append(
                User(
                    path: ResourcePath.of("instances", instance.name, project: instance.project),
                    project: owner(instance.project), nics: Self.nics(devices)))
        }
    }

    func users(of row: NetworkRow) -> [String] {
        users(project: row.project, name: row.name)
    }

    func users(project: String, name: String) -> [String] {
        everybody.filter { user in user.project == project && user.nics.contains { Self.isPlugged($0, into: name) } }.map(\.path)
    }

    private static func nics(_ devices: [String: [String: String]]) -> [[String: String]] {
        devices.values.filter { $0["type"] == "nic" }
    }

    private static func isPlugged(_ nic: [String: String], into name: String) -> Bool {
        if nic["network"] == name { return true }
        guard let parent = nic["parent"], !parent.isEmpty else { return false }
        return (nic["vlan"].map { parent + "." + $0 } ?? parent) == name
    }

    /// A NIC of an instance on a managed network.
    struct NIC {
        let project: String
        let instance: String
        let device: String
        let hardwareAddress: MACAddress?
        let ipv4: IPAddress?
        let ipv6: IPAddress?
    }

    /// All NICs that are plugged into a network, with what is configured for them.
    static func nics(of row: NetworkRow, _ tx: Transaction) throws -> [NIC] {
        var nics: [NIC] = []
        for instance in try tx.instances() {
            guard try tx.effectiveProject(instance.project, .networks) == row.project else { continue }
            let home = try tx.effectiveProject(instance.project, .profiles)
            let profiles = try instance.profiles.compactMap { try tx.profile(project: home, name: $0) }
            for (device, config) in Expansion.devices(profiles, own: instance.devices)
            where config["type"] == "nic" && isPlugged(config, into: row.name) {
                let own = config["hwaddr"] ?? ""
                let address = own.isEmpty ? instance.config["volatile.\(device).hwaddr"] ?? "" : own
                nics.append(
                    NIC(
                        project: instance.project, instance: instance.name, device: device,
                        hardwareAddress: MACAddress(address), ipv4: config["ipv4.address"].flatMap { IPAddress($0) },
                        ipv6: config["ipv6.address"].flatMap { IPAddress($0) }))
            }
        }
        return nics
    }
}
