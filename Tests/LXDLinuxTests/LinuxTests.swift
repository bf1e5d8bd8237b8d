import SystemPackage
import Testing

@testable import LXDLinux

@Suite struct ProcessTests {
    @Test func aToolsOutputAndStatusComeBack() async throws {
        let result = try await ProcessRunner.run("sh", ["-c", "cat; echo err >&2; exit 7"], input: Array("hello".utf8))
        #expect(result.outputText == "hello")
        #expect(result.errorText == "err\n")
        #expect(result.exit == .exited(7))
    }

    @Test func aToolThatTakesTooLongIsKilled() async throws {
        await #expect(throws: ToolError.self) {
            try await ProcessRunner.run("sleep", ["30"], deadline: .milliseconds(200))
        }
    }

    @Test func aBackgroundChildThatKeepsTheStreamsOpenDoesNotHangTheRunner() async throws {
        let result = try await ProcessRunner.run("sh", ["-c", "sleep 5 & echo done"], deadline: .seconds(3))
        #expect(result.outputText == "done\n")
    }

    @Test func outputBeyondTheLimitIsDropped() async throws {
        let result = try await ProcessRunner.run("head", ["-c", "100000", "/dev/zero"], outputLimit: 1000)
        #expect(result.output.count == 1000)
        #expect(result.isTruncated)
    }

    @Test func childDescriptorsMayOverlapOurs() async throws {
        var first = try PipeEnds()
        var second = try PipeEnds()
        var request = SpawnRequest(
            executable: "/bin/sh", arguments: ["sh", "-c", "echo a >&3; echo b >&4; ls /proc/self/fd | wc -l >&3"])
        request.descriptors = [3: second.writingNumber, 4: first.writingNumber]
        let handle = try ProcessSpawner.spawn(request)
        first.writing = nil
        second.writing = nil
        #expect(await handle.wait() == .exited(0))
        let one = try readAll(FileDescriptor(rawValue: first.readingNumber), limit: 100)
        let two = try readAll(FileDescriptor(rawValue: second.readingNumber), limit: 100)
        #expect(String(decoding: one, as: UTF8.self) == "b\n")
        #expect(String(decoding: two, as: UTF8.self).hasPrefix("a\n"))
    }

    @Test func waitingEndsAtItsTimeout() async throws {
        let handle = try ProcessSpawner.spawn(SpawnRequest(executable: "/bin/sleep", arguments: ["sleep", "20"]))
        #expect(await handle.wait(timeout: .milliseconds(50)) == nil)
        try handle.signal(9)
        #expect(await handle.wait() == .signalled(9))
        #expect(handle.exit?.shellStatus == 137)
    }
}

@Suite struct ConfinedDirectoryTests {
    private func withTree(_ body: (ConfinedDirectory, String) throws -> Void) throws {
        let path = "/tmp/lxd-confined-\(UInt64.random(in: 0 ... .max))"
        try makeHostDirectories(path + "/root/etc")
        defer { try? removeHostTree(path) }
        try AtomicFile.write("secret", to: path + "/secret")
        try body(ConfinedDirectory(path: path + "/root"), path)
    }

    @Test(arguments: ["../secret", "/../secret", "etc/../../secret", "up/secret", "absolute"])
    func pathsAndLinksDoNotLeaveTheDirectory(_ path: String) throws {
        try withTree { tree, host in
            try tree.makeSymbolicLink("up", target: "../..")
            try tree.makeSymbolicLink("absolute", target: host + "/secret")
            #expect(throws: Errno.noSuchFileOrDirectory) { try tree.read(path, limit: 100) }
        }
    }

    @Test func writingThroughALinkStaysInside() throws {
        try withTree { tree, host in
            try tree.makeSymbolicLink("etc/link", target: host)
            #expect(throws: Errno.noSuchFileOrDirectory) { try tree.write([1], to: "etc/link/file") }
            try tree.write([1, 2], to: "etc/file", mode: 0o600)
            #expect(try tree.read("/etc/file", limit: 2) == [1, 2])
            #expect(try tree.status("etc/file").permissions == 0o600)
            #expect(throws: Errno.fileTooLarge) { try tree.read("/etc/file", limit: 1) }
        }
    }

    @Test func removingATreeDoesNotFollowLinks() throws {
        try withTree { tree, host in
            try tree.makeDirectories("a/b/c")
            try tree.makeSymbolicLink("a/b/out", target: host)
            try tree.removeTree("a")
            #expect(!tree.exists("a"))
            #expect(try AtomicFile.readText(host + "/secret") == "secret")
        }
    }
}

@Suite struct KernelTextTests {
    @Test func mountinfoIsParsed() {
        let table = MountTable(
            parsing: "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\nbroken\n")
        #expect(table.entries.count == 1)
        #expect(table.entries.first?.target == "/mnt 2")
        #expect(table.entries.first?.propagation == ["master:1"])
        #expect(table.entries.first?.fsType == "ext3")
        #expect(table.isMountPoint("/mnt 2"))
    }

    @Test func theGroupOfAContainerIsFoundAboveItsOwnGroups() throws {
        let tree = try CgroupTree()
        let membership = tree.controllers.keys.map { "1:\($0):/lxc.payload.x/init.scope" } + ["0::/"]
        let group = CgroupGroup(tree: tree, membership: membership.joined(separator: "\n")).ancestor {
            $0 == "lxc.payload.x"
        }
        for (controller, path) in group.v1Paths {
            #expect(path == tree.controllers[controller].map { $0 + "/lxc.payload.x" })
        }
        #expect(group.v1Paths.count == tree.controllers.count)
        #expect(group.unifiedPath == nil)
    }

    @Test func aProcessOutsideAnyContainerHasNoGroupToKill() throws {
        let group = try CgroupTree().group(ofProcess: 1).ancestor { $0 == "lxc.payload.x" }
        #expect(group.isEmpty)
        #expect(group.processes().isEmpty)
    }

    @Test func theRootGroupIsNeitherFrozenNorRemoved() throws {
        let tree = try CgroupTree()
        let root = CgroupGroup(
            tree: tree, membership: (tree.controllers.keys.map { "1:\($0):/" } + ["0::/"]).joined(separator: "\n"))
        #expect(throws: Errno.invalidArgument) { try root.setFrozen(true) }
        root.remove()
    }
}
