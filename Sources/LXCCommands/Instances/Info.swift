import LXDAPI
import LXDClient

struct Info: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Show instance or server information", usage: "[<remote>:][<instance>]")
    static let argumentCount = 0...1
    static let examples = """
        lxc info [<remote>:]<instance> [--show-log]
            For instance information.

        lxc info [<remote>:] [--resources]
            For LXD server information.
        """

    @Flag(help: "Show the instance's last 100 log lines?") var showLog = false
    @Flag(help: "Show the resources available to the server") var resources = false
    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.resource(arguments.first ?? "")
        if resource.name.isEmpty {
            let server = try await resource.server.onMember(target)
            let text =
                resources
                ? ResourcesText.of(try await server.resources()) : try LXDYAML.encode(try await server.server().value)
            Standard.output(text)
            return
        }
        guard target.isEmpty else { throw CommandFailure("--target cannot be used with instances") }
        let instance = try await resource.server.instanceFull(resource.name)
        // The member only matters where there are several.
        let member = instance.location.isEmpty || instance.location == "none" ? "" : instance.location
        let showsMember = member.isEmpty ? false : try await resource.server.isClustered()
        Standard.output(InstanceText.of(instance, location: showsMember ? member : ""))
        if showLog { try await showLogFile(resource, instance) }
    }

    private func showLogFile(_ resource: Resource, _ instance: InstanceFull) async throws {
        let name: String
        switch instance.type {
        case "", "container": name = "lxc.log"
        case "virtual-machine": name = "qemu.log"
        default: throw CommandFailure("Unsupported instance type: \(instance.type)")
        }
        let log = String(decoding: try await resource.server.log(name, of: resource.name), as: UTF8.self)
        Standard.output("\nLog:\n\n\(log)\n")
    }
}

/// What `lxc info` says about an instance.
enum InstanceText {
    /// - Parameter location: The cluster member to show; empty for none.
    static func of(_ instance: InstanceFull, location: String) -> String {
        let type = instance.type.isEmpty ? "container" : instance.type
        let state = instance.state ?? InstanceState()
        var text = "Name: \(instance.name)\nStatus: \(instance.status.uppercased())\n"
        text += "Type: \(type)\(instance.ephemeral ? " (ephemeral)" : "")\nArchitecture: \(instance.architecture)\n"
        if !location.isEmpty { text += "Location: \(location)\n" }
        if state.pid != 0 { text += "PID: \(state.pid)\n" }
        if instance.createdAt.isSet { text += "Created: \(TimeText.local(instance.createdAt))\n" }
        if instance.lastUsedAt.isSet { text += "Last Used: \(TimeText.local(instance.lastUsedAt))\n" }
        if state.pid != 0 { text += resources(state) }
        return text + snapshots(instance.snapshots) + backups(instance.backups)
    }

    private static func resources(_ state: InstanceState) -> String {
        var text = "\nResources:\n  Processes: \(state.processes)\n"
        func block(_ title: String, _ lines: [String]) {
            if !lines.isEmpty { text += "  \(title):\n" + lines.map { "    \($0)\n" }.joined() }
        }
        block(
            "Disk usage",
            state.disk.sorted { $0.key < $1.key }.filter { $0.value.usage != 0 }
                .map { "\($0.key): \(ByteText.iec($0.value.usage))" })
        if state.cpu.usage != 0 { block("CPU usage", ["CPU usage (in seconds): \(state.cpu.usage / 1_000_000_000)"]) }
        let memory = [
            ("Memory (current)", state.memory.usage), ("Memory (peak)", state.memory.usagePeak),
            ("Swap (current)", state.memory.swapUsage), ("Swap (peak)", state.memory.swapUsagePeak),
        ]
        block("Memory usage", memory.filter { $0.1 != 0 }.map { "\($0.0): \(ByteText.iec($0.1))" })
        block("Network usage", state.network.sorted { $0.key < $1.key }.flatMap { card($0.key, $0.value) })
        return text
    }

    private static func card(_ name: String, _ card: InstanceStateNetwork) -> [String] {
        var lines = ["\(name):", "  Type: \(card.type)", "  State: \(card.state.uppercased())"]
        if !card.hostName.isEmpty { lines.append("  Host interface: \(card.hostName)") }
        if !card.hwaddr.isEmpty { lines.append("  MAC address: \(card.hwaddr)") }
        if card.mtu != 0 { lines.append("  MTU: \(card.mtu)") }
        lines.append("  Bytes received: \(ByteText.decimal(card.counters.bytesReceived))")
        lines.append("  Bytes sent: \(ByteText.decimal(card.counters.bytesSent))")
        lines.append("  Packets received: \(card.counters.packetsReceived)")
        lines.append("  Packets sent: \(card.counters.packetsSent)")
        lines.append("  IP addresses:")
        for address in card.addresses {
            let gap = address.family == "inet" ? ":  " : ": "
            lines.append("    \(address.family)\(gap)\(address.address)/\(address.netmask) (\(address.scope))")
        }
        return lines
    }

    private static func time(_ time: LXDTime) -> String { time.isSet ? TimeText.local(time) : " " }
    private static func yesNo(_ flag: Bool) -> String { flag ? "YES" : "NO" }

    private static func snapshots(_ snapshots: [InstanceSnapshot]) -> String {
        guard !snapshots.isEmpty else { return "" }
        var table = Table(["Name", "Taken at", "Expires at", "Stateful"])
        table.rows = snapshots.map { snapshot in
            let name = snapshot.name.split(separator: "/").last.map(String.init) ?? snapshot.name
            return [name, time(snapshot.createdAt), time(snapshot.expiresAt), yesNo(snapshot.stateful)]
        }
        return "\nSnapshots:\n" + table.drawn(borders: true)
    }

    private static func backups(_ backups: [InstanceBackup]) -> String {
        guard !backups.isEmpty else { return "" }
        var table = Table(["Name", "Taken at", "Expires at", "Instance Only", "Optimized Storage"])
        table.rows = backups.map { backup in
            [
                backup.name, time(backup.createdAt), time(backup.expiresAt), yesNo(backup.instanceOnly),
                yesNo(backup.optimizedStorage),
            ]
        }
        return "\nBackups:\n" + table.drawn(borders: true)
    }
}
