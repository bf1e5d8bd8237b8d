import Foundation
import LXDAPI
import Testing

@testable import LXDClient

/// `config.yml` belongs to the user, and LXD's own client reads and writes it too.
@Suite struct ClientConfigurationTests {
    private static let file = """
        default-remote: office
        remotes:
          images:
            addr: https://images.linuxcontainers.org
            protocol: simplestreams
            public: true
          local:
            addr: unix://
            public: false
          office:
            addr: https://10.0.0.5:8443
            auth_type: tls
            project: web
            protocol: lxd
            public: false
            note: second floor
        aliases:
          ll: list -c ns46
        editor:
          tabs: 4

        """

    @Test func writingBackChangesNothing() throws {
        try Folder.with(Self.file) { folder in
            try ClientConfiguration.load(from: folder, environment: Self.nobody).save()
            #expect(try Folder.text(folder) == Self.file)
        }
    }

    @Test func fieldsOfOthersSurviveARename() throws {
        try Folder.with(Self.file) { folder in
            var configuration = try ClientConfiguration.load(from: folder, environment: Self.nobody)
            configuration.remotes["berlin"] = configuration.remotes.removeValue(forKey: "office")
            try configuration.save()
            let text = try Folder.text(folder)
            #expect(text.contains("  berlin:\n    addr: https://10.0.0.5:8443\n"))
            #expect(text.contains("    note: second floor\n"))
            #expect(text.contains("editor:\n  tabs: 4\n"))
        }
    }

    @Test func theEnvironmentNamesTheDefaultForOneRunOnly() throws {
        try Folder.with(Self.file) { folder in
            var configuration = try ClientConfiguration.load(
                from: folder, environment: Self.nobody.merging(["LXC_REMOTE": "local"]) { _, new in new })
            #expect(configuration.defaultRemote == "local")
            try configuration.save()
            #expect(try Folder.text(folder) == Self.file)
            configuration.defaultRemote = "images"
            try configuration.save()
            #expect(try Folder.text(folder).hasPrefix("default-remote: images\n"))
        }
    }

    @Test func aNewUserHasTheBuiltInRemotesAndThoseOfTheMachine() throws {
        try Folder.with(nil) { folder in
            try Folder.with("remotes:\n  shared:\n    addr: https://10.0.0.9:8443\n    public: false\n") { machine in
                let configuration = try ClientConfiguration.load(
                    from: folder, environment: ["LXD_GLOBAL_CONF": machine, "LXC_REMOTE": "shared"])
                #expect(configuration.remotes.keys.sorted() == ["images", "local", "shared", "ubuntu", "ubuntu-daily"])
                #expect(configuration.remotes["shared"]?.isGlobal == true)
                #expect(configuration.defaultRemote == "shared")
                #expect(configuration.serverCertificatePath("shared") == "\(machine)/servercerts/shared.crt")
                try configuration.save()
                #expect(try !Folder.text(folder).contains("shared"))
            }
        }
    }

    @Test func theLastOfTwoSectionsCounts() throws {
        try Folder.with(Self.file + "aliases:\n  la: list\n") { folder in
            let configuration = try ClientConfiguration.load(from: folder, environment: Self.nobody)
            #expect(configuration.aliases == ["la": "list"])
            #expect(configuration.remotes["office"] != nil)
        }
    }

    @Test func brokenFilesAreReportedAndLeftAlone() throws {
        try Folder.with("remotes: [") { folder in
            let error = #expect(throws: LXDError.self) {
                try ClientConfiguration.load(from: folder, environment: Self.nobody)
            }
            #expect(error?.message.hasPrefix("Unable to decode the configuration: ") == true)
            let kept = try Folder.text(folder)
            #expect(kept == "remotes: [")
        }
    }

    /// Nothing of the machine's.
    private static let nobody = ["LXD_GLOBAL_CONF": "/nonexistent"]
}

private enum Folder {
    /// - Parameter content: Of `config.yml`; nil for no such file.
    static func with(_ content: String?, _ work: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lxc-config-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        if let content {
            try content.write(to: folder.appending(path: "config.yml"), atomically: false, encoding: .utf8)
        }
        try work(folder.path)
    }

    static func text(_ folder: String) throws -> String {
        try String(contentsOf: URL(filePath: "\(folder)/config.yml"), encoding: .utf8)
    }
}
