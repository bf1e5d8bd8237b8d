internal import Foundation
internal import LXDLinux

/// A Debian container full of what a live migration could break; see Tests/Fixtures/live-migration/setup-debian.sh.
package struct LiveContainer: Sendable {
    package var name: String
    package var address: String

    /// Starts it and waits until all its services run.
    package static func launch(
        on daemon: TestDaemon, _ name: String, address: String, heapMebibytes: Int = 200
    ) async throws -> LiveContainer {
        let container = LiveContainer(name: name, address: address)
        try await daemon.mustLxc("launch", "debian", name, "-c", "migration.stateful=true", deadline: .seconds(300))
        try await container.waitUntilRunning(daemon)
        try await daemon.mustLxc("file", "push", try await TestGuest.program(), name + "/usr/local/bin/guest", "--mode", "0755")
        let script = try String(contentsOfFile: TestGuest.folder + "/setup-debian.sh", encoding: .utf8)
        try await daemon.mustLxc("exec", name, "--", "sh", "-s", address + "/24", "\(heapMebibytes)", "20", input: script)
        try await container.waitUntilRunning(daemon)
        try await eventually("all programs of the container", within: .seconds(60)) {
            let seen = try await container.look(daemon)
            return seen.isComplete ? true : nil
        }
        return container
    }

    package func waitUntilRunning(_ daemon: TestDaemon) async throws {
        var state = ""
        do {
            try await eventually("systemd is up", within: .seconds(120)) {
                state = try await daemon.lxc("exec", name, "--", "systemctl", "is-system-running").outputText
                return state == "running\n" ? true : nil
            }
        } catch {
            let failed = try await daemon.lxc("exec", name, "--", "systemctl", "--failed", "--no-legend").outputText
            throw TestFailure("\(error): \(state)\(failed)")
        }
    }

    /// What can be seen of it from inside at one moment.
    package struct Sight: Sendable {
        package var boot = ""
        /// By the names of its programs.
        package var programs: [String: GuestStatus] = [:]
        package var processes: [String] = []
        package var ticks = 0
        package var system = ""

        var isComplete: Bool {
            ["heap", "clock", "sandbox-a", "sandbox-b"].allSatisfy { programs[$0]?.number("pid") ?? 0 > 0 } && ticks > 0
        }

        /// What is not as it was, or has not gone on, in sentences; empty when all is well.
        package func problems(since before: Sight) -> [String] {
            var found: [String] = []
            if boot != before.boot || boot.isEmpty { found.append("boot id \(before.boot) is now \(boot)") }
            if system != "running" { found.append("systemctl is-system-running: \(system)") }
            if ticks < before.ticks { found.append("ticks went from \(before.ticks) to \(ticks)") }
            if processes != before.processes { found.append("processes \(before.processes) are now \(processes)") }
            for (name, earlier) in before.programs {
                let now = programs[name] ?? GuestStatus("")
                if now.number("pid") != earlier.number("pid") { found.append("\(name): \(earlier) is now \(now)") }
                if now.number("count") < earlier.number("count") { found.append("\(name) went back from \(earlier) to \(now)") }
                if now.number("bad") != 0 { found.append("\(name) found damaged memory: \(now)") }
            }
            return found
        }

        /// Whether everything in it has moved since.
        func hasGoneOn(since before: Sight) -> Bool {
            ticks > before.ticks
                && before.programs.allSatisfy { name, earlier in
                    programs[name]?.number("count") ?? 0 > earlier.number("count")
                        && programs[name]?.number("changed") ?? 0 >= earlier.number("changed")
                }
        }
    }

    private static let script = """
        echo boot $(cat /proc/sys/kernel/random/boot_id)
        echo system $(systemctl is-system-running)
        echo ticks $(wc -l </var/lib/mt-ticks)
        echo heap $(cat /run/mt-heap)
        echo clock $(cat /run/mt-clock)
        echo sandbox-a $(cat /tmp/systemd-private-*-mt-sandbox-a.service-*/tmp/mt-sandbox-a)
        echo sandbox-b $(cat /run/mt-sandbox-b/status)
        echo processes $(pgrep -x guest) $(pgrep -x systemd-network) $(pgrep -x systemd-resolve) $(pgrep -x systemd-logind)
        """

    package func look(_ daemon: TestDaemon) async throws -> Sight {
        let text = try await daemon.mustLxc("exec", name, "--", "sh", "-c", Self.script)
        var sight = Sight()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard let first = words.first else { continue }
            switch first {
            case "boot": sight.boot = words.dropFirst().joined()
            case "system": sight.system = words.dropFirst().joined()
            case "ticks": sight.ticks = words.last.flatMap { Int($0) } ?? 0
            case "processes": sight.processes = Array(words.dropFirst())
            default: sight.programs[first] = GuestStatus(line)
            }
        }
        return sight
    }

    /// Looks until everything has gone on since an earlier look, and tells what is wrong with it.
    package func lookOn(_ daemon: TestDaemon, since before: Sight) async throws -> (sight: Sight, problems: [String]) {
        let first = try await look(daemon)
        let problems = first.problems(since: before)
        guard problems.isEmpty else { return (first, problems) }
        let second = try await eventually("everything in \(name) to go on after \(first)", within: .seconds(60)) {
            let now = try await look(daemon)
            return now.hasGoneOn(since: first) ? now : nil
        }
        return (second, second.problems(since: first))
    }
}
