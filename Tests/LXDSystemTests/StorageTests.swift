import Foundation
import LXDLinux
import LXDTestSupport
import Testing

/// Custom volumes as users and their neighbours on the host see them.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(5)))
struct StorageTests {
    @Test func noUserOfTheHostGetsAtAVolumeThatAContainerUses() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("storage", "volume", "create", "pool", "data")
            try await daemon.mustLxc("init", "busybox", "c1")
            try await daemon.mustLxc(
                "config", "device", "add", "c1", "data", "disk", "pool=pool", "source=data", "path=/data")
            try await daemon.mustLxc("start", "c1")
            try await daemon.mustLxc(
                "exec", "c1", "--", "sh", "-c", "cp /bin/busybox /data/shell && chmod 4755 /data/shell")
            // The restart has to find the volume again although the pool is closed.
            try await daemon.mustLxc("restart", "c1", "--force")
            #expect(try await daemon.mustLxc("exec", "c1", "--", "stat", "-c", "%a", "/data/shell") == "4755\n")
            let found = try await ProcessRunner.run("find", [daemon.directory, "-name", "shell"])
            let paths = found.outputText.split(separator: "\n").map(String.init)
            #expect(paths.count >= 2, "in the pool and where the container gets at it")
            for path in paths {
                let tried = try await ProcessRunner.run(
                    "setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups", "test", "-e", path])
                #expect(!tried.exit.isSuccess, "\(path)")
            }
            try await daemon.mustLxc("delete", "c1", "--force")
        }
    }

    @Test func aPoolOnAnOverlayIsRefusedAndLeavesTheFolderAsItWas() async throws {
        try await TestHost.withPair { host, _ in
            try await TestDaemon.withDaemon(on: host) { daemon in
                let folder = daemon.work + "/merged"
                try await host.mustRun(
                    "sh", "-ec",
                    "cd \(daemon.work) && mkdir lower upper work merged && mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged")
                let result = try await daemon.lxc("storage", "create", "p1", "dir", "source=\(folder)")
                #expect(!result.exit.isSuccess)
                #expect(result.errorText.contains("\"\(folder)\" cannot hold the layers"), "\(result.errorText)")
                try await host.mustRun("sh", "-c", "test -z \"$(ls -A \(folder))\"")
                #expect(try await daemon.mustLxc("storage", "list", "-f", "csv").isEmpty)
                try await host.mustRun("umount", folder)
            }
        }
    }

    @Test func volumesAreCopiedMovedAndBackedUpWithTheirSnapshots() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.mustLxc("storage", "create", "one", "dir")
            try await daemon.mustLxc("storage", "create", "other", "dir")
            try await daemon.mustLxc("storage", "volume", "create", "one", "v1")
            let pools = daemon.directory + "/storage-pools"
            func write(_ text: String) throws {
                try Data(text.utf8).write(to: URL(fileURLWithPath: pools + "/one/custom/default_v1/file"))
            }
            func contents(_ path: String) throws -> String {
                try String(contentsOfFile: pools + "/" + path + "/file", encoding: .utf8)
            }
            try write("first")
            try await daemon.mustLxc("storage", "volume", "snapshot", "one", "v1", "s0")
            try write("second")
            try await daemon.mustLxc("storage", "volume", "copy", "one/v1", "other/v2")
            #expect(try contents("other/custom/default_v2") == "second")
            #expect(try contents("other/custom-snapshots/default_v2/s0") == "first")
            try await daemon.mustLxc("storage", "volume", "copy", "one/v1/s0", "one/v3")
            #expect(try contents("one/custom/default_v3") == "first")
            try await daemon.mustLxc("storage", "volume", "move", "one/v1", "other/v1")
            #expect(try contents("other/custom/default_v1") == "second")
            #expect(!FileManager.default.fileExists(atPath: pools + "/one/custom/default_v1"))
            let file = daemon.directory + "/v1.tar.gz"
            try await daemon.mustLxc("storage", "volume", "export", "other", "v1", file)
            try await daemon.mustLxc("storage", "volume", "import", "one", file, "v4")
            #expect(try contents("one/custom/default_v4") == "second")
            #expect(try contents("one/custom-snapshots/default_v4/s0") == "first")
        }
    }
}
