import Foundation
import LXDAPI
import LXDCore
import LXDDatabase
import LXDImageServers
import LXDImages
import LXDLinux
import LXDStorage
import Logging
import Synchronization
import Testing

/// The image service of a daemon without pools, on a folder of its own.
struct ImageWorld {
    let images: ImageService
    let store: Store
    let folder: String

    static func with(_ body: (ImageWorld) async throws -> Void) async throws {
        try await withFolder { folder in
            for name in ["images", "cache"] {
                try FileManager.default.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true)
            }
            try await body(try await ImageWorld(folder))
        }
    }

    private init(_ folder: String) async throws {
        self.folder = folder
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let announce = Announcer { _, _ in }
        store = try Store(path: folder + "/lxd.db")
        let storage = StorageService(
            store: store, warnings: WarningService(store: store, announce: announce), announce: announce, logger: logger
        ) { pool in throw LXDError.badRequest("no pools here: \(pool.name)") }
        images = ImageService(
            store: store, storage: storage, announce: announce, paths: DaemonPaths(root: folder),
            reader: ImageReader(tool: try ArchiveTool.located()), servers: makeServers(), logger: logger)
        try await store.write { tx in
            for (name, config) in [("shop", ["restricted": "true"]), ("lab", [:])] {
                try tx.insertProject(
                    ProjectRow(
                        name: name, description: "",
                        config: config.merging(["features.images": "true", "features.profiles": "true"]) { $1 }))
                try tx.insertProfile(ProfileRow(project: name, name: "default", description: ""))
            }
        }
    }

    func fetch(_ wanted: ImageFetch) async throws -> ImageRow {
        try await images.fetch(wanted, by: nil, progress: .none)
    }

    /// Puts an image into a project as an upload does.
    func upload(_ content: [UInt8], into project: String) async throws -> Image {
        let chunks = ChunkOnce(content)
        let upload = try await images.receive(contentType: "", fileName: "x", project: project) { chunks.take() }
        var new = ImageImport()
        new.project = project
        return try await images.add(upload, new, by: nil)
    }

    var rows: [ImageRow] { get async throws { try await store.read { try $0.images() } } }

    var files: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder + "/images").sorted() }
    }

    /// That a failure left no row, no file and no folder.
    func expectNothing(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        #expect(try await rows.isEmpty, sourceLocation: sourceLocation)
        #expect(try files == [], sourceLocation: sourceLocation)
    }
}

/// Bytes that are handed out once.
private final class ChunkOnce: Sendable {
    private let bytes: Mutex<[UInt8]?>

    init(_ bytes: [UInt8]) { self.bytes = Mutex(bytes) }

    func take() -> [UInt8]? {
        bytes.withLock { value in
            defer { value = nil }
            return value
        }
    }
}

/// A tar archive of regular files.
func makeTar(_ files: [(name: String, content: [UInt8])]) -> [UInt8] {
    var tar: [UInt8] = []
    for file in files {
        var head = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            head.replaceSubrange(offset..<(offset + text.utf8.count), with: text.utf8)
        }
        func octal(_ value: Int, _ width: Int) -> String {
            let digits = String(value, radix: 8)
            return String(repeating: "0", count: width - digits.count) + digits
        }
        put(file.name, at: 0)
        put("0000644", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(octal(file.content.count, 11), at: 124)
        put("00000000000", at: 136)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        put(octal(head.reduce(0) { $0 + Int($1) }, 6), at: 148)
        head[154] = 0
        tar += head + file.content + [UInt8](repeating: 0, count: (512 - file.content.count % 512) % 512)
    }
    return tar + [UInt8](repeating: 0, count: 1024)
}

/// An image in one file; `variant` makes it another one.
func makeImage(_ variant: Int = 0, yaml: String? = nil) -> [UInt8] {
    let own = """
        architecture: x86_64
        creation_date: \(1_672_876_800 + variant)
        properties:
          os: Test
          variant: "\(variant)"

        """
    return makeTar([("metadata.yaml", [UInt8]((yaml ?? own).utf8)), ("rootfs/hello", [UInt8]("hello \(variant)".utf8))])
}
