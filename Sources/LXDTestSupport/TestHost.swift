internal import LXDLinux

internal import Glibc

/// A second machine on this one: a network and a mount namespace of its own, held open by a process that sleeps.
///
/// Hosts of a pair see each other over one cable (`address`), and have a second one (`trunk0`) without an address, which a
/// test may put into a bridge so that containers of both share a network.
package final class TestHost: Sendable {
    /// The IPv4 address on the cable between the two.
    package let address: String
    private let holder: ProcessHandle

    private init(address: String) async throws {
        self.address = address
        holder = try ProcessSpawner.spawn(
            SpawnRequest(
                executable: "/usr/bin/unshare",
                arguments: ["unshare", "--mount", "--net", "--propagation", "private", "sleep", "infinity"]))
        let own = try Self.networkOf("self")
        let pid = holder.pid
        try await eventually("the namespaces of a test host") { (try? Self.networkOf("\(pid)")).flatMap { $0 == own ? nil : $0 } }
    }

    /// `/sys/class/net` shows the network namespace of whoever mounted `/sys`; the cgroups below it are kept.
    private static let ownSysfs = """
        mount --rbind /sys/fs/cgroup /mnt
        mount -t sysfs sysfs /sys
        mount --rbind /mnt /sys/fs/cgroup
        umount -l /mnt
        """

    private static func networkOf(_ process: String) throws -> UInt64 {
        var status = stat()
        guard stat("/proc/\(process)/ns/net", &status) == 0 else { throw TestFailure("/proc/\(process)/ns/net: errno \(errno)") }
        return UInt64(status.st_ino)
    }

    /// Runs the body with two hosts joined by cables, and takes them down again.
    package static func withPair<Result: Sendable>(_ body: (TestHost, TestHost) async throws -> Result) async throws -> Result {
        let first = try await TestHost(address: "10.77.0.1")
        do {
            let second = try await TestHost(address: "10.77.0.2")
            do {
                for name in ["cable0", "trunk0"] {
                    try await ProcessRunner.runChecked(
                        "ip",
                        ["link", "add", name, "netns", "\(first.holder.pid)", "type", "veth", "peer", "name", name, "netns", "\(second.holder.pid)"],
                        deadline: .seconds(10))
                }
                for host in [first, second] {
                    try await host.mustRun("sh", "-ec", Self.ownSysfs)
                    try await host.mustRun("ip", "link", "set", "lo", "up")
                    try await host.mustRun("ip", "address", "add", host.address + "/24", "dev", "cable0")
                    try await host.mustRun("ip", "link", "set", "cable0", "up")
                    try await host.mustRun("ip", "link", "set", "trunk0", "up")
                }
                let result = try await body(first, second)
                await second.end()
                await first.end()
                return result
            } catch {
                await second.end()
                throw error
            }
        } catch {
            await first.end()
            throw error
        }
    }

    /// The program and arguments that run a program on this host; the process keeps its id.
    package func command(_ program: String, _ arguments: [String]) -> (program: String, arguments: [String]) {
        ("/usr/bin/nsenter", ["-t", "\(holder.pid)", "-m", "-n", "--", program] + arguments)
    }

    /// The process that holds its namespaces.
    package var processID: Int32 { holder.pid }

    /// Runs a tool on this host and fails the test unless it succeeds.
    package func mustRun(_ program: String, _ arguments: String...) async throws {
        let line = command(program, arguments)
        try await ProcessRunner.runChecked(line.program, line.arguments, deadline: .seconds(20))
    }

    /// Pulls the cable between the two hosts, without a word to either end of any connection.
    package func cutCable() async throws { try await mustRun("ip", "link", "set", "cable0", "down") }
    package func plugCable() async throws { try await mustRun("ip", "link", "set", "cable0", "up") }

    /// Covers a folder with a small filesystem that only this host sees, for tests of a full disk.
    package func limitDisk(_ folder: String, mebibytes: Int) async throws {
        try await mustRun("mount", "-t", "tmpfs", "-o", "mode=0711,size=\(mebibytes)m", "tmpfs", folder)
    }

    private func end() async {
        try? holder.signal(SIGKILL)  // It may have been ended already; what counts is that it is gone.
        _ = await holder.wait()
    }
}
