import Foundation
import LXDLinux
import LXDTestSupport
import Testing

/// The life of a busybox container as a user sees it, and what is left on the host when it is over: nothing.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(5)))
struct LifecycleTests {
    @Test func launchExecStopDeleteLeavesNothing() async throws {
        let before = try await leftovers()
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            #expect(try await daemon.mustLxc("exec", "c1", "--", "hostname") == "c1\n")
            #expect(try await daemon.lxc("exec", "c1", "--", "sh", "-c", "exit 42").exit == .exited(42))
            #expect(try await daemon.lxc("exec", "c1", "--", "sh", "-c", "kill -9 $$").exit == .exited(137))
            #expect(try await daemon.mustLxc("list", "-f", "csv", "-c", "ns") == "c1,RUNNING\n")
            try await daemon.mustLxc("stop", "c1", "--force")
            #expect(try await daemon.mustLxc("list", "-f", "csv", "-c", "ns") == "c1,STOPPED\n")
            try await daemon.mustLxc("delete", "c1")
            #expect(try await daemon.mustLxc("list", "-f", "csv") == "")
            let pool = daemon.directory + "/storage-pools/pool/containers"
            #expect(try FileManager.default.contentsOfDirectory(atPath: pool).isEmpty)
        }
        let new = try await leftovers().subtracting(before)
        #expect(new.isEmpty, "left behind: \(new)")
    }

    @Test func aContainerIsUnprivileged() async throws {
        try await withContainer { daemon in
            let map = try await daemon.mustLxc("exec", "c1", "--", "cat", "/proc/self/uid_map").split(separator: " ")
            #expect(map.first == "0")
            #expect((Int(map[1]) ?? 0) >= 100_000, "root inside is an unprivileged id outside")
        }
    }

    @Test func filesOfTheContainerBelongToRootInside() async throws {
        try await withContainer { daemon in
            #expect(try await daemon.mustLxc("exec", "c1", "--", "stat", "-c", "%u:%g", "/bin/busybox") == "0:0\n")
            try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "echo new > /root/file && chown 7:8 /root/file")
            #expect(try await daemon.mustLxc("exec", "c1", "--", "stat", "-c", "%u:%g", "/root/file") == "7:8\n")
        }
    }

    @Test func aDaemonRestartLeavesContainersRunningAndUsable() async throws {
        try await withContainer { daemon in
            let initProcess = try await daemon.mustLxc("query", "/1.0/instances/c1/state")
            await daemon.end()
            try await daemon.start()
            #expect(try await daemon.mustLxc("list", "-f", "csv", "-c", "ns") == "c1,RUNNING\n")
            #expect(try await daemon.mustLxc("exec", "c1", "--", "echo", "here") == "here\n")
            let after = try await daemon.mustLxc("query", "/1.0/instances/c1/state")
            #expect(pid(in: initProcess) == pid(in: after))
        }
    }

    @Test func anEphemeralContainerIsGoneAfterItsStop() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "once", "-e")
            try await daemon.mustLxc("stop", "once", "--force")
            try await eventually("the ephemeral container is gone") {
                try await daemon.mustLxc("list", "-f", "csv") == "" ? true : nil
            }
        }
    }

    @Test func aSnapshotBringsBackWhatWasDeletedAndRemovesWhatWasAdded() async throws {
        try await withContainer { daemon in
            try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "echo old > /root/kept")
            try await daemon.mustLxc("snapshot", "c1", "s0")
            try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "rm /root/kept /bin/ls; echo x > /root/added; mkdir /root/dir")
            try await daemon.mustLxc("restore", "c1", "s0")
            #expect(try await daemon.mustLxc("exec", "c1", "--", "ls", "/root") == "kept\n")
            #expect(try await daemon.mustLxc("exec", "c1", "--", "cat", "/root/kept") == "old\n")
        }
    }

    @Test func aCopyAndItsSourceDoNotSeeEachOthersWrites() async throws {
        try await withContainer { daemon in
            try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "echo one > /root/file")
            try await daemon.mustLxc("stop", "c1", "--force")
            try await daemon.mustLxc("copy", "c1", "c2")
            try await daemon.mustLxc("start", "c1")
            try await daemon.mustLxc("start", "c2")
            try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "echo two > /root/file")
            #expect(try await daemon.mustLxc("exec", "c2", "--", "cat", "/root/file") == "one\n")
            try await daemon.mustLxc("exec", "c2", "--", "rm", "/root/file")
            #expect(try await daemon.mustLxc("exec", "c1", "--", "cat", "/root/file") == "two\n")
            try await daemon.mustLxc("delete", "c1", "--force")
            #expect(try await daemon.mustLxc("exec", "c2", "--", "ls", "/bin/busybox") == "/bin/busybox\n")
        }
    }

    @Test func limitsAreInTheKernelAndChangeLive() async throws {
        try await withContainer { daemon in
            try await daemon.mustLxc("config", "set", "c1", "limits.memory=64MiB", "limits.processes=50")
            #expect(try await limit(daemon, "memory", v1: "memory.limit_in_bytes", v2: "memory.max") == "67108864")
            #expect(try await limit(daemon, "pids", v1: "pids.max", v2: "pids.max") == "50")
            try await daemon.mustLxc("config", "set", "c1", "limits.memory=128MiB")
            #expect(try await limit(daemon, "memory", v1: "memory.limit_in_bytes", v2: "memory.max") == "134217728")
        }
    }

    @Test func aBackgroundChildThatKeepsAStreamOpenDoesNotHangExec() async throws {
        try await withContainer { daemon in
            let result = try await daemon.lxc("exec", "c1", "--", "sh", "-c", "sleep 60 & echo done", deadline: .seconds(10))
            #expect(result.exit.isSuccess)
            #expect(result.outputText == "done\n")
        }
    }

    // MARK: Help

    private func withContainer(_ body: (TestDaemon) async throws -> Void) async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            try await body(daemon)
        }
    }

    private func leftovers() async throws -> Set<String> {
        let result = try await ProcessRunner.runChecked(sourceFolder + "/scripts/list-leftovers", [])
        return Set(result.outputText.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("folder ") })
    }

    private func pid(in state: String) -> Int? {
        let object = try? JSONSerialization.jsonObject(with: Data(state.utf8)) as? [String: Any]
        return object?["pid"] as? Int
    }

    /// Reads a limit of c1 from the cgroup its init is in, whichever layout the host has.
    private func limit(_ daemon: TestDaemon, _ controller: String, v1: String, v2: String) async throws -> String {
        let process = try #require(pid(in: try await daemon.mustLxc("query", "/1.0/instances/c1/state")))
        let groups = try String(contentsOfFile: "/proc/\(process)/cgroup", encoding: .utf8).split(separator: "\n")
        for line in groups {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            var group = fields[2]
            let file: String
            let root: String
            if fields[1].split(separator: ",").contains(Substring(controller)) {
                (root, file) = ("/sys/fs/cgroup/\(controller)", v1)
            } else if fields[0] == "0" {
                (root, file) = ("/sys/fs/cgroup", v2)
            } else {
                continue
            }
            while !group.isEmpty {
                if let text = try? String(contentsOfFile: root + group + "/" + file, encoding: .utf8), !text.hasPrefix("max"),
                    text.count < 19
                {
                    return text.trimmingCharacters(in: .whitespacesAndNewlines)
                }
                group = group.lastIndex(of: "/").map { String(group[..<$0]) } ?? ""
            }
        }
        throw TestFailure("no limit found for \(controller)")
    }
}
