import Foundation
import LXDAPI
import LXDLinux
import LXDRuntimePlan
import LXDStorage
import SystemPackage
import Testing

private let rsync = TransferMethod.rsync(features: ["xattrs", "delete", "bidirectional"])

/// Volumes from one pool to another.
@Suite(.enabled(if: isRoot, "mounts and file owners take root"), .serialized)
struct TransferTests {
    private func withTwoPools(_ body: @escaping @Sendable (PoolFixture, PoolFixture) async throws -> Void) async throws
    {
        try await PoolFixture.with { one in try await PoolFixture.with { other in try await body(one, other) } }
    }

    /// An instance with a snapshot, with everything in it that gets lost easily.
    private func makeSource(_ pool: PoolFixture) async throws -> Volume {
        let volume = try Volume.container("c1")
        try await pool.image(fingerprint(1), ["etc/os-release": "debian", "bin/tool": "binary", "gone": "x"])
        try await pool.driver.create(volume, from: .image(fingerprint(1)))
        try await pool.write("one", to: "home/a", of: volume)
        try await pool.whiteOut("gone", of: volume)
        try await pool.driver.snapshot(volume, as: "s0", isRunning: false)
        try await pool.write("two", to: "home/a", of: volume)
        let place = try await path(of: volume, pool)
        _ = try await ProcessRunner.runChecked("ln", [place + "/home/a", place + "/home/b"])
        _ = try await ProcessRunner.runChecked("ln", ["-s", "../etc/os-release", place + "/home/link"])
        _ = try await ProcessRunner.runChecked("mkfifo", [place + "/home/fifo"])
        _ = try await ProcessRunner.runChecked("truncate", ["-s", "10M", place + "/home/sparse"])
        _ = try await ProcessRunner.runChecked("chown", ["1000:1001", place + "/home/a"])
        _ = try await ProcessRunner.runChecked("chmod", ["4755", place + "/home/a"])
        _ = try await ProcessRunner.runChecked("setfattr", ["-n", "user.note", "-v", "kept", place + "/home/a"])
        return volume
    }

    private func path(of volume: Volume, _ pool: PoolFixture) async throws -> String {
        guard case .overlay(_, let upper, _) = try await pool.driver.rootFilesystem(of: volume) else { return "" }
        return upper
    }

    /// Everything a user could tell apart, a line a file.
    ///
    /// - Parameter withLinks: LXD's rsync makes files of their own of hard links.
    private func looks(_ volume: Volume, _ pool: PoolFixture, withLinks: Bool = true) async throws -> String {
        let place = pool.folder + "/looks-" + UUID().uuidString
        try makeHostDirectories(place)
        let target = try ConfinedDirectory(path: place)
        try await pool.driver.withTree(volume, isRunning: false) { tree in
            var command = ArchiveCommand("copy")
            command.add("--layers", descriptors: tree.layers)
            command.add("--to", descriptor: target.descriptor.rawValue)
            try await pool.tool.run(command)
        }
        let list = try await ProcessRunner.runChecked(
            "find", [place, "-printf", "%P %y %m %U:%G \(withLinks ? "%n" : "") %s %T@ %l\n"], outputLimit: 8 << 20)
        let notes = try await ProcessRunner.run("getfattr", ["-R", "-h", "-d", "--absolute-names", place])
        let sums = try await ProcessRunner.run("find", [place, "-type", "f", "-exec", "md5sum", "{}", ";"])
        try removeHostTree(place)
        // The size of a folder is the file system's business, the time of one made for a mount is nobody's.
        let lines = list.outputText.split(separator: "\n").filter { !$0.isEmpty && !$0.hasPrefix(" ") }.sorted().map {
            line in
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            return words[1] == "d" ? words[..<4].joined(separator: " ") : String(line)
        }
        return
            (lines
            + [notes.outputText, sums.outputText].map { text in
                text.replacingOccurrences(of: place, with: "").split(separator: "\n").sorted().joined(separator: "\n")
            }).joined(separator: "\n")
    }

    @Test("a copy is the same to the last attribute", arguments: [TransferMethod.layers, rsync])
    func copyIsExact(method: TransferMethod) async throws {
        try await withTwoPools { one, other in
            let volume = try await makeSource(one)
            try await transfer(
                .init(volume: volume, snapshots: ["s0"], method: method), from: one.driver, to: other.driver,
                .init(volume: volume, snapshots: ["s0"], method: method))
            for item in [volume, try volume.withSnapshot("s0")] {
                let (sent, received) = (
                    try await looks(item, one, withLinks: method == .layers),
                    try await looks(item, other, withLinks: method == .layers)
                )
                #expect(sent == received)
                let beside = try ConfinedDirectory(path: other.driver.mountPath(item))
                #expect(beside.exists("metadata.yaml") && beside.exists("templates/hostname.tpl"))
            }
            let staging = try ConfinedDirectory(path: other.pool + "/staging").list()
            #expect(staging.isEmpty)
        }
    }

    @Test("a refreshed copy gets what changed and loses what went", arguments: [TransferMethod.layers, rsync])
    func refresh(method: TransferMethod) async throws {
        try await withTwoPools { one, other in
            let volume = try await makeSource(one)
            let outgoing = OutgoingTransfer(volume: volume, snapshots: [], method: method)
            try await transfer(
                outgoing, from: one.driver, to: other.driver, .init(volume: volume, snapshots: [], method: method))
            try await one.write("three", to: "home/new", of: volume)
            try await other.write("mine", to: "home/of-the-target", of: volume)
            try await one.driver.snapshot(volume, as: "s1", isRunning: false)
            try await one.whiteOut("home/link", of: volume)
            var again = OutgoingTransfer(volume: volume, snapshots: ["s1"], method: method)
            again.isRefresh = true
            try await transfer(
                again, from: one.driver, to: other.driver,
                .init(volume: volume, snapshots: ["s1"], method: method, isRefresh: true))
            for item in [volume, try volume.withSnapshot("s1")] {
                let (sent, received) = (
                    try await looks(item, one, withLinks: method == .layers),
                    try await looks(item, other, withLinks: method == .layers)
                )
                #expect(sent == received)
            }
        }
    }

    @Test("only new layers go to who has the others")
    func onlyNewLayersGo() async throws {
        try await withTwoPools { one, other in
            let volume = try await makeSource(one)
            try await one.write(String(repeating: "large ", count: 500_000), to: "home/large", of: volume)
            let outgoing = OutgoingTransfer(volume: volume, snapshots: ["s0"], method: .layers)
            let first = try await transfer(
                outgoing, from: one.driver, to: other.driver, .init(volume: volume, snapshots: ["s0"], method: .layers))
            #expect(first > 3_000_000)
            for round in 0..<3 {
                try await one.write("round \(round)", to: "home/a", of: volume)
                let bytes = try await transfer(
                    .init(volume: volume, snapshots: [], method: .layers, isRefresh: true), from: one.driver,
                    to: other.driver,
                    .init(volume: volume, snapshots: [], method: .layers, isRefresh: true))
                #expect(bytes < 20_000)
                #expect(try await other.files(of: volume)["home/a"] == "round \(round)")
            }
        }
    }

    @Test("a running instance's changes go as a difference, not as a layer")
    func runningRefresh() async throws {
        try await withTwoPools { one, other in
            let volume = try await makeSource(one)
            try await one.write(String(repeating: "large ", count: 500_000), to: "home/large", of: volume)
            try await transfer(
                .init(volume: volume, snapshots: [], method: .layers, isRunning: true), from: one.driver,
                to: other.driver,
                .init(volume: volume, snapshots: [], method: .layers))
            #expect(try await looks(volume, one) == looks(volume, other))
            for round in 0..<45 where round < 2 || round > 42 {
                try await one.write("round \(round)", to: "home/round", of: volume)
                let bytes = try await transfer(
                    .init(volume: volume, snapshots: [], method: .layers, isRunning: true, isRefresh: true),
                    from: one.driver, to: other.driver,
                    .init(volume: volume, snapshots: [], method: .layers, isRefresh: true))
                #expect(bytes < 20_000)
            }
            #expect(try await looks(volume, one) == looks(volume, other))
        }
    }

    @Test("an image that the target has and may use is not sent")
    func imagesAreNotSent() async throws {
        try await withTwoPools { one, other in
            let large = String(repeating: "large ", count: 500_000)
            for pool in [one, other] { try await pool.image(fingerprint(2), ["large": large]) }
            let volume = try Volume.container("c1")
            try await one.driver.create(volume, from: .image(fingerprint(2)))
            let outgoing = OutgoingTransfer(volume: volume, snapshots: [], method: .layers)
            let with = try await transfer(
                outgoing, from: one.driver, to: other.driver,
                .init(volume: volume, snapshots: [], method: .layers, images: { $0 == fingerprint(2) }))
            #expect(with < 10_000)
            let second = try Volume.container("c2")
            let without = try await transfer(
                outgoing, from: one.driver, to: other.driver, .init(volume: second, snapshots: [], method: .layers))
            #expect(without > 3_000_000, "an image nobody allowed is not used")
            #expect(try await other.files(of: second) == ["large": large])
        }
    }

    @Test("a custom volume with snapshots", arguments: [TransferMethod.layers, rsync])
    func customVolume(method: TransferMethod) async throws {
        try await withTwoPools { one, other in
            let volume = try Volume.custom("default_v1")
            try await one.driver.create(volume, from: .empty)
            try await one.write("1", to: "d/a", of: volume)
            try await one.driver.snapshot(volume, as: "s0", isRunning: false)
            try await one.write("2", to: "d/a", of: volume)
            try await one.write("2", to: "b", of: volume)
            try await transfer(
                .init(volume: volume, snapshots: ["s0"], method: method), from: one.driver, to: other.driver,
                .init(volume: volume, snapshots: ["s0"], method: method))
            #expect(try await other.files(of: volume) == ["d/a": "2", "b": "2"])
            #expect(try await other.files(of: volume.withSnapshot("s0")) == ["d/a": "1"])
            try await one.write("3", to: "d/c", of: volume)
            _ = try await ProcessRunner.runChecked("rm", [one.driver.mountPath(volume) + "/b"])
            try await transfer(
                .init(volume: volume, snapshots: [], method: method, isRefresh: true), from: one.driver,
                to: other.driver,
                .init(volume: volume, snapshots: [], method: method, isRefresh: true))
            #expect(try await other.files(of: volume) == ["d/a": "2", "d/c": "3"])
            #expect(try await other.files(of: volume.withSnapshot("s0")) == ["d/a": "1"])
        }
    }

    @Test("a connection that is cut leaves nothing", arguments: [TransferMethod.layers, rsync])
    func cutConnection(method: TransferMethod) async throws {
        try await withTwoPools { one, other in
            let volume = try await makeSource(one)
            try await one.write(String(repeating: "large ", count: 500_000), to: "home/large", of: volume)
            let (near, far) = MemoryChannel.pair()
            let receiving = Task {
                try await other.driver.receive(.init(volume: volume, snapshots: [], method: method), over: far) {
                    progress in
                    if progress.bytes > 100_000 { near.cut() }
                }
            }
            let sending = Task {
                try await one.driver.send(.init(volume: volume, snapshots: [], method: method), over: near) { _ in }
            }
            await #expect(throws: (any Error).self) { try await receiving.value }
            far.cut()
            _ = await sending.result
            #expect(await !other.driver.exists(volume))
            let left = try await other.layerCount()
            #expect(left == 0)
            #expect(try ConfinedDirectory(path: other.pool + "/staging").list().isEmpty)
        }
    }
}

/// What a peer might send that is no tree of an honest server.
@Suite(.enabled(if: isRoot, "file owners take root"))
struct HostileTreeTests {
    /// A stream of entries by hand.
    private struct Stream {
        var bytes = Array("LXDTREE1".utf8)

        private mutating func number<Number: FixedWidthInteger>(_ value: Number) {
            withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
        }
        private mutating func text(_ text: String) {
            number(UInt16(text.utf8.count))
            bytes += Array(text.utf8)
        }
        mutating func entry(
            _ kind: UInt8, _ name: String, mode: UInt32 = 0o100644, size: UInt64 = 0, target: String = "",
            uid: UInt32 = 0,
            attributes: [String: String] = [:]
        ) {
            number(kind)
            text(name)
            if kind == 7 { return }
            number(UInt8(0))
            number(mode)
            number(uid)
            number(UInt32(0))
            number(Int64(0))
            number(UInt32(0))
            number(size)
            number(UInt64(0))
            text(target)
            number(UInt16(attributes.count))
            for (name, value) in attributes {
                text(name)
                number(UInt32(value.utf8.count))
                bytes += Array(value.utf8)
            }
            if kind == 3 {
                number(Int64(0))
                number(UInt32(0))
            }
        }
        mutating func up() { number(UInt8(2)) }
        mutating func end() { number(UInt8(8)) }
    }

    static let cases: [(String, @Sendable () -> [UInt8])] = [
        ("a name that leads up", { stream { $0.entry(3, "..") } }),
        ("a name with a slash", { stream { $0.entry(3, "../../tmp/evil") } }),
        ("an absolute name", { stream { $0.entry(3, "/tmp/evil") } }),
        ("leaving the root", { stream { $0.up() } }),
        (
            "entering a link",
            {
                stream {
                    $0.entry(4, "link", target: "/tmp")
                    $0.entry(1, "link", mode: 0o40755)
                    $0.entry(3, "evil")
                }
            }
        ),
        ("a hard link out", { stream { $0.entry(5, "x", target: "../../../etc/passwd") } }),
        (
            "a hard link through a link",
            {
                stream {
                    $0.entry(4, "link", target: "/etc")
                    $0.entry(5, "x", target: "link/passwd")
                }
            }
        ),
        ("a device", { stream { $0.entry(6, "sda", mode: 0o060666, size: 8 << 32) } }),
        ("a whiteout outside a layer", { stream { $0.entry(6, "gone", mode: 0o020000) } }),
        (
            "an overlay attribute",
            { stream { $0.entry(1, "d", mode: 0o40755, attributes: ["trusted.overlay.redirect": "/etc"]) } }
        ),
        ("removing in a new tree", { stream { $0.entry(7, "x") } }),
        ("an owner that is none", { stream { $0.entry(3, "x", uid: .max) } }),
        (
            "the same name twice",
            {
                stream {
                    $0.entry(3, "x")
                    $0.entry(3, "x")
                }
            }
        ),
        ("no end", { Array("LXDTREE1".utf8) }),
        ("no tree at all", { Array(repeating: 0xff, count: 10_000) }),
    ]

    private static func stream(_ body: (inout Stream) -> Void) -> [UInt8] {
        var stream = Stream()
        body(&stream)
        stream.end()
        return stream.bytes
    }

    @Test(arguments: cases.indices)
    func isRefused(_ index: Int) async throws {
        let (name, make) = Self.cases[index]
        let folder = "/tmp/lxd-hostile-" + UUID().uuidString
        try makeHostDirectories(folder)
        let target = try ConfinedDirectory(path: folder)
        let input = try ScratchFile(make())
        var command = ArchiveCommand("receive")
        command.add("--input", descriptor: input.descriptor.rawValue)
        command.add("--to", descriptor: target.descriptor.rawValue)
        let error = await #expect(throws: ArchiveError.self, "\(name)") { try await ArchiveTool.located().run(command) }
        #expect(
            error?.kind == .hostile || error?.kind == .corrupt || error?.kind == .io, "\(name): \(error?.message ?? "")"
        )
        #expect(!FileManager.default.fileExists(atPath: "/tmp/evil"))
        try removeHostTree(folder)
    }
}
