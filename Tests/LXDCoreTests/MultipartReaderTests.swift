import LXDAPI
import Testing

@testable import LXDCore

@Suite struct MultipartReaderTests {
    private static let body = Array(
        """
        --XX\r
        Content-Disposition: form-data; name="metadata"; filename="meta.tar"\r
        Content-Type: application/octet-stream\r
        \r
        first\r
        --X half\r
        --XX\r
        Content-Disposition: form-data; name="rootfs"; filename="root.squashfs"\r
        \r
        second\r
        --XX--\r

        """.utf8)

    /// What a body means, with neighbouring pieces of contents joined.
    private static func parts(_ chunks: [[UInt8]]) throws -> [(MultipartReader.PartHead, String)] {
        var reader = try MultipartReader(contentType: "multipart/form-data; boundary=XX")
        var parts: [(MultipartReader.PartHead, [UInt8])] = []
        for chunk in chunks {
            for event in try reader.read(chunk) {
                switch event {
                case .part(let head): parts.append((head, []))
                case .bytes(let bytes): parts[parts.count - 1].1 += bytes
                case .end: break
                }
            }
        }
        #expect(reader.isDone)
        return parts.map { ($0.0, String(decoding: $0.1, as: UTF8.self)) }
    }

    @Test(arguments: [1, 2, 3, 7, 16, 1000])
    func partsDoNotDependOnHowTheBodyIsCut(size: Int) throws {
        let chunks = stride(from: 0, to: Self.body.count, by: size).map { start in
            Array(Self.body[start..<min(start + size, Self.body.count)])
        }
        let parts = try Self.parts(chunks)
        #expect(parts.map(\.0.name) == ["metadata", "rootfs"])
        #expect(parts.map(\.0.fileName) == ["meta.tar", "root.squashfs"])
        #expect(parts.map(\.1) == ["first\r\n--X half", "second"])
    }

    @Test func aBodyWithoutBoundaryIsRefused() {
        #expect(throws: LXDError.self) { try MultipartReader(contentType: "multipart/form-data") }
    }

    @Test func endlessHeadersAreRefused() throws {
        var reader = try MultipartReader(contentType: "multipart/form-data; boundary=XX")
        #expect(throws: LXDError.self) {
            _ = try reader.read(Array("--XX\r\n".utf8))
            for _ in 0..<1000 { _ = try reader.read(Array(repeating: UInt8(ascii: "a"), count: 64)) }
        }
    }
}
