import LXDAPI

/// Takes a `multipart/form-data` body apart as it comes, however its bytes are cut.
///
/// What a part holds is handed on in pieces; nothing of it is kept. Headers are bounded.
struct MultipartReader {
    /// A part's name and file name, from its `Content-Disposition`.
    struct PartHead: Equatable {
        var name = ""
        var fileName = ""
    }

    enum Event: Equatable {
        case part(PartHead)
        case bytes([UInt8])
        case end
    }

    private enum State {
        case preamble, headers, contents, done
    }

    private static let headBytesMax = 16 << 10
    private let delimiter: [UInt8]
    private var state = State.preamble
    private var buffer: [UInt8] = [13, 10]

    /// - Parameter contentType: The request's header.
    /// - Throws: `badRequest` if it names no boundary.
    init(contentType: String) throws(LXDError) {
        guard let boundary = Self.parameter("boundary", of: contentType), !boundary.isEmpty, boundary.utf8.count <= 200 else {
            throw .badRequest("Invalid multipart image: no boundary")
        }
        delimiter = Array("\r\n--\(boundary)".utf8)
    }

    /// What the next bytes mean.
    mutating func read(_ bytes: some Sequence<UInt8>) throws(LXDError) -> [Event] {
        buffer.append(contentsOf: bytes)
        var events: [Event] = []
        while let event = try step() {
            if let event { events.append(event) }
            if case .end? = event { break }
        }
        return events
    }

    var isDone: Bool { if case .done = state { true } else { false } }

    /// One step; the outer `nil` means that more bytes are needed.
    private mutating func step() throws(LXDError) -> Event?? {
        switch state {
        case .done:
            buffer = []
            return nil
        case .preamble, .contents:
            let isContents = if case .contents = state { true } else { false }
            guard let position = Self.find(delimiter, in: buffer) else {
                // What may be the beginning of a delimiter stays until more is known.
                let safe = buffer.count - delimiter.count + 1
                guard safe > 0 else { return nil }
                let piece = Array(buffer[..<safe])
                buffer.removeFirst(safe)
                return isContents ? .some(.bytes(piece)) : nil
            }
            if isContents, position > 0 {
                let piece = Array(buffer[..<position])
                buffer.removeFirst(position)
                return .some(.bytes(piece))
            }
            let after = position + delimiter.count
            guard buffer.count >= after + 2 else { return nil }
            let isLast = buffer[after] == 45 && buffer[after + 1] == 45
            buffer.removeFirst(after)
            state = isLast ? .done : .headers
            return .some(isLast ? .end : nil)
        case .headers:
            guard let end = Self.find([13, 10, 13, 10], in: buffer) else {
                guard buffer.count <= Self.headBytesMax else { throw .badRequest("Invalid multipart image: headers are too long") }
                return nil
            }
            let head = String(decoding: buffer[..<end], as: UTF8.self)
            buffer.removeFirst(end + 4)
            state = .contents
            return .some(.part(Self.partHead(head)))
        }
    }

    private static func partHead(_ text: String) -> PartHead {
        var head = PartHead()
        for line in text.split(whereSeparator: \.isNewline) {
            guard line.lowercased().hasPrefix("content-disposition:") else { continue }
            head.name = parameter("name", of: String(line)) ?? ""
            head.fileName = parameter("filename", of: String(line)) ?? ""
        }
        return head
    }

    /// A parameter of a header such as `form-data; name="rootfs"`.
    static func parameter(_ name: String, of header: String) -> String? {
        for field in header.split(separator: ";").dropFirst() {
            let parts = field.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ $0 != " " }).lowercased() == name else { continue }
            var value = parts[1]
            while value.first == " " || value.first == "\"" { value.removeFirst() }
            while value.last == " " || value.last == "\"" { value.removeLast() }
            return String(value)
        }
        return nil
    }

    private static func find(_ pattern: [UInt8], in bytes: [UInt8]) -> Int? {
        guard let first = pattern.first, bytes.count >= pattern.count else { return nil }
        let last = bytes.count - pattern.count
        return bytes.withUnsafeBufferPointer { bytes in
            var index = 0
            while index <= last {
                if bytes[index] == first, (1..<pattern.count).allSatisfy({ bytes[index + $0] == pattern[$0] }) { return index }
                index += 1
            }
            return nil
        }
    }
}
