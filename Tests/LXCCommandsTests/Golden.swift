import FoundationEssentials
import Testing

/// Texts kept in files beside the tests. `LXC_GOLDEN_UPDATE=1` writes them anew, to be read in the diff.
enum Golden {
    static func expect(_ text: String, is name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let path = "\(#filePath.dropLast("Golden.swift".count))Golden/\(name).txt"
        if ProcessInfo.processInfo.environment["LXC_GOLDEN_UPDATE"] == "1" {
            try Data(text.utf8).write(to: URL(filePath: path))
        }
        let content = try #require(FileManager.default.contents(atPath: path), "no file \(path)", sourceLocation: sourceLocation)
        #expect(text == String(decoding: content, as: UTF8.self), sourceLocation: sourceLocation)
    }
}
