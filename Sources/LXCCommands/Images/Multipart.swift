/// Reads a multipart body piece by piece (RFC 2046, as far as LXD uses it).
struct MultipartReader {
    enum Event {
        case part(name: String, fileName: String)
        case bytes([UInt8])
        case end
    }

    private enum State { case preamble, head, body, finished }

    private let delimiter: [UInt8]
    private var buffer: [UInt8]
    private var state = State.preamble

    init(boundary: String) {
        delimiter = Array("\r\n--\(boundary)".utf8)
        // The first boundary has no line before it.
        buffer = [13, 10]
    }

    var isFinished: Bool { state == .finished }

    /// - Throws: When the headers of a part are too long to be true.
    mutating func read(_ piece: [UInt8]) throws -> [Event] {
        buffer += piece
        var events: [Event] = []
        while true {
            switch state {
            case .preamble, .body:
                guard let place = Self.find(delimiter, in: buffer) else {
                    // The end may hold the beginning of a boundary.
                    let safe = max(0, buffer.count - delimiter.count)
                    if state == .body, safe > 0 { events.append(.bytes(Array(buffer[..<safe]))) }
                    buffer.removeFirst(safe)
                    return events
                }
                guard buffer.count >= place + delimiter.count + 2 else {
                    if state == .body, place > 0 { events.append(.bytes(Array(buffer[..<place]))) }
                    buffer.removeFirst(place)
                    return events
                }
                if state == .body {
                    if place > 0 { events.append(.bytes(Array(buffer[..<place]))) }
                    events.append(.end)
                }
                let tail = buffer[(place + delimiter.count)...].prefix(2)
                state = tail.elementsEqual([45, 45]) ? .finished : .head
                buffer.removeFirst(place + delimiter.count)
            case .head:
                guard let end = Self.find([13, 10, 13, 10], in: buffer) else {
                    if buffer.count > 1 << 16 { throw CommandFailure("The server sent a broken multipart body") }
                    return events
                }
                let text = String(decoding: buffer[..<end], as: UTF8.self)
                let disposition = text.split(whereSeparator: \.isNewline).first {
                    $0.lowercased().hasPrefix("content-disposition:")
                }
                let line = disposition.map(String.init) ?? ""
                events.append(
                    .part(
                        name: Self.parameter("name", of: line) ?? "", fileName: Self.parameter("filename", of: line) ?? ""))
                buffer.removeFirst(end + 4)
                state = .body
            case .finished:
                return events
            }
        }
    }

    private static func find(_ pattern: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= pattern.count, let first = pattern.first else { return nil }
        var index = 0
        let last = bytes.count - pattern.count
        while index <= last {
            if bytes[index] == first, bytes[index..<(index + pattern.count)].elementsEqual(pattern) { return index }
            index += 1
        }
        return nil
    }

    /// A parameter of a header's value: `filename` of `attachment;filename="x"`.
    static func parameter(_ name: String, of header: String) -> String? {
        for part in header.split(separator: ";").dropFirst() {
            guard let (key, value) = String(part).trimmingBlanks.split(once: "="), key.lowercased() == name else { continue }
            let bare = value.hasPrefix("\"") && value.hasSuffix("\"") && value.count > 1 ? String(value.dropFirst().dropLast()) : value
            return bare
        }
        return nil
    }
}

/// Writes files as a multipart body.
enum MultipartWriter {
    struct Part: Sendable {
        let name: String
        let fileName: String
        let reader: LocalReader
        let size: Int
    }

    static func head(_ part: Part, boundary: String, isFirst: Bool) -> [UInt8] {
        let lines = [
            (isFirst ? "" : "\r\n") + "--\(boundary)",
            "Content-Disposition: form-data; name=\"\(part.name)\"; filename=\"\(escaped(part.fileName))\"",
            "Content-Type: application/octet-stream", "", "",
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    static func tail(boundary: String) -> [UInt8] { Array("\r\n--\(boundary)--\r\n".utf8) }

    static func length(_ parts: [Part], boundary: String) -> Int {
        parts.enumerated().reduce(tail(boundary: boundary).count) { sum, part in
            sum + part.element.size + head(part.element, boundary: boundary, isFirst: part.offset == 0).count
        }
    }

    private static func escaped(_ name: String) -> String {
        String(name.filter { $0 != "\"" && $0 != "\\" && !$0.isNewline })
    }
}
