/// Archives made byte by byte, so that they can hold what no tool would write.
struct TestTar {
    enum Dialect: String, CaseIterable, Sendable {
        case ustar, gnu, pax
    }

    var dialect: Dialect = .ustar
    private(set) var bytes: [UInt8] = []

    init(_ dialect: Dialect = .ustar) { self.dialect = dialect }

    /// - Parameter type: `0` file, `1` hard link, `2` symlink, `3` character device, `5` directory, `6` fifo.
    mutating func add(
        _ name: String, type: Character = "0", contents: [UInt8] = [], link: String = "", mode: Int = 0o644,
        device: (Int, Int) = (0, 0), attributes: [String: String] = [:]
    ) {
        var records = attributes.map { ("SCHILY.xattr." + $0.key, $0.value) }
        if dialect == .pax { records.append(("path", name)) }
        if !records.isEmpty {
            let body = records.map(Self.paxRecord).joined()
            header("PaxHeader", type: "x", size: body.utf8.count, link: "", mode: 0o644, device: (0, 0))
            append(Array(body.utf8))
        }
        if name.utf8.count > 100 && dialect == .gnu {
            header("././@LongLink", type: "L", size: name.utf8.count + 1, link: "", mode: 0, device: (0, 0))
            append(Array(name.utf8) + [0])
        }
        header(name, type: type, size: contents.count, link: link, mode: mode, device: device)
        append(contents)
    }

    mutating func addFile(_ name: String, _ text: String) { add(name, contents: Array(text.utf8)) }
    mutating func addDirectory(_ name: String) { add(name, type: "5", mode: 0o755) }

    /// Two empty blocks end an archive.
    var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    private static func paxRecord(_ key: String, _ value: String) -> String {
        var length = key.utf8.count + value.utf8.count + 3
        while "\(length)".count + key.utf8.count + value.utf8.count + 3 != length {
            length = "\(length)".count + key.utf8.count + value.utf8.count + 3
        }
        return "\(length) \(key)=\(value)\n"
    }

    private mutating func append(_ contents: [UInt8]) {
        bytes += contents
        bytes += [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    }

    private mutating func header(_ name: String, type: Character, size: Int, link: String, mode: Int, device: (Int, Int)) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int, _ length: Int) {
            for (index, byte) in text.utf8.prefix(length).enumerated() { block[offset + index] = byte }
        }
        func octal(_ number: Int, _ width: Int) -> String {
            let digits = String(number, radix: 8)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        put(name, at: 0, 100)
        put(octal(mode, 7), at: 100, 7)
        put(octal(0, 7), at: 108, 7)
        put(octal(0, 7), at: 116, 7)
        put(octal(size, 11), at: 124, 11)
        put(octal(1_700_000_000, 11), at: 136, 11)
        put(String(type), at: 156, 1)
        put(link, at: 157, 100)
        put(dialect == .gnu ? "ustar  " : "ustar\u{0}00", at: 257, 8)
        put(octal(device.0, 7), at: 329, 7)
        put(octal(device.1, 7), at: 337, 7)
        for index in 148..<156 { block[index] = 0x20 }
        put(octal(block.reduce(0) { $0 + Int($1) }, 6) + "\u{0}", at: 148, 7)
        bytes += block
    }
}
