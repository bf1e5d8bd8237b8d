import FoundationEssentials
import LXDConfig
import Testing

@Suite struct ReferencePageTests {
    private static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/reference/configuration.md")

    /// Set `LXD_WRITE_REFERENCE=1` to write the page after a change of the tables.
    @Test func theReferencePageSaysWhatTheTablesSay() throws {
        let text = ReferencePage.text()
        if ProcessInfo.processInfo.environment["LXD_WRITE_REFERENCE"] == "1" {
            try text.write(to: Self.path, atomically: true, encoding: .utf8)
        }
        let page = try String(contentsOf: Self.path, encoding: .utf8)
        #expect(page == text, "write it anew with LXD_WRITE_REFERENCE=1")
    }

    @Test func everyKeyIsExplained() {
        for table in [InstanceKeys.table, ServerKeys.table, ProjectKeys.table, NetworkKeys.table, PoolKeys.table] {
            for key in table.keys { #expect(key.text.hasSuffix("."), "\(key.name)") }
        }
    }
}
