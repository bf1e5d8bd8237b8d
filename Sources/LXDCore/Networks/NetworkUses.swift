import LXDAPI
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
        let homes = try DeviceHomes(tx)
        for profile in homes.profiles {
            everybody.append(
                User(
                    path: ResourcePath.of("profiles", profile.name, project: profile.project),
                    project: homes.project(of: .networks, profile.project), nics: Self.nics(profile.devices)))
        }
        for instance in try tx.deviceOwners() {
            everybody.append(
                User(
                    path: ResourcePath.of("instances", instance.name, project: instance.project),
                    project: homes.project(of: .networks, instance.project), nics: Self.nics(homes.devices(of: instance))))
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
        /// A filter keeps addresses for it that nobody has configured.
        let isFiltered: Bool
    }

    /// All NICs that are plugged into a network, with what is configured for them.
    static func nics(of row: NetworkRow, _ tx: Transaction) throws -> [NIC] {
        let homes = try DeviceHomes(tx)
        var noted: [String: [Int64: String]] = [:]
        var nics: [NIC] = []
        for instance in try tx.deviceOwners() where homes.project(of: .networks, instance.project) == row.project {
            for (device, config) in homes.devices(of: instance)
            where config["type"] == "nic" && isPlugged(config, into: row.name) {
                var address = config["hwaddr"] ?? ""
                if address.isEmpty {
                    let key = "volatile.\(device).hwaddr"
                    let values = try noted[key] ?? tx.instanceConfigValues(key: key)
                    noted[key] = values
                    address = values[instance.id] ?? ""
                }
                nics.append(
                    NIC(
                        project: instance.project, instance: instance.name, device: device,
                        hardwareAddress: MACAddress(address), ipv4: config["ipv4.address"].flatMap { IPAddress($0) },
                        ipv6: config["ipv6.address"].flatMap { IPAddress($0) },
                        isFiltered: isTrue(config["security.ipv4_filtering"]) || isTrue(config["security.ipv6_filtering"])))
            }
        }
        return nics
    }
}

/// All profiles and projects, to work out the devices of many instances.
private struct DeviceHomes {
    let profiles: [ProfileRow]
    private let byName: [String: ProfileRow]
    private let projects: [String: ProjectRow]

    init(_ tx: Transaction) throws {
        profiles = try tx.profiles()
        byName = Dictionary(profiles.map { ($0.project + "/" + $0.name, $0) }) { first, _ in first }
        projects = Dictionary(try tx.projects().map { ($0.name, $0) }) { first, _ in first }
    }

    /// The project whose things of a kind another one uses: itself or `default`.
    func project(of feature: ProjectFeature, _ name: String) -> String {
        projects[name]?.has(feature) == true ? name : "default"
    }

    func devices(of instance: DeviceOwnerRow) -> [String: [String: String]] {
        let home = project(of: .profiles, instance.project)
        return Expansion.devices(instance.profiles.compactMap { byName[home + "/" + $0] }, own: instance.devices)
    }
}
