import Foundation
import LXDLinux
import LXDTestSupport
import Testing

/// What root inside a default container must not be able to do: rows 49-57 and 63 of the project's security table.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(5)))
struct EscapeTests {
    @Test func probesFromInsideFail() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            let refused: [(String, String)] = [
                ("core_pattern", "echo '|/bin/sh' > /proc/sys/kernel/core_pattern"),
                ("uevent_helper", "echo /bin/sh > /sys/kernel/uevent_helper"),
                ("sysrq", "echo c > /proc/sysrq-trigger"),
                ("kernel memory", "head -c1 /proc/kcore"),
                ("a block device", "mknod /tmp/disk b 254 0 && head -c1 /tmp/disk"),
                ("mounting the host's disk", "mknod /tmp/vda b 254 0; mount -t ext4 /tmp/vda /mnt"),
                ("modprobe path", "echo /tmp/x > /proc/sys/kernel/modprobe"),
                ("release agent, v1", "mkdir -p /tmp/cg && mount -t cgroup -o memory x /tmp/cg && echo /tmp/x > /tmp/cg/release_agent"),
                ("swap", "swapoff -a && swapon /dev/zero"),
                ("the clock", "date -s '2000-01-01'; [ $(date +%Y) = 2000 ]"),
                ("host name of the host", "echo x > /proc/1/root/proc/sys/kernel/domainname && false"),
                ("leaving by the root of init", "ls /proc/1/root/work/main/Package.swift"),
            ]
            for (name, command) in refused {
                let result = try await daemon.lxc("exec", "c1", "--", "sh", "-c", command)
                #expect(!result.exit.isSuccess, "\(name) was possible: \(result.outputText)")
            }
        }
    }

    @Test func anExecSeesOnlyItsThreeStreamsAndAnInsideFolder() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            let open = try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "ls /proc/$$/fd; true")
            let numbers = Set(open.split(separator: "\n").map(String.init))
            #expect(numbers.isSubset(of: ["0", "1", "2", "10"]), "descriptors in an exec: \(numbers)")  // 10 is sh's own
            let initOpen = try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "for f in /proc/1/fd/*; do readlink $f; done")
            for line in initOpen.split(separator: "\n") {
                #expect(line.hasPrefix("/dev/") || line.hasPrefix("pipe:") || line.hasPrefix("anon_inode:"), "init holds \(line)")
            }
            let outside = try await daemon.lxc("exec", "c1", "--cwd", "/proc/self/fd/3", "--", "pwd")
            #expect(!outside.exit.isSuccess || outside.outputText.hasPrefix("/"), "\(outside.outputText)")
        }
    }

    @Test func inheritableCapabilitiesAreEmpty() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            for process in ["self", "1"] {
                let status = try await daemon.mustLxc("exec", "c1", "--", "grep", "CapInh", "/proc/\(process)/status")
                #expect(status.hasSuffix("0000000000000000\n"), "\(process): \(status)")
            }
        }
    }

    @Test func groupsOfAnExecAreExactlyThoseAskedFor() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            let status = try await daemon.mustLxc("exec", "c1", "--user", "1000", "--group", "1001", "--", "grep", "-E", "^(Uid|Gid|Groups)", "/proc/self/status")
            #expect(status.contains("Uid:\t1000\t1000\t1000\t1000"))
            #expect(status.contains("Gid:\t1001\t1001\t1001\t1001"))
            #expect(status.contains("Groups:\t \n") || status.contains("Groups:\t\n") || status.contains("Groups:\t1001"), "\(status)")
            for bad in ["-1", "4294967296", "root"] {
                let result = try await daemon.lxc("exec", "c1", "--user", bad, "--", "id", "-u")
                #expect(!result.exit.isSuccess, "--user \(bad): \(result.outputText)")
            }
        }
    }

    @Test func manyUsersAndLongValuesAreNoTrap() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("init", "busybox", "c1")
            // Sixteen bits of a length were once enough for everybody.
            for size in [70_000, 1_000_000] {
                let body = #"{"config":{"environment.LONG":"\#(String(repeating: "x", count: size))"}}"#
                let file = daemon.work + "/body"
                try body.write(toFile: file, atomically: true, encoding: .utf8)
                let answer = try await daemon.request("PATCH", "/1.0/instances/c1", "@" + file)
                let started = try await daemon.lxc("start", "c1")
                #expect(answer.status == 200 || answer.status == 400, "\(size): \(answer.body.prefix(200))")
                if started.exit.isSuccess {
                    let length = try await daemon.lxc("exec", "c1", "--", "sh", "-c", "echo ${#LONG}")
                    #expect(!length.exit.isSuccess || length.outputText == "\(size)\n", "\(length.outputText)\(length.errorText)")
                    try await daemon.mustLxc("stop", "--force", "c1")
                } else {
                    #expect(started.errorText.contains("Error:"))
                }
                try await daemon.mustLxc("config", "unset", "c1", "environment.LONG")
            }
            try await daemon.mustLxc("start", "c1")
            try await daemon.mustLxc("exec", "c1", "--", "sh", "-c", "dd if=/dev/zero bs=1M count=200 2>/dev/null | tr '\\0' 'a' >> /etc/group")
            let known = try await daemon.lxc("exec", "c1", "--user", "0", "--", "id", "-u")
            #expect(known.outputText == "0\n", "a huge /etc/group: \(known.errorText)")
        }
    }

    @Test func theHelpersProgramCannotBeReachedThroughItsOwnProcess() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            let helper = URL(fileURLWithPath: daemon.programs.daemon).deletingLastPathComponent().path + "/lxd-helper"
            let before = try await daemon.run("sha256sum", [helper], deadline: .seconds(20)).outputText
            // What is executed names the program that executes it; and a loop in wait for its process to write to it.
            try await daemon.mustLxc("file", "push", "-", "c1/bin/trap", "--mode=0755", input: "#!/proc/self/exe\n")
            let watch = "end=$(($(date +%s)+6)); while [ $(date +%s) -lt $end ]; do for p in /proc/[0-9]*; do echo x 2>/dev/null > $p/exe; done; done"
            let watching = Task { try await daemon.lxc("exec", "c1", "--", "sh", "-c", "(\(watch)) 2>/dev/null; cat /bin/busybox >/dev/null") }
            for _ in 0..<20 { _ = try await daemon.lxc("exec", "c1", "--", "/bin/trap") }
            _ = try await watching.value
            #expect(try await daemon.run("sha256sum", [helper], deadline: .seconds(20)).outputText == before)
            try await daemon.mustLxc("exec", "c1", "--", "true")
        }
    }

    @Test func keysOfTheHostsTerminalCannotBePressedFromInside() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            // The terminal in the container is its own: the one the client runs on has another device and inode.
            let script = "tty=$(lxc exec -t c1 -- tty); echo \"inside $tty\"; echo \"outside $(tty)\""
            let folder = URL(fileURLWithPath: daemon.programs.client).deletingLastPathComponent().path
            let result = try await daemon.run(
                "script", ["-qec", "PATH=\(folder):$PATH; " + script, "/dev/null"], deadline: .seconds(30))
            #expect(result.outputText.contains("/dev/pts/"), "\(result.outputText)")
            let device = try await daemon.mustLxc("exec", "-t", "c1", "--", "sh", "-c", "stat -L -c %d /proc/self/fd/0; stat -c %d /dev/pts/ptmx")
            let numbers = Set(device.split(whereSeparator: \.isWhitespace))
            #expect(numbers.count == 1, "an exec's terminal is not of the container's own devpts: \(device)")
        }
    }

    @Test func stateFoldersAndTheSocketAreClosed() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("init", "busybox", "c1")
            func mode(_ path: String) throws -> Int {
                let attributes = try FileManager.default.attributesOfItem(atPath: daemon.directory + "/" + path)
                return attributes[.posixPermissions] as? Int ?? -1
            }
            #expect(try mode("unix.socket") == 0o660)
            #expect(try mode("database") & 0o077 == 0)
            #expect(try mode("storage-pools") & 0o066 == 0)
            #expect(try mode("storage-pools/pool/containers/c1") & 0o077 == 0)
            #expect(try mode("images") & 0o077 == 0)
            #expect(try mode("logs") & 0o077 == 0 || mode("logs") & 0o066 == 0)
        }
    }
}
