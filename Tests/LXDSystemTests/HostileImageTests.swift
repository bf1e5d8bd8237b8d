import Foundation
import LXDLinux
import LXDTestSupport
import Testing

/// Images whose makers put links where the daemon, as root, reads and writes: rows 1-6, 38 and 52 of the project's security table.
///
/// Each image goes through all that a user may do with it. Whatever is refused and whatever works: a folder of the host
/// that the links point to is neither changed nor shown.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(10)))
struct HostileImageTests {
    /// What is done to an unpacked busybox image; `$C` is the folder of the host.
    static let images: [(name: String, script: String)] = [
        ("a second rootfs entry that is a link", "mkdir x && ln -s $C x/rootfs && extra='-C x rootfs'"),
        ("rootfs itself is a link", "rm -rf rootfs && ln -s $C rootfs"),
        ("templates is a link", "rm -rf templates && ln -s $C templates"),
        ("a template is a link", "rm templates/hostname.tpl && ln -s $C/secret templates/hostname.tpl"),
        ("metadata.yaml is a link", "cp metadata.yaml $C/../metadata.yaml; rm metadata.yaml && ln -s $C/../metadata.yaml metadata.yaml"),
        ("backup.yaml is a link", "ln -s $C/secret backup.yaml && extra=backup.yaml"),
        ("exec-output is a link", "ln -s $C exec-output && extra=exec-output"),
        ("/etc is a link to the host", "rm -rf rootfs/etc && ln -s $C rootfs/etc"),
        ("/etc/hostname is a link to the host", "rm rootfs/etc/hostname && ln -s $C/secret rootfs/etc/hostname"),
        ("/etc climbs out", "rm -rf rootfs/etc && ln -s ../../../../../../../../../../..$C rootfs/etc"),
        ("a template's target climbs out", "sed -i \"s|/etc/hostname:|../../../../../../../../../../../..$C/secret:|\" metadata.yaml"),
        ("a template's source climbs out", "sed -i \"s|hostname.tpl|../../../../../../../../../../../..$C/secret|\" metadata.yaml"),
        ("/dev, /proc, /sys and /run are links", "for d in dev proc sys run; do rm -rf rootfs/$d; ln -s $C rootfs/$d; done"),
        ("/root is a link", "rm -rf rootfs/root && ln -s $C rootfs/root"),
        ("/mnt is a link", "rm -rf rootfs/mnt && ln -s $C rootfs/mnt"),
    ]

    @Test(arguments: images.map(\.name))
    func theHostIsNeitherChangedNorShown(name: String) async throws {
        let script = try #require(Self.images.first { $0.name == name }?.script)
        try await TestDaemon.withDaemon { daemon in
            try await daemon.mustLxc("storage", "create", "pool", "dir")
            try await daemon.mustLxc("profile", "device", "add", "default", "root", "disk", "path=/", "pool=pool")
            let canary = daemon.work + "/canary/inner"
            let token = UUID().uuidString
            try FileManager.default.createDirectory(atPath: canary, withIntermediateDirectories: true)
            try token.write(toFile: canary + "/secret", atomically: true, encoding: .utf8)
            let before = try listing(canary)
            let pid = try await serverPID(daemon)
            try await make(daemon, script: script, canary: canary)

            try await useItAll(daemon)

            let shown = try await daemon.run("grep", ["-a", "-c", token, "said"], deadline: .seconds(20))
            #expect(shown.outputText == "0\n", "what the host keeps to itself was shown")
            #expect(try listing(canary) == before, "the host was changed")
            #expect(try String(contentsOfFile: canary + "/secret", encoding: .utf8) == token)
            #expect(try await serverPID(daemon) == pid, "the daemon did not survive it")
            let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
            #expect(!mounts.contains(canary), "something was mounted on the host's folder")
        }
    }

    @Test func logFilesAreNamesAndNothingElse() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("launch", "busybox", "c1")
            for name in ["..%2f..%2flxd.log", "%2fetc%2fpasswd", "..", "lxc.log%00", "lxc.log%0a"] {
                let answer = try await daemon.request("GET", "/1.0/instances/c1/logs/" + name)
                #expect([400, 404].contains(answer.status), "\(name): \(answer.status) \(answer.body.prefix(100))")
            }
            let secret = daemon.work + "/secret"
            try "kept".write(toFile: secret, atomically: true, encoding: .utf8)
            try FileManager.default.createSymbolicLink(
                atPath: daemon.directory + "/logs/c1/lxc.linked.log", withDestinationPath: secret)
            let linked = try await daemon.request("GET", "/1.0/instances/c1/logs/lxc.linked.log")
            #expect(!linked.body.contains("kept"), "a link among the logs was followed")
        }
    }

    // MARK: Help

    private func make(_ daemon: TestDaemon, script: String, canary: String) async throws {
        let whole = """
            set -e; C=\(canary); mkdir image; tar -xJf \(try await TestImage.busybox()) -C image; cd image; extra=
            \(script)
            tar --numeric-owner --owner=0 --group=0 -cf ../hostile.tar metadata.yaml templates rootfs $extra
            """
        let result = try await daemon.run("bash", ["-c", whole], deadline: .seconds(60))
        guard result.exit.isSuccess else { throw TestFailure("the image was not made: \(result.errorText)") }
    }

    /// Everything a user may try; what comes back, the files among it, is in the file `said`.
    private func useItAll(_ daemon: TestDaemon) async throws {
        let script = """
            lxc image import hostile.tar --alias bad
            lxc init bad c1
            lxc config template list c1; lxc config template show c1 hostname.tpl; lxc config template show c1 secret
            echo changed | lxc config template create c1 made.tpl; lxc config template delete c1 hostname.tpl
            lxc config metadata show c1; lxc config metadata show c1 | lxc config metadata edit c1
            echo changed > mine
            for f in etc/hostname etc/secret root/secret mnt/secret dev/secret proc/secret run/secret secret; do
                lxc file pull c1/$f -; lxc file push mine c1/$f
            done
            lxc file push -r mine c1/mnt/; lxc file pull -r c1/etc pulled; cat pulled/*
            lxc start c1
            lxc file pull c1/etc/secret -; lxc file push mine c1/etc/secret; lxc file push mine c1/mnt/secret; lxc file delete c1/mnt/secret
            lxc query -X POST /1.0/instances/c1/exec -d '{"command":["/bin/cat","/etc/secret"],"record-output":true,"wait-for-websocket":false}' --wait
            lxc exec c1 -- cat /etc/secret /mnt/secret /root/secret /dev/secret
            lxc config device add c1 d disk source=$PWD/image path=/mnt/deeper
            lxc snapshot c1 s1; lxc copy c1 c2; lxc rename c2 c3; lxc start c3
            lxc stop -f c1; lxc restore c1 s1; lxc publish c1/s1 --alias again --compression none
            lxc image export again again; cat again*
            lxc export c1 backup.tar --compression none --instance-only; cat backup.tar
            lxc delete -f c1 c3
            """
        let line = "PATH=\(URL(fileURLWithPath: daemon.programs.client).deletingLastPathComponent().path):$PATH; exec >said 2>&1\n" + script
        _ = try await daemon.run("bash", ["-c", line], deadline: .seconds(120))
    }

    private func serverPID(_ daemon: TestDaemon) async throws -> String {
        try await daemon.mustLxc("query", "/1.0").components(separatedBy: "\"server_pid\":").last?
            .prefix(12).trimmingCharacters(in: .whitespaces) ?? ""
    }

    private func listing(_ folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).sorted().map { path in
            let facts = try FileManager.default.attributesOfItem(atPath: folder + "/" + path)
            return "\(path) \(facts[.size] ?? 0) \(facts[.posixPermissions] ?? 0) \(facts[.ownerAccountID] ?? 0) \(facts[.modificationDate] ?? 0)"
        }
    }
}
