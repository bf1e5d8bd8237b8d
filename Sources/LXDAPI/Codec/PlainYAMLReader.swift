/// Reads the plainest kind of YAML, as programs write it: mappings by indentation, with values that stand on one line as they
/// are. The client's configuration is of that kind, and this takes a hundredth of the time of the library, which every
/// command would spend.
///
/// Whatever else a document holds – quotes, lists, flow style, anchors, values over several lines, any byte that is not
/// printable ASCII, and every mistake – makes this give up, and the library reads the document.
struct PlainYAMLReader {
    private struct Line {
        let indentation: Int
        let key: String
        let value: ArraySlice<UInt8>
    }

    private static let depthLimit = 16
    private let lines: [Line]
    private var position = 0

    /// - Returns: nil for a document that is not of this kind.
    static func read(_ text: String) -> WireNode? {
        guard let lines = lines(Array(text.utf8)), lines.first?.indentation == 0 else { return nil }
        var reader = PlainYAMLReader(lines: lines)
        guard let node = reader.mapping(depth: 0), reader.position == lines.count else { return nil }
        return node
    }

    private init(lines: [Line]) { self.lines = lines }

    /// The mapping that begins at the current line.
    private mutating func mapping(depth: Int) -> WireNode? {
        guard depth < Self.depthLimit else { return nil }
        let indentation = lines[position].indentation
        var members: [(key: String, value: WireNode)] = []
        while position < lines.count, lines[position].indentation >= indentation {
            let line = lines[position]
            guard line.indentation == indentation, !members.contains(where: { $0.key == line.key }) else { return nil }
            position += 1
            if line.value.isEmpty, position < lines.count, lines[position].indentation > indentation {
                guard let inner = mapping(depth: depth + 1) else { return nil }
                members.append((line.key, inner))
            } else {
                members.append((line.key, Self.node(line.value)))
            }
        }
        return .object(members)
    }

    private static func node(_ value: ArraySlice<UInt8>) -> WireNode {
        switch String(decoding: value, as: UTF8.self) {
        case "{}": .object([])
        case "[]": .array([])
        case let text: .plain(text)
        }
    }

    // MARK: - Lines

    private static func lines(_ bytes: [UInt8]) -> [Line]? {
        var lines: [Line] = []
        for text in bytes.split(separator: UInt8(ascii: "\n")) {
            guard text.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else { return nil }
            let content = text.drop { $0 == space }
            if content.isEmpty || content.first == UInt8(ascii: "#") { continue }
            guard let line = line(content, indentation: content.startIndex - text.startIndex) else { return nil }
            lines.append(line)
        }
        return lines
    }

    private static let space = UInt8(ascii: " ")
    private static let colon = UInt8(ascii: ":")
    /// What may not begin a plain scalar, or means something else there.
    private static let indicators = Set("-?:,[]{}#&*!|>'\"%@`~<=".utf8)

    private static func line(_ content: ArraySlice<UInt8>, indentation: Int) -> Line? {
        let key = content.prefix { $0 != colon }
        guard !key.isEmpty, key.endIndex < content.endIndex, key.allSatisfy(isKeyByte), let first = key.first, isLetterOrDigit(first)
        else { return nil }
        var value = content[(key.endIndex + 1)...]
        guard value.isEmpty || value.first == space else { return nil }
        value = value.drop { $0 == space }
        while value.last == space { value = value.dropLast() }
        guard isPlain(value) else { return nil }
        return Line(indentation: indentation, key: String(decoding: key, as: UTF8.self), value: value)
    }

    private static func isPlain(_ value: ArraySlice<UInt8>) -> Bool {
        guard let first = value.first else { return true }
        if value.elementsEqual("{}".utf8) || value.elementsEqual("[]".utf8) { return true }
        if indicators.contains(first) || value.last == colon { return false }
        for (byte, next) in zip(value, value.dropFirst()) {
            if byte == colon, next == space { return false }
            if byte == space, next == UInt8(ascii: "#") { return false }
        }
        return true
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a)
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }
}
