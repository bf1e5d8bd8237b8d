import LXDAPI
import LXDClient

struct NetworkInfo: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Get runtime information on networks", usage: "[<remote>:]<network>")
    static let argumentCount = 1...1
    static let examples = """
        lxc network info lxdbr0
            Show the addresses of a network and what went through it.
        """

    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: NetworkGroup.missingName)
        let state = try await resource.server.onMember(target).networkState(resource.name)
        Standard.output(NetworkReport(name: resource.name, state: state).text)
    }
}

/// What is known about a network at the moment, for people.
struct NetworkReport {
    let name: String
    let state: NetworkState

    var text: String {
        var text = """
            Name: \(name)
            MAC address: \(state.hwaddr)
            MTU: \(state.mtu)
            State: \(state.state)
            Type: \(state.type)

            """
        if !state.addresses.isEmpty {
            text += "\nIP addresses:\n"
            for address in state.addresses {
                text += "  \(address.family)\t\(address.address)/\(address.netmask) (\(address.scope))\n"
            }
        }
        text += section(
            "Network usage",
            [
                ("Bytes received", ByteText.decimal(state.counters.bytesReceived)),
                ("Bytes sent", ByteText.decimal(state.counters.bytesSent)),
                ("Packets received", "\(state.counters.packetsReceived)"),
                ("Packets sent", "\(state.counters.packetsSent)"),
            ])
        return text + parts
    }

    private var parts: String {
        var text = ""
        if let bond = state.bond {
            text += section(
                "Bond",
                [
                    ("Mode", bond.mode), ("Transmit policy", bond.transmitPolicy), ("Up delay", "\(bond.upDelay)"),
                    ("Down delay", "\(bond.downDelay)"), ("MII Frequency", "\(bond.miiFrequency)"),
                    ("MII state", bond.miiState),
                    ("Lower devices", bond.lowerDevices.joined(separator: ", ")),
                ])
        }
        if let bridge = state.bridge {
            text += section(
                "Bridge",
                [
                    ("ID", bridge.id), ("STP", "\(bridge.stp)"), ("Forward delay", "\(bridge.forwardDelay)"),
                    ("Default VLAN ID", "\(bridge.vlanDefault)"), ("VLAN filtering", "\(bridge.vlanFiltering)"),
                    ("Upper devices", bridge.upperDevices.joined(separator: ", ")),
                ])
        }
        if let vlan = state.vlan {
            text += section("VLAN", [("Lower device", vlan.lowerDevice), ("VLAN ID", "\(vlan.vid)")])
        }
        if let ovn = state.ovn { text += section("OVN", [("Chassis", ovn.chassis)]) }
        return text
    }

    private func section(_ title: String, _ lines: [(String, String)]) -> String {
        "\n\(title):\n" + lines.map { "  \($0): \($1)\n" }.joined()
    }
}
