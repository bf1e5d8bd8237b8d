/// A Debian release an image can be built of.
package struct Release: Sendable, Equatable {
    /// What the user types behind `debian/`. Example: `12`.
    package var number: String
    /// The suite of Debian's archive. Example: `bookworm`.
    package var suite: String

    package static let all = [
        Release(number: "11", suite: "bullseye"), Release(number: "12", suite: "bookworm"), Release(number: "13", suite: "trixie"),
    ]

    /// Parses `debian/12` or `debian/bookworm`.
    /// - Throws: `ImageBuildError.unknownRelease`, which names those there are.
    package init(parsing text: String) throws(ImageBuildError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "debian",
            let release = Self.all.first(where: { $0.number == parts[1] || $0.suite == parts[1] })
        else { throw .unknownRelease(text) }
        self = release
    }

    package init(number: String, suite: String) {
        self.number = number
        self.suite = suite
    }
}

/// Why an image could not be built; each says what to do.
package enum ImageBuildError: Error, CustomStringConvertible {
    case unknownRelease(String)
    case badMirror(String)
    case notRoot
    case missingTool(String, package: String)
    case failed(tool: String, status: Int32, lastWords: String)
    case cannotWrite(path: String, error: String)

    package var description: String {
        switch self {
        case .unknownRelease(let text):
            let known = Release.all.map { "debian/\($0.number)" }.joined(separator: ", ")
            return "There is no recipe for \"\(text)\"; images can be built of \(known)"
        case .badMirror(let text): return "The mirror \"\(text)\" is not an http or https address"
        case .notRoot: return "Building an image needs root: files of every owner are made; run it with sudo"
        case .missingTool(let tool, let package): return "\"\(tool)\" is not installed; install it with: apt-get install \(package)"
        case .failed(let tool, let status, let words): return "\(tool) failed with status \(status): \(words)"
        case .cannotWrite(let path, let error): return "Cannot write \(path): \(error)"
        }
    }
}
