import Testing

@testable import LXDCore

/// What came for an instance that stood still goes after it in a stream, which arrives in pieces of any size.
struct HeldFramesTests {
    @Test(arguments: [1, 3, 7, 1000])
    func framesArriveWholeHoweverTheStreamIsCut(pieceBytes: Int) throws {
        let frames: [[UInt8]] = [Array(0..<90), [], [UInt8](repeating: 7, count: 3000)]
        let stream = frames.enumerated().flatMap { HeldFrames.encoded($1, "eth\($0)") }
        var reader = FrameReader()
        var found: [(device: String, frame: [UInt8])] = []
        for start in stride(from: 0, to: stream.count, by: pieceBytes) {
            found += try reader.take(Array(stream[start..<min(start + pieceBytes, stream.count)]))
        }
        #expect(found.map(\.device) == ["eth0", "eth1", "eth2"])
        #expect(found.map(\.frame) == frames)
    }

    @Test func aFrameLongerThanTheKernelsIsRefused() {
        var reader = FrameReader()
        #expect(throws: (any Error).self) { try reader.take([4, 0x65, 0x74, 0x68, 0x30, 0, 0, 0, 1]) }
    }
}
