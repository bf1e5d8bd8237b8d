import Foundation
import GRDB
import LXDAPI
import Testing

@testable import LXDDatabase

/// A store in a folder of its own that goes away with the test.
func withStore<T>(_ body: (Store) async throws -> T) async throws -> T {
    let folder = FileManager.default.temporaryDirectory.appending(path: "lxd-store-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }  // Nobody is left to tell in a test's teardown.
    return try await body(try Store(path: folder.appending(path: "lxd.db").path))
}

@Suite struct StoreTests {
    @Test func aNewStoreHasTheDefaultProjectAndProfile() async throws {
        try await withStore { store in
            let (projects, profiles) = try await store.read { (try $0.projects(), try $0.profiles()) }
            #expect(projects.map(\.name) == ["default"])
            #expect(projects.first?.config["features.images"] == "true")
            #expect(profiles.map(\.name) == ["default"])
            #expect(profiles.first?.project == "default")
        }
    }

    @Test func aThrowingWriteLeavesNothing() async throws {
        struct Refused: Error {}
        try await withStore { store in
            await #expect(throws: Refused.self) {
                try await store.write { tx in
                    try tx.insertProject(ProjectRow(name: "half"))
                    throw Refused()
                }
            }
            let half = try await store.read { tx in try tx.project("half") }
            #expect(half == nil)
        }
    }

    @Test func committedRowsAreThereWhenTheFileIsOpenedAgainWithoutBeingClosed() async throws {
        try await withStore { store in
            try await store.write { _ = try $0.insertProject(ProjectRow(name: "kept", config: ["user.a": "b"])) }
            let path = try await store.read { tx in
                try String.fetchOne(tx.database, sql: "SELECT file FROM pragma_database_list WHERE name = 'main'")
            }
            let second = try Store(path: try #require(path))
            #expect(try await second.read { try $0.project("kept")?.config } == ["user.a": "b"])
        }
    }

    @Test func times() {
        let time = LXDTime(seconds: 1_700_000_000, nanoseconds: 5)
        #expect(storedText(time) == "2023-11-14T22:13:20.000000005Z")
        #expect(storedTime(storedText(time)) == time)
        #expect(storedTime("2023-11-14 22:13:20+00:00") == LXDTime(seconds: 1_700_000_000))
        #expect(storedText(LXDTime(seconds: 1)) < storedText(LXDTime(seconds: 1, nanoseconds: 1)))
    }
}
