import Foundation
import Glibc
import LXDLinux
import LXDTestSupport
import Testing

/// Two hosts that share a network, with a daemon of ours each, between which running containers move.
struct LiveHosts: Sendable {
    let here: TestDaemon
    let far: TestDaemon
    /// The hosts themselves: `here` runs on the first.
    let hosts: (here: TestHost, far: TestHost)
    /// The bridge on both, joined by a cable that carries nothing else.
    let bridge: String
    static let address = "10.98.0.9"

    static func with(
        debian: String? = nil, farDiskMebibytes: Int? = nil, _ body: (LiveHosts) async throws -> Void
    ) async throws {
        try await TestHost.withPair { one, two in
            try await TestDaemon.withDaemon(on: one) { here in
                try await TestDaemon.withDaemon(on: two, diskMebibytes: farDiskMebibytes) { far in
                    let bridge = "lxdt" + UUID().uuidString.prefix(6).lowercased()
                    let pair = LiveHosts(here: here, far: far, hosts: (one, two), bridge: bridge)
                    try await pair.prepare(debian: debian)
                    try await body(pair)
                }
            }
        }
    }

    private func prepare(debian: String?) async throws {
        try await here.mustLxc("image", "import", try await TestImage.busybox(), "--alias", "busybox")
        if let debian { try await here.mustLxc("image", "import", debian, "--alias", "debian") }
        for (daemon, number) in [(here, 1), (far, 2)] {
            try await daemon.mustLxc("storage", "create", "pool", "dir")
            try await daemon.mustLxc("profile", "device", "add", "default", "root", "disk", "path=/", "pool=pool")
            try await daemon.mustLxc(
                "network", "create", bridge, "ipv4.address=10.98.0.\(number)/24", "ipv6.address=none",
                "ipv4.dhcp=\(debian != nil && number == 1)", "bridge.external_interfaces=trunk0")
            try await daemon.mustLxc("profile", "device", "add", "default", "eth0", "nic", "name=eth0", "network=\(bridge)")
            try await daemon.listen()
        }
        try await here.addRemote("far", far)
        try await here.addRemote("near", here)
    }

    func remote(_ daemon: TestDaemon) -> String { daemon === here ? "near:" : "far:" }
    func other(_ daemon: TestDaemon) -> TestDaemon { daemon === here ? far : here }
    func host(_ daemon: TestDaemon) -> TestHost { daemon === here ? hosts.here : hosts.far }

    func move(_ name: String, from source: TestDaemon) async throws -> ToolResult {
        try await here.lxc("move", remote(source) + name, remote(other(source)) + name, deadline: .seconds(300))
    }

    // MARK: What can be seen

    func status(_ name: String, _ daemon: TestDaemon) async throws -> String {
        try await daemon.lxc("list", name, "-f", "csv", "-c", "s").outputText.trimmingCharacters(in: .newlines)
    }

    /// Traces of a container on a host that shall not run it, in words; empty when there are none.
    ///
    /// - Parameter keepsVolume: It may have a row and files, stopped.
    func traces(of name: String, on daemon: TestDaemon, keepsVolume: Bool) async throws -> [String] {
        var found: [String] = []
        let listed = try await status(name, daemon)
        if listed != (keepsVolume ? "STOPPED" : ""), !(keepsVolume && listed.isEmpty) { found.append("instance is \(listed)") }
        if !keepsVolume {
            let volumes = try await daemon.mustLxc("storage", "volume", "list", "pool", "-f", "csv")
            if volumes.contains(name) { found.append("volume: \(volumes)") }
            let files = FileManager.default.enumerator(atPath: daemon.directory)?.compactMap { $0 as? String } ?? []
            // Logs stay for whoever asks why it has gone, as LXD's do.
            found += files.filter { $0.contains(name) && !$0.hasPrefix("logs/") }.map { "file \($0)" }
        }
        let host = host(daemon)
        let links = host.command("ip", ["-br", "link", "show", "type", "veth"])
        let veths = try await ProcessRunner.run(links.program, links.arguments).outputText.split(separator: "\n")
            .filter { !$0.hasPrefix("cable0") && !$0.hasPrefix("trunk0") }
        found += veths.map { "interface \($0)" }
        let table = host.command("cat", ["/proc/self/mountinfo"])
        let mounts = try await ProcessRunner.run(table.program, table.arguments, outputLimit: 8 << 20).outputText.split(separator: "\n")
            .compactMap { $0.split(separator: " ").dropFirst(4).first }
        found += mounts.filter { $0.hasPrefix(daemon.directory) && $0.contains(name) }.map { "mount \($0)" }
        let rules = host.command("nft", ["list", "ruleset"])
        let firewall = try await ProcessRunner.run(rules.program, rules.arguments).outputText
        if firewall.contains("CRIU") || firewall.contains(name) { found.append("firewall: \(firewall)") }
        found += try processes(of: host).filter { $0.isOurs(name) }.map { "process \($0.pid) \($0.command)" }
        return found
    }

    struct HostProcess: Sendable {
        var pid: Int32
        var parent: Int32
        var program: String
        var command: String

        /// A helper or criu at work for a container.
        func isOurs(_ name: String) -> Bool {
            program == "criu" || command.contains(name) && program.contains("lxd-helper")
        }
    }

    /// The processes in a host's network: not those inside its containers. criu and monitors have mount namespaces of their own.
    func processes(of host: TestHost) throws -> [HostProcess] {
        let wanted = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(host.processID)/ns/net")
        var found: [HostProcess] = []
        for pid in try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap({ Int32($0) }) {
            // Any of them may end while we look.
            guard (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/net")) == wanted,
                let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe"),
                let command = try? AtomicFile.read("/proc/\(pid)/cmdline", limit: 4096),
                let status = try? AtomicFile.readText("/proc/\(pid)/stat", limit: 4096),
                let after = status.lastIndex(of: ")")
            else { continue }
            let fields = status[after...].split(separator: " ")
            found.append(
                HostProcess(
                    pid: pid, parent: fields.count > 2 ? Int32(fields[2]) ?? 0 : 0,
                    program: (program as NSString).lastPathComponent,
                    command: String(decoding: command.map { $0 == 0 ? 32 : $0 }, as: UTF8.self)))
        }
        return found
    }

    /// How many processes anywhere on this machine have an argument.
    func copies(of argument: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.count { pid in
            // Any of them may end while we look.
            let bytes = (try? AtomicFile.read("/proc/\(pid)/cmdline", limit: 4096)) ?? []
            return bytes.split(separator: 0).contains { $0.elementsEqual(argument.utf8) }
        }
    }
}

/// A busybox container with the guest program at work in it, for the many moves of the fault tests.
struct SmallContainer: Sendable {
    let name: String
    let pair: LiveHosts
    private var mark: String { "/tmp/\(name)-clock" }

    static func launch(_ pair: LiveHosts, on daemon: TestDaemon, heapMebibytes: Int = 16, rate: Int = 20) async throws -> SmallContainer {
        let container = SmallContainer(name: "lm" + UUID().uuidString.prefix(6).lowercased(), pair: pair)
        let name = container.name
        try await pair.here.mustLxc("launch", "near:busybox", pair.remote(daemon) + name, "-c", "migration.stateful=true")
        try await daemon.mustLxc("file", "push", try await TestGuest.program(), name + "/bin/guest", "--mode", "0755")
        try await daemon.mustLxc(
            "exec", name, "--", "sh", "-c",
            """
            killall udhcpc 2>/dev/null
            ip address flush dev eth0; ip address add \(LiveHosts.address)/24 dev eth0; ip link set eth0 up
            for work in "echo 7777" "clock \(container.mark)" "heap /tmp/heap \(heapMebibytes) \(rate)"; do
                setsid guest $work </dev/null >/dev/null 2>&1 &
            done
            """)
        // The hosts may remember another container's Ethernet address for the same IP address.
        for host in [pair.hosts.here, pair.hosts.far] { try await host.mustRun("ip", "neigh", "flush", "dev", pair.bridge) }
        return container
    }

    /// Waits until one daemon alone has it running, with nothing of it on the other, and says which one that is.
    ///
    /// - Parameter mayKeepVolume: Whether the source may still have it, stopped.
    @discardableResult
    func expectOneCopy(_ client: TestClient, source: TestDaemon, mayKeepVolume: Bool) async throws -> TestDaemon {
        var seen = ""
        let owner: TestDaemon
        do {
            owner = try await eventually("one running copy and nothing else", within: .seconds(90), every: .milliseconds(200)) {
                let states = [try await pair.status(name, pair.here), try await pair.status(name, pair.far)]
                seen = "here \(states[0]), far \(states[1])"
                guard states.count(where: { $0 == "RUNNING" }) == 1 else { return nil }
                let owner = states[0] == "RUNNING" ? pair.here : pair.far
                let loser = pair.other(owner)
                let left = try await pair.traces(of: name, on: loser, keepsVolume: loser === source && mayKeepVolume)
                let count = try pair.copies(of: mark)
                seen += "; left: \(left), copies: \(count)"
                return left.isEmpty && count == 1 ? owner : nil
            }
        } catch { throw TestFailure("\(error); \(seen)") }
        try await client.expectAnswers("with \(name) on \(pair.remote(owner))")
        let status = GuestStatus(try await owner.mustLxc("exec", name, "--", "cat", "/tmp/heap"))
        guard status.number("bad") == 0 else { throw TestFailure("damaged memory: \(status)") }
        let clock = GuestStatus(try await owner.mustLxc("exec", name, "--", "cat", mark))
        try await eventually("the clock of \(name) to go on") {
            let now = GuestStatus(try await owner.mustLxc("exec", name, "--", "cat", mark))
            return now.number("pid") == clock.number("pid") && now.number("count") > clock.number("count") ? true : nil
        }
        return owner
    }
}
