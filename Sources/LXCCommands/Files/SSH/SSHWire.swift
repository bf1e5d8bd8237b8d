/// What is wrong with a peer's SSH, in words for a log.
struct SSHFailure: Error, CustomStringConvertible {
    let description: String
}

/// Builds the payload of a packet (RFC 4251, section 5).
struct SSHWriter {
    private(set) var bytes: [UInt8]

    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    init(message: SSHMessage) { bytes = [message.rawValue] }

    mutating func byte(_ value: UInt8) { bytes.append(value) }
    mutating func boolean(_ value: Bool) { bytes.append(value ? 1 : 0) }
    mutating func raw(_ value: some Sequence<UInt8>) { bytes += value }

    mutating func number(_ value: UInt32) {
        bytes += [UInt8(truncatingIfNeeded: value >> 24), UInt8(truncatingIfNeeded: value >> 16)]
        bytes += [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }

    mutating func string(_ value: some Collection<UInt8>) {
        number(UInt32(truncatingIfNeeded: value.count))
        bytes += value
    }

    mutating func string(_ value: String) { string(Array(value.utf8)) }
    mutating func names(_ values: [String]) { string(values.joined(separator: ",")) }

    /// A positive number of any size, most significant byte first.
    mutating func integer(_ value: [UInt8]) {
        let digits = value.drop { $0 == 0 }
        string((digits.first ?? 0) >= 0x80 ? [0] + digits : Array(digits))
    }
}

/// Reads the payload of a packet; every read is checked.
struct SSHReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: some Sequence<UInt8>) { rest = Array(bytes)[...] }

    mutating func byte() throws(SSHFailure) -> UInt8 {
        guard let value = rest.popFirst() else { throw SSHFailure(description: "a packet is too short") }
        return value
    }

    mutating func boolean() throws(SSHFailure) -> Bool { try byte() != 0 }

    mutating func number() throws(SSHFailure) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 { value = value << 8 | UInt32(try byte()) }
        return value
    }

    mutating func string() throws(SSHFailure) -> [UInt8] {
        let count = Int(try number())
        guard count <= rest.count else { throw SSHFailure(description: "a packet is too short") }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func text() throws(SSHFailure) -> String { String(decoding: try string(), as: UTF8.self) }
    mutating func names() throws(SSHFailure) -> [String] { try text().split(separator: ",").map(String.init) }
    mutating func skip(_ count: Int) { rest = rest.dropFirst(count) }
}

/// The messages that an SFTP-only server meets (RFC 4250, section 4.1).
enum SSHMessage: UInt8 {
    case disconnect = 1
    case ignore = 2
    case unimplemented = 3
    case debug = 4
    case serviceRequest = 5
    case serviceAccept = 6
    case keyExchangeInit = 20
    case newKeys = 21
    case exchangeInit = 30
    case exchangeReply = 31
    case userRequest = 50
    case userFailure = 51
    case userSuccess = 52
    case globalRequest = 80
    case requestFailure = 82
    case channelOpen = 90
    case channelOpenConfirmation = 91
    case channelOpenFailure = 92
    case channelWindowAdjust = 93
    case channelData = 94
    case channelEOF = 96
    case channelClose = 97
    case channelRequest = 98
    case channelSuccess = 99
    case channelFailure = 100
}
