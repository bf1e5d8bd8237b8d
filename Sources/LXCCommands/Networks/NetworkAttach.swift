import LXDAPI
import LXDClient

struct NetworkAttach: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Attach network interfaces to instances",
        usage: "[<remote>:]<network> <instance> [<device name>] [<interface name>]",
        discussion: "Attach new network interfaces to instances")
    static let argumentCount = 2...4
    static let examples = """
        lxc network attach lxdbr1 u1 eth1
            Give "u1" one more card, "eth1", on the network "lxdbr1".
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: NetworkGroup.missingName)
        let network = try await resource.server.network(resource.name).value
        var device = NetworkCard.unmanaged(network, resource.name)
        if network.managed, try await resource.server.hasExtension("instance_nic_network") {
            device = ["type": "nic", "network": network.name]
        }
        try await NetworkCard.attach(device, to: .instance, resource, arguments)
    }
}

struct NetworkAttachProfile: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach-profile", abstract: "Attach network interfaces to profiles",
        usage: "[<remote>:]<network> <profile> [<device name>] [<interface name>]")
    static let argumentCount = 2...4
    static let examples = """
        lxc network attach-profile lxdbr0 default eth0
            Give all instances of a profile a card on a network.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: NetworkGroup.missingName)
        let network = try await resource.server.network(resource.name).value
        try await NetworkCard.attach(NetworkCard.unmanaged(network, resource.name), to: .profile, resource, arguments)
    }
}

struct NetworkDetach: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach", abstract: "Detach network interfaces from instances",
        usage: "[<remote>:]<network> <instance> [<device name>]")
    static let argumentCount = 2...3
    static let examples = """
        lxc network detach lxdbr1 u1
            Take the card on "lxdbr1" away from "u1".
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: NetworkGroup.missingName)
        try await NetworkCard.detach(from: .instance, resource, arguments)
    }
}

struct NetworkDetachProfile: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach-profile", abstract: "Detach network interfaces from profiles",
        usage: "[<remote>:]<network> <profile> [<device name>]")
    static let argumentCount = 2...3
    static let examples = """
        lxc network detach-profile lxdbr0 default eth0
            Take a card away from all instances of a profile.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: NetworkGroup.missingName)
        try await NetworkCard.detach(from: .profile, resource, arguments)
    }
}

/// A card that connects an instance to a network.
private enum NetworkCard {
    /// A card by the name of the host's interface.
    static func unmanaged(_ network: Network, _ name: String) -> [String: String] {
        ["type": "nic", "nictype": network.type == "bridge" ? "bridged" : "macvlan", "parent": name]
    }

    /// - Parameter words: The network, the owner, and maybe the names of the device and the interface.
    static func attach(
        _ device: [String: String], to kind: DeviceOwner.Kind, _ network: Resource, _ words: [String]
    ) async throws {
        var device = device
        if words.count > 3 { device["name"] = words[3] }
        let owner = DeviceOwner(kind, network.server, words[1])
        try await owner.addDevice(words.count > 2 ? words[2] : network.name, device)
    }

    static func detach(from kind: DeviceOwner.Kind, _ network: Resource, _ words: [String]) async throws {
        let owner = DeviceOwner(kind, network.server, words[1])
        try await owner.removeDevice(
            words.count > 2 ? words[2] : "", orFail: "No device found for this network",
            mismatch: "The specified device doesn't match the network"
        ) { device in
            device["type"] == "nic" && (device["parent"] == network.name || device["network"] == network.name)
        }
    }
}
