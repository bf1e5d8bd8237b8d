internal import Crypto
internal import FoundationEssentials

/// Documents of image servers kept on disk, so that not every launch asks for them anew.
///
/// A document that is too old is asked for again, and still used when the server cannot be reached.
package struct StreamCache: Sendable {
    private let directory: String
    private let lifetime: TimeInterval
    private static let keptSeconds: TimeInterval = 30 * 86_400

    /// - Parameters:
    ///   - directory: Exists; nobody else writes there.
    ///   - lifetimeSeconds: How long a document is used without asking.
    package init(directory: String, lifetimeSeconds: Int) {
        self.directory = directory
        lifetime = TimeInterval(lifetimeSeconds)
    }

    func read(_ url: String) -> (content: Data, isFresh: Bool)? {
        let path = file(url)
        // What cannot be read is as good as not there: the server is asked.
        guard let content = try? Data(contentsOf: URL(fileURLWithPath: path)), let written = Self.modified(path) else {
            return nil
        }
        let age = Date().timeIntervalSince(written)
        return (content, age >= 0 && age < lifetime)
    }

    /// Keeping it is a convenience: a full disk does not fail the caller.
    func write(_ url: String, _ content: Data) {
        try? content.write(to: URL(fileURLWithPath: file(url)), options: .atomic)
        removeOld()
    }

    private func removeOld() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        where name.hasPrefix("stream-") {
            let path = directory + "/" + name
            guard let written = Self.modified(path), Date().timeIntervalSince(written) > Self.keptSeconds else {
                continue
            }
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    /// The name comes from the whole address: documents of different servers often have the same last part.
    private func file(_ url: String) -> String {
        let hash = SHA256.hash(data: Data(url.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return directory + "/stream-" + hash + ".json"
    }

    private static func modified(_ path: String) -> Date? {
        try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
    }
}
