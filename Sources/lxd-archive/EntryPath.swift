/// The path of an archive entry: components that are names, nothing that leads elsewhere.
struct EntryPath {
    static let depthMax = 256
    static let lengthMax = 4096

    var components: [Bytes]

    /// A leading `/` is dropped, as tar does: archives in use have such names, and everything stays below the target.
    ///
    /// - Throws: `hostile` for a path with `..`, one that is too long or too deep.
    init(_ raw: Bytes) throws(Failure) {
        guard raw.count <= Self.lengthMax else { throw Failure(.hostile, "entry \(quoted(raw)): the path is too long") }
        var components: [Bytes] = []
        for part in raw.split(separator: UInt8(ascii: "/")) where part != [UInt8(ascii: ".")] {
            guard part != [UInt8(ascii: "."), UInt8(ascii: ".")] else {
                throw Failure(.hostile, "entry \(quoted(raw)): the path leads out with \"..\"")
            }
            guard part.count <= 255 else { throw Failure(.hostile, "entry \(quoted(raw)): a name is too long") }
            components.append(Bytes(part))
        }
        guard components.count <= Self.depthMax else { throw Failure(.hostile, "entry \(quoted(raw)): the path is too deep") }
        self.components = components
    }

    init(components: [Bytes]) { self.components = components }

    var bytes: Bytes { Bytes(components.joined(separator: [UInt8(ascii: "/")])) }
    var isRoot: Bool { components.isEmpty }
    var parent: EntryPath { EntryPath(components: Array(components.dropLast())) }
    var name: Bytes { components.last ?? [] }

    /// What remains after a prefix of whole components; nil if it is not a prefix.
    func dropping(prefix: EntryPath) -> EntryPath? {
        guard components.starts(with: prefix.components) else { return nil }
        return EntryPath(components: Array(components.dropFirst(prefix.components.count)))
    }
}
