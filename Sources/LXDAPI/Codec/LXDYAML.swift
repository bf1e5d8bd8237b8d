import Yams

/// YAML as `lxc` shows and reads it, and as images and preseeds carry it.
///
/// What is read is hostile: its size and depth are bounded, and aliases are refused, since a few hundred bytes of them
/// stand for gigabytes.
public enum LXDYAML {
    /// The most bytes that are read unless the caller says otherwise.
    public static let sizeLimit = 4 << 20
    /// The deepest nesting that is read.
    public static let depthLimit = 64

    /// The value as a YAML document that ends with a line break.
    public static func encode(_ value: some Encodable) throws(LXDError) -> String {
        do {
            var writer = YAMLWriter()
            writer.writeDocument(try WireEncoder.encode(value))
            return writer.text
        } catch {
            throw .internalError("Failed to encode YAML: \(LXDJSON.describe(error))", cause: error)
        }
    }

    /// Reads a value from one YAML document; an empty document is the zero value of an object.
    ///
    /// - Parameter limit: Bytes; longer text is refused.
    /// - Throws: `.badRequest` that says what is wrong and where.
    public static func decode<Value: Decodable>(
        _ type: Value.Type = Value.self, from text: String, limit: Int = sizeLimit
    ) throws(LXDError) -> Value {
        let node = try parse(text, limit: limit)
        do {
            return try WireDecoder.decode(type, from: node)
        } catch {
            throw .badRequest("Invalid YAML: \(LXDJSON.describe(error))", cause: error)
        }
    }

    /// Makes no values of scalars. The library's own rules for them are regular expressions, and preparing those takes longer
    /// than all else that a short command does; what a plain scalar means is decided by `WireNode`.
    private static var constructor: Constructor { Constructor([:], [:], [:]) }

    private static func parse(_ text: String, limit: Int) throws(LXDError) -> WireNode {
        guard text.utf8.count <= limit else { throw .badRequest("Invalid YAML: longer than \(limit) bytes") }
        if let node = PlainYAMLReader.read(text) { return node }
        if usesAliases(text) { throw .badRequest("Invalid YAML: anchors and aliases are not supported") }
        let root: Node?
        do {
            root = try Yams.compose(yaml: text, .basic, constructor)
        } catch {
            throw .badRequest("Invalid YAML: \(describe(error))", cause: error)
        }
        guard let root else { return .null }
        return try convert(root, depth: 0)
    }

    private static func convert(_ node: Node, depth: Int) throws(LXDError) -> WireNode {
        guard depth < depthLimit else { throw .badRequest("Invalid YAML: nested deeper than \(depthLimit) levels") }
        switch node {
        case .scalar(let scalar):
            return scalar.style == .plain || scalar.style == .any ? .plain(scalar.string) : .string(scalar.string)
        case .sequence(let sequence):
            var elements: [WireNode] = []
            for element in sequence { elements.append(try convert(element, depth: depth + 1)) }
            return .array(elements)
        case .mapping(let mapping):
            var members: [(key: String, value: WireNode)] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else { throw .badRequest("Invalid YAML: a key is not a scalar") }
                members.append((name.string, try convert(value, depth: depth + 1)))
            }
            return .object(members)
        case .alias:
            throw .badRequest("Invalid YAML: anchors and aliases are not supported")
        }
    }

    /// Whether the text has both `&name` and `*name` where YAML would see an anchor and its alias.
    ///
    /// This looks at the text because the parser replaces aliases before anyone can count them.
    private static func usesAliases(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func names(after marker: UInt8) -> Set<[UInt8]> {
            var found: Set<[UInt8]> = []
            for (index, byte) in bytes.enumerated() where byte == marker {
                guard index == 0 || " \t\r\n[]{},:-".utf8.contains(bytes[index - 1]) else { continue }
                let name = bytes[(index + 1)...].prefix { !" \t\r\n[]{},".utf8.contains($0) }
                if !name.isEmpty { found.insert(Array(name)) }
            }
            return found
        }
        guard bytes.contains(UInt8(ascii: "&")), bytes.contains(UInt8(ascii: "*")) else { return false }
        let anchors = names(after: UInt8(ascii: "&"))
        // `*name:` is read as an alias called `name:` by some and `name` by others.
        let aliases = names(after: UInt8(ascii: "*")).map { $0.last == UInt8(ascii: ":") ? Array($0.dropLast()) : $0 }
        return aliases.contains { alias in anchors.contains(alias) || anchors.contains(alias + [UInt8(ascii: ":")]) }
    }

    private static func describe(_ error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return "line \(mark.line): \(problem)"
        case .duplicatedKeysInMapping(let duplicates, _):
            return "key \(duplicates.joined(separator: ", ")) appears twice"
        default:
            return "\(error)"
        }
    }
}
