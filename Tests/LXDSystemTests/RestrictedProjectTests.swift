import Foundation
import LXDLinux
import LXDTestSupport
import Testing

/// What a restricted project refuses, tried with the whole daemon: backups (rows 11-13 of the project's security table),
/// uploads (row 16) and folders of the host (row 67).
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(10)))
struct RestrictedProjectTests {
    /// A backup of an instance with one snapshot, unpacked in `backup/`, and the restricted project `shop`.
    private func withBackup(_ body: (TestDaemon) async throws -> Void) async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("init", "busybox", "c1")
            try await daemon.mustLxc("snapshot", "c1", "s0")
            try await daemon.mustLxc("export", "c1", daemon.work + "/c1.tar", "--compression", "none")
            try await daemon.mustLxc("export", "c1", daemon.work + "/bare.tar", "--compression", "none", "--instance-only")
            try await daemon.mustLxc("delete", "c1")
            try await daemon.mustLxc("project", "create", "shop", "-c", "restricted=true", "-c", "restricted.snapshots=allow")
            try await daemon.mustLxc("profile", "device", "add", "default", "root", "disk", "path=/", "pool=pool", "--project", "shop")
            try await body(daemon)
            _ = try await daemon.lxc("delete", "-f", "c1", "--project", "shop")
        }
    }

    /// Unpacks a backup, lets `script` change it, packs it as `bad.tar` and tries to import it.
    private func importing(_ daemon: TestDaemon, _ archive: String = "c1.tar", script: String) async throws -> (isTaken: Bool, says: String) {
        let made = try await daemon.run(
            "bash",
            [
                "-ec",
                "rm -rf backup bad.tar; tar xf \(archive); \(script); tar cf bad.tar backup/index.yaml --exclude=backup/index.yaml backup",
            ], deadline: .seconds(60))
        guard made.exit.isSuccess else { throw TestFailure("no archive: \(made.errorText)") }
        let result = try await daemon.lxc("import", daemon.work + "/bad.tar", "--project", "shop")
        return (result.exit.isSuccess, result.errorText)
    }

    private func expectNothingLeft(_ daemon: TestDaemon, _ what: String) async throws {
        #expect(try await daemon.mustLxc("list", "--project", "shop", "-f", "csv").isEmpty, "\(what) left an instance")
        let folders = ["/backups", "/storage-pools/pool/containers", "/storage-pools/pool/containers-snapshots"]
        for folder in folders {
            let names = try FileManager.default.contentsOfDirectory(atPath: daemon.directory + folder)
            #expect(!names.contains { $0.hasPrefix("shop_") || $0.hasPrefix("lxd_backup_upload") }, "\(what) left \(names) in \(folder)")
        }
    }

    @Test func aBackupBringsNothingThatTheProjectRefuses() async throws {
        let refused = [
            ("a key of the instance", #"sed -i '0,/^    config:/s//    config:\n      security.privileged: "true"/' backup/index.yaml"#),
            ("a low-level key", #"sed -i '0,/^    config:/s//    config:\n      raw.lxc: lxc.apparmor.profile=unconfined/' backup/index.yaml"#),
            (
                "a device of the instance",
                #"sed -i '0,/^    devices: {}/s//    devices:\n      d:\n        type: disk\n        source: \/etc\n        path: \/mnt/' backup/index.yaml"#
            ),
            (
                "a key of the snapshot",
                #"sed -i '/^  snapshots:/,$ { 0,/^    config:/s//    config:\n      security.nesting: "true"/ }' backup/index.yaml"#
            ),
        ]
        try await withBackup { daemon in
            for (name, script) in refused {
                let result = try await importing(daemon, script: script)
                #expect(!result.isTaken && result.says.contains("forbidden"), "\(name): \(result.says)")
                try await expectNothingLeft(daemon, name)
            }
            try await daemon.mustLxc("project", "unset", "shop", "restricted.snapshots")
            let result = try await importing(daemon, script: "true")
            #expect(!result.isTaken && result.says.contains("doesn't allow for snapshot creation"), "\(result.says)")
            try await expectNothingLeft(daemon, "a snapshot")
        }
    }

    @Test func whatLiesBesideTheInstanceInABackupIsNotBelieved() async throws {
        try await withBackup { daemon in
            let script = #"sed -i '0,/^  config:/s//  config:\n    security.privileged: "true"/' backup/container/backup.yaml"#
            let result = try await importing(daemon, "bare.tar", script: script + "; grep -q privileged backup/container/backup.yaml")
            #expect(result.isTaken, "\(result.says)")
            let shown = try await daemon.mustLxc("config", "show", "c1", "--expanded", "--project", "shop")
            #expect(!shown.contains("privileged"))
            let kept = try String(
                contentsOfFile: daemon.directory + "/storage-pools/pool/containers/shop_c1/backup.yaml", encoding: .utf8)
            #expect(kept.contains("image.os") && !kept.contains("privileged"))
        }
    }

    @Test func namesInBackupsAreNames() async throws {
        let names = ["../x", "a/b", ".", "..", #""""#, String(repeating: "x", count: 64), #""a\nb""#, #""a\0b""#, "'$(id)'"]
        try await withBackup { daemon in
            for name in names {
                let escaped = name.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "/", with: "\\/")
                    .replacingOccurrences(of: "'", with: "'\\''")
                for line in ["s/^name: c1$/name: \(escaped)/", "s/^- s0$/- \(escaped)/"] {
                    let result = try await importing(daemon, script: "sed -i '\(line)' backup/index.yaml")
                    #expect(!result.isTaken, "\(line) was taken")
                    try await expectNothingLeft(daemon, line)
                }
            }
            for name in ["../x", "a%2Fb", "..", String(repeating: "x", count: 64), "a;id"] {
                let answer = try await daemon.run(
                    "curl",
                    [
                        "-s", "--unix-socket", daemon.directory + "/unix.socket", "-H", "X-LXD-name: \(name)", "-H",
                        "Content-Type: application/octet-stream", "--data-binary", "@c1.tar", "http://lxd/1.0/instances?project=shop",
                    ], deadline: .seconds(30))
                #expect(answer.outputText.contains(#""type":"error""#), "\(name): \(answer.outputText)")
                try await expectNothingLeft(daemon, name)
            }
        }
    }

    @Test func anUploadStopsAtTheProjectsLimit() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            try await daemon.mustLxc("project", "create", "shop", "-c", "limits.disk=20MB")
            let answer = try await daemon.run(
                "bash",
                [
                    "-c",
                    #"head -c 300000000 /dev/zero | curl -s --unix-socket "$LXD_DIR/unix.socket" -H 'Content-Type: application/octet-stream' -T - -X POST 'http://lxd/1.0/images?project=shop'"#,
                ], deadline: .seconds(60))
            #expect(answer.outputText.contains("exceeding quota of 20000000"), "\(answer.outputText)")
            let left = try FileManager.default.contentsOfDirectory(atPath: daemon.directory + "/images")
            #expect(!left.contains { $0.hasPrefix("lxd_build_") }, "\(left)")
        }
    }

    @Test func aLinkDoesNotLeadOutOfAnAllowedFolder() async throws {
        try await TestDaemon.withDaemon { daemon in
            try await daemon.prepareForContainers()
            let allowed = daemon.work + "/allowed"
            let made = try await daemon.run(
                "bash",
                ["-ec", "mkdir -p allowed/in/side outside; echo secret > outside/file; echo mine > allowed/in/side/file; ln -s ../outside allowed/out; ln -s in allowed/within"],
                deadline: .seconds(10))
            guard made.exit.isSuccess else { throw TestFailure(made.errorText) }
            try await daemon.mustLxc(
                "project", "create", "shop", "-c", "features.images=false", "-c", "restricted=true", "-c", "restricted.devices.disk=allow",
                "-c", "restricted.devices.disk.paths=" + allowed)
            try await daemon.mustLxc("profile", "device", "add", "default", "root", "disk", "path=/", "pool=pool", "--project", "shop")
            try await daemon.mustLxc("launch", "busybox", "c1", "--project", "shop")

            func add(_ source: String) async throws -> Bool {
                _ = try await daemon.lxc("config", "device", "remove", "c1", "d", "--project", "shop")
                return try await daemon.lxc(
                    "config", "device", "add", "c1", "d", "disk", "source=" + source, "path=/mnt", "--project", "shop"
                ).exit.isSuccess
            }
            for source in [allowed + "/out", allowed + "/../outside", allowed + "/in/../../outside", daemon.work + "/outside", "/"] {
                #expect(try await !add(source), "\(source) was shown")
                let seen = try await daemon.lxc("exec", "c1", "--project", "shop", "--", "cat", "/mnt/file")
                #expect(!seen.outputText.contains("secret"))
            }
            for source in ["/in/side", "/within/side"] {
                #expect(try await add(allowed + source))
                #expect(try await daemon.mustLxc("exec", "c1", "--project", "shop", "--", "cat", "/mnt/file") == "mine\n")
            }
            // What was allowed when it was configured is looked at again when it is shown.
            let swapped = try await daemon.run("bash", ["-ec", "mv allowed/in allowed/was; ln -s ../outside allowed/in; mkdir outside/side; cp outside/file outside/side/file"], deadline: .seconds(10))
            #expect(swapped.exit.isSuccess)
            let restarted = try await daemon.lxc("restart", "-f", "c1", "--project", "shop")
            #expect(!restarted.exit.isSuccess && restarted.errorText.contains("resolves outside of restricted parent source path"), "\(restarted.errorText)")
            _ = try await daemon.lxc("delete", "-f", "c1", "--project", "shop")
        }
    }
}
