import Foundation
import LXDAPI
@testable import LXDImages
import LXDLinux
import SystemPackage
import Testing

/// What is packed comes back as it was, in every shape LXD knows.
@Suite(.enabled(if: isRoot, "images keep owners and device nodes: needs root"))
struct ImageRoundTripTests {
    /// A tree with everything a system may have.
    private func fill(_ root: ConfinedDirectory, _ path: String) async throws {
        try root.makeDirectories("etc/empty")
        try root.write(Array("hello".utf8), to: "etc/file", mode: 0o640, uid: 1000, gid: 2000)
        try root.write([1], to: "setuid", mode: 0o4755)
        try root.makeSymbolicLink("etc/link", target: "/etc/file")
        try root.write(Array("ü".utf8), to: "etc/n\u{e4}me")
        try root.setAttribute("user.note", of: "etc/file", to: Array("kept".utf8))
        let script = """
            cd "$1" && ln etc/file etc/hard && mknod null c 1 3 && mkfifo fifo && truncate -s 5M sparse && chmod 1777 etc/empty &&
            setcap cap_net_raw=ep setuid && setfacl -m u:4242:rw- etc/file && setfacl -d -m g:77:r-x etc/empty &&
            touch -d @1600000000 etc/file etc && touch -h -d @1500000000 etc/link
            """
        try await ProcessRunner.runChecked("sh", ["-ec", script, "sh", path])
    }

    /// All that can be seen of a tree, from outside.
    /// - Parameter lists: ACLs too; squashfs has none.
    private func listing(_ path: String, lists: Bool = true) async throws -> String {
        let script = """
            cd "$1"; find . ! -path . -printf '%p %y %m %U %G %s %n %l %TY-%Tm-%Td\\n' | sort
            getcap -r . ; [ "$2" = no ] || getfacl -R -n -p . ; getfattr -R -d -m user . ; cat etc/file; stat -c %t:%T null
            """
        return try await ProcessRunner.runChecked("sh", ["-c", script, "sh", path, lists ? "yes" : "no"]).outputText
    }

    private func metadata() -> ImageMetadata {
        .with {
            $0.architecture = "x86_64"
            $0.creationDate = 1_700_000_000
            $0.properties = ["os": "Test"]
        }
    }

    @Test(arguments: [ImageCompression.none, .gzip, .bzip2, .xz, .lzma, .zstd, .squashfs])
    func aPublishedImageComesBackAsItWas(_ compression: ImageCompression) async throws {
        try await ImageFixture.with { fixture in
            let source = fixture.folder + "/source"
            try makeHostDirectories(source + "/tree", mode: 0o755)
            let (tree, beside) = (try ConfinedDirectory(path: source + "/tree"), try ConfinedDirectory(path: source))
            try await fill(tree, source + "/tree")
            try beside.makeDirectory("templates")
            try beside.write(Array("{{ trigger }}".utf8), to: "templates/a.tpl")
            let path = FilePath(fixture.folder + "/image")
            let output = try FileDescriptor.open(path, .readWrite, options: [.create], permissions: [.ownerReadWrite])
            let packed = try await ImagePacker(tool: fixture.tool).pack(
                PackedTree(layers: [tree.descriptor.rawValue], metadata: beside.descriptor.rawValue), metadata: metadata(),
                to: output, compression: compression)
            try output.close()
            let known = try await ImageReader.fingerprint(of: ImageFiles(metadata: path))
            #expect(known.fingerprint == packed.fingerprint && known.size == packed.size)
            let sum = try await ProcessRunner.runChecked("sha256sum", [path.string]).outputText
            #expect(sum.hasPrefix(packed.fingerprint))

            let inspection = try await fixture.inspect(path)
            #expect(inspection.metadata == metadata())
            try await fixture.unpack(path)
            if compression == .squashfs { try await ProcessRunner.runChecked("setfacl", ["-R", "-b", source + "/tree"]) }
            let lists = compression != .squashfs
            #expect(try await listing(fixture.folder + "/root", lists: lists) == listing(source + "/tree", lists: lists))
            #expect(try fixture.beside.list("templates") == ["a.tpl"])
            #expect(try fixture.beside.exists("metadata.yaml"))
        }
    }

    @Test(arguments: ["tar", "squashfs"])
    func aSplitImageHasTheHashOfBothFiles(_ kind: String) async throws {
        try await ImageFixture.with { fixture in
            var tar = TestTar(.gnu)
            tar.addFile("./metadata.yaml", goodMetadata)
            let metadata = try fixture.store(tar.finished, as: "metadata")
            let source = fixture.folder + "/source"
            try makeHostDirectories(source, mode: 0o755)
            try ConfinedDirectory(path: source).write(Array("x".utf8), to: "a")
            let rootfs = FilePath(fixture.folder + "/rootfs")
            if kind == "tar" {
                try await ProcessRunner.runChecked("tar", ["-C", source, "-cf", rootfs.string, "."])
            } else {
                try await ProcessRunner.runChecked("mksquashfs", [source, rootfs.string, "-quiet", "-no-progress"])
            }
            let sum = try await ProcessRunner.runChecked("sh", ["-c", "cat $0 $1 | sha256sum", metadata.string, rootfs.string])
            let known = try await ImageReader.fingerprint(of: ImageFiles(metadata: metadata, rootfs: rootfs))
            #expect(sum.outputText.hasPrefix(known.fingerprint))
            try await fixture.unpack(metadata, rootfs: rootfs)
            #expect(try fixture.root.read("a", limit: 10) == Array("x".utf8))
            #expect(try fixture.beside.exists("metadata.yaml"))
        }
    }

    @Test func anArchiveOfGNUTarIsRead() async throws {
        try await ImageFixture.with { fixture in
            let source = fixture.folder + "/source"
            try makeHostDirectories(source + "/rootfs", mode: 0o755)
            try await fill(try ConfinedDirectory(path: source + "/rootfs"), source + "/rootfs")
            try AtomicFile.write(goodMetadata, to: source + "/metadata.yaml")
            try await ProcessRunner.runChecked(
                "tar", ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls", "-S", "-C", source, "-czf", fixture.folder + "/image", "metadata.yaml", "rootfs"])
            try await fixture.unpack(FilePath(fixture.folder + "/image"))
            #expect(try await listing(fixture.folder + "/root") == listing(source + "/rootfs"))
        }
    }

    @Test func aBackupComesBackAsItWas() async throws {
        try await ImageFixture.with { fixture in
            let source = fixture.folder + "/source"
            try makeHostDirectories(source + "/tree", mode: 0o755)
            let (tree, beside) = (try ConfinedDirectory(path: source + "/tree"), try ConfinedDirectory(path: source))
            try await fill(tree, source + "/tree")
            try beside.write(Array(goodMetadata.utf8), to: "metadata.yaml")
            let path = FilePath(fixture.folder + "/backup")
            let output = try FileDescriptor.open(path, .readWrite, options: [.create], permissions: [.ownerReadWrite])
            let archive = BackupArchive(tool: fixture.tool)
            let packed = PackedTree(layers: [tree.descriptor.rawValue], metadata: beside.descriptor.rawValue)
            try await archive.write(
                index: "name: c1\nbackend: dir\npool: default\nsnapshots:\n- s0\ntype: container\noptimized: false\n",
                volumes: [
                    .init(snapshot: try SnapshotName("s0"), tree: packed, description: "snapshot"),
                    .init(snapshot: nil, tree: packed, description: "instance"),
                ], to: output, compression: .gzip)
            try output.close()
            let names = try await ProcessRunner.runChecked("tar", ["-tzf", path.string]).outputText
            #expect(names.hasPrefix("backup/index.yaml\n"))
            for name in ["backup/container/backup.yaml", "backup/container/rootfs/etc/file", "backup/snapshots/s0/rootfs/setuid"] {
                #expect(names.contains(name + "\n"), "\(name)")
            }
            let index = try await archive.readIndex(of: path)
            #expect(index.name.rawValue == "c1" && index.snapshots.map(\.rawValue) == ["s0"])
            for snapshot in [nil, try SnapshotName("s0")] {
                let place = fixture.folder + "/out-\(snapshot?.rawValue ?? "")"
                for name in ["root", "beside"] { try makeHostDirectories(place + "/" + name, mode: 0o755) }
                let (root, side) = (try ConfinedDirectory(path: place + "/root"), try ConfinedDirectory(path: place + "/beside"))
                try await archive.unpack(path, snapshot: snapshot, root: root.descriptor.rawValue, metadata: side.descriptor.rawValue)
                #expect(try await listing(place + "/root") == listing(source + "/tree"))
                #expect(try side.list() == ["metadata.yaml"], "backup.yaml in a backup is never taken over")
            }
        }
    }
}

/// Names and kinds in a backup's index are checked before anything is made of them.
struct BackupIndexTests {
    @Test(arguments: ["../x", "a/b", ".", "..", "", "a b", "a\\0b", String(repeating: "x", count: 64), "-a", "1a"])
    func namesOfInstancesAreChecked(_ name: String) {
        #expect(throws: LXDError.self) { try BackupArchive.parse(index: "name: \"\(name)\"\nbackend: dir\npool: default\n") }
    }

    @Test(arguments: ["../x", "a/b", ".."])
    func namesOfSnapshotsAreChecked(_ name: String) {
        #expect(throws: LXDError.self) { try BackupArchive.parse(index: "name: c1\nsnapshots: [\"\(name)\"]\n") }
    }

    @Test(arguments: ["snapshots: [a, a]", "type: virtual-machine", "type: custom", "type: else", "optimized: true", "snapshots: {a: b}", "type: []"])
    func whatCannotBeImportedIsRefused(_ line: String) {
        #expect(throws: LXDError.self) { try BackupArchive.parse(index: "name: c1\n" + line + "\n") }
    }

    @Test(arguments: ["snapshots: null", "config: null", "optimized: null", "pool: null", "config: {container: {devices: null}}"])
    func absentFieldsAreNoTrap(_ line: String) throws {
        #expect(try BackupArchive.parse(index: "name: c1\n" + line + "\n").name.rawValue == "c1")
    }
}

struct ImageCompressionTests {
    @Test(arguments: ["bash -c x", "gzip -x", "-I", "/bin/gzip", "gzip\n", "", "GZIP", "gzip -12", "gzip --best=/etc"])
    func onlyNamesOfTheListAreCompressions(_ text: String) {
        #expect(throws: LXDError.self) { try ImageCompression(algorithm: text) }
    }

    @Test func backupsAreNotSquashfs() {
        #expect(throws: LXDError.self) { try ImageCompression(algorithm: "squashfs", isBackup: true) }
    }
}
