import LXDLinux
import LXDTestSupport
import Testing

/// A full disk is when people delete things: that must work then.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(5)))
struct FullDiskTests {
    @Test func whatTakesTheRoomCanBeDeletedOnAFullDisk() async throws {
        try await TestHost.withPair { host, _ in
            try await TestDaemon.withDaemon(on: host, diskMebibytes: 64) { daemon in
                try await daemon.prepareForContainers()
                try await daemon.mustLxc("init", "busybox", "c1")
                try await daemon.mustLxc("snapshot", "c1", "s1")
                try await daemon.mustLxc("storage", "volume", "create", "pool", "v1")
                // Until not even a byte fits. The file system may free what it had set aside a moment later: then again.
                var refused = false
                for attempt in 1...10 where !refused {
                    let filler = daemon.directory + "/filler\(attempt)"
                    try await host.mustRun(
                        "sh", "-c", "! dd if=/dev/zero of=\(filler) bs=64k && ! dd if=/dev/zero of=\(filler).2 bs=1")
                    refused = try await !daemon.lxc("init", "busybox", "full\(attempt)").exit.isSuccess
                    if !refused { try await daemon.mustLxc("delete", "full\(attempt)") }
                }
                #expect(refused, "there was room left, so this test shows nothing")

                try await daemon.mustLxc("delete", "c1/s1")
                try await daemon.mustLxc("storage", "volume", "delete", "pool", "v1")
                try await daemon.mustLxc("delete", "c1")
                try await daemon.mustLxc("image", "delete", "busybox")
                #expect(try await daemon.mustLxc("list", "-f", "csv").isEmpty)
                #expect(try await daemon.mustLxc("storage", "volume", "list", "pool", "-f", "csv").isEmpty)
            }
        }
    }
}
