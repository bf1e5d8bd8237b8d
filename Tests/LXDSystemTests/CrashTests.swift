import Foundation
import Glibc
import LXDLinux
import LXDTestSupport
import Testing

/// kill -9 of the daemon in the middle of things: after the restart nothing is half there and running containers can be used.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(10)))
struct CrashTests {
    /// Milliseconds between the request and the kill; together they hit every step of a create, start, stop and delete.
    static let moments = [0, 3, 7, 12, 20, 35, 60, 100]

    @Test(arguments: moments)
    func createAndStart(milliseconds: Int) async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await interrupt(daemon, after: milliseconds, "launch", "busybox", "c1")
            try await expectWhole(daemon, "c1")
            // The name is free again, or the container is a whole one that can be used.
            if try await daemon.mustLxc("list", "-f", "csv", "-c", "n") == "" {
                try await daemon.mustLxc("launch", "busybox", "c1")
            } else if try await daemon.mustLxc("list", "-f", "csv", "-c", "s") != "RUNNING\n" {
                try await daemon.mustLxc("start", "c1")
            }
            #expect(try await daemon.mustLxc("exec", "c1", "--", "echo", "alive") == "alive\n")
        }
    }

    @Test(arguments: moments)
    func stopAndDelete(milliseconds: Int) async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            try await interrupt(daemon, after: milliseconds, "delete", "--force", "c1")
            try await expectWhole(daemon, "c1")
            if try await daemon.mustLxc("list", "-f", "csv", "-c", "n") != "" {
                try await daemon.mustLxc("delete", "--force", "c1")
            }
            try await daemon.mustLxc("launch", "busybox", "c1")
        }
    }

    @Test func anExecEndsAndTheContainerStays() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            try await interrupt(daemon, after: 200, "exec", "c1", "--", "sleep", "30")
            #expect(try await daemon.mustLxc("list", "-f", "csv", "-c", "ns") == "c1,RUNNING\n")
            #expect(try await daemon.mustLxc("exec", "c1", "--", "echo", "alive") == "alive\n")
        }
    }

    @Test func snapshotsAndCopiesAreWholeOrNotThere() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            for milliseconds in Self.moments {
                try await interrupt(daemon, after: milliseconds, "snapshot", "c1", "s\(milliseconds)")
                try await interrupt(daemon, after: milliseconds, "copy", "c1", "copy\(milliseconds)")
            }
            for name in try await daemon.mustLxc("list", "-f", "csv", "-c", "n").split(separator: "\n") where name != "c1" {
                try await daemon.mustLxc("start", String(name))
                #expect(try await daemon.mustLxc("exec", String(name), "--", "echo", "whole") == "whole\n")
            }
            for snapshot in try await snapshots(daemon) { try await daemon.mustLxc("restore", "c1", snapshot) }
            #expect(try await daemon.mustLxc("exec", "c1", "--", "echo", "whole") == "whole\n")
        }
    }

    // MARK: Help

    /// Starts a client command, kills the daemon in the middle of it and starts the daemon again.
    private func interrupt(_ daemon: TestDaemon, after milliseconds: Int, _ arguments: String...) async throws {
        let client = Task { try await daemon.run(daemon.programs.client, arguments, deadline: .seconds(60)) }
        try await Task.sleep(for: .milliseconds(milliseconds))
        try await daemon.crash()
        _ = try await client.value  // It fails when it was hit, succeeds when it was through: both are right.
        try await daemon.start()
    }

    /// A name in the list has its folder and its monitor; one that is not has nothing left.
    private func expectWhole(_ daemon: TestDaemon, _ name: String) async throws {
        let listed = try await daemon.mustLxc("list", "-f", "csv", "-c", "ns").split(separator: "\n")
        let folder = daemon.directory + "/storage-pools/pool/containers/" + name
        let exists = FileManager.default.fileExists(atPath: folder)
        let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        if let line = listed.first(where: { $0.hasPrefix(name + ",") }) {
            #expect(exists, "\(line) is listed and has no folder")
            if line.hasSuffix("RUNNING") {
                #expect(try await daemon.mustLxc("exec", name, "--", "echo", "usable") == "usable\n")
            } else {
                #expect(!mounts.contains(folder + "/rootfs"), "\(line) is mounted and does not run")
            }
        } else {
            #expect(!exists, "\(name) is not listed and its folder is there")
            #expect(!mounts.contains(folder + "/"), "\(name) is not listed and is mounted")
        }
    }

    private func snapshots(_ daemon: TestDaemon) async throws -> [String] {
        let text = try await daemon.mustLxc("query", "/1.0/instances/c1/snapshots")
        let urls = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String] ?? []
        return urls.compactMap { $0.split(separator: "/").last.map(String.init) }
    }
}
