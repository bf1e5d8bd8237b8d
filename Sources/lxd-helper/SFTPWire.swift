/// Numbers of SFTP version 3. Source: draft-ietf-secsh-filexfer-02.
enum SFTPType {
    static let initialize: UInt8 = 1
    static let version: UInt8 = 2
    static let open: UInt8 = 3
    static let close: UInt8 = 4
    static let read: UInt8 = 5
    static let write: UInt8 = 6
    static let lstat: UInt8 = 7
    static let fstat: UInt8 = 8
    static let setstat: UInt8 = 9
    static let fsetstat: UInt8 = 10
    static let opendir: UInt8 = 11
    static let readdir: UInt8 = 12
    static let remove: UInt8 = 13
    static let mkdir: UInt8 = 14
    static let rmdir: UInt8 = 15
    static let realpath: UInt8 = 16
    static let stat: UInt8 = 17
    static let rename: UInt8 = 18
    static let readlink: UInt8 = 19
    static let symlink: UInt8 = 20
    static let status: UInt8 = 101
    static let handle: UInt8 = 102
    static let data: UInt8 = 103
    static let name: UInt8 = 104
    static let attributes: UInt8 = 105
    static let extended: UInt8 = 200
    static let extendedReply: UInt8 = 201
}

enum SFTPStatus {
    static let ok: UInt32 = 0
    static let endOfFile: UInt32 = 1
    static let noSuchFile: UInt32 = 2
    static let permissionDenied: UInt32 = 3
    static let failure: UInt32 = 4
    static let badMessage: UInt32 = 5
    static let unsupported: UInt32 = 8
}

/// A packet that does not follow the protocol.
struct SFTPMalformed: Error {}

/// Reads the fields of a packet, bounded by the packet.
struct SFTPReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func byte() throws(SFTPMalformed) -> UInt8 {
        guard offset < bytes.count else { throw SFTPMalformed() }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func uint32() throws(SFTPMalformed) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 { value = value << 8 | UInt32(try byte()) }
        return value
    }

    mutating func uint64() throws(SFTPMalformed) -> UInt64 {
        UInt64(try uint32()) << 32 | UInt64(try uint32())
    }

    mutating func data() throws(SFTPMalformed) -> ArraySlice<UInt8> {
        let count = Int(try uint32())
        guard count <= bytes.count - offset else { throw SFTPMalformed() }
        defer { offset += count }
        return bytes[offset..<(offset + count)]
    }

    /// A path or name: any bytes but NUL.
    mutating func text() throws(SFTPMalformed) -> [CChar] {
        let data = try data()
        guard !data.contains(0), data.count <= 4096 else { throw SFTPMalformed() }
        return data.map { CChar(bitPattern: $0) } + [0]
    }

    mutating func attributes() throws(SFTPMalformed) -> SFTPAttributes {
        var attributes = SFTPAttributes()
        let flags = try uint32()
        if flags & SFTPAttributes.sizeFlag != 0 { attributes.size = try uint64() }
        if flags & SFTPAttributes.ownerFlag != 0 { attributes.owner = (try uint32(), try uint32()) }
        if flags & SFTPAttributes.permissionsFlag != 0 { attributes.permissions = try uint32() }
        if flags & SFTPAttributes.timesFlag != 0 { attributes.times = (try uint32(), try uint32()) }
        if flags & SFTPAttributes.extendedFlag != 0 {
            for _ in 0..<min(try uint32(), 64) {
                _ = try data()
                _ = try data()
            }
        }
        return attributes
    }
}

/// What a client knows or wants of a file; absent members are not spoken of.
struct SFTPAttributes {
    static let sizeFlag: UInt32 = 1
    static let ownerFlag: UInt32 = 2
    static let permissionsFlag: UInt32 = 4
    static let timesFlag: UInt32 = 8
    static let extendedFlag: UInt32 = 0x8000_0000

    var size: UInt64?
    var owner: (uid: UInt32, gid: UInt32)?
    var permissions: UInt32?
    var times: (access: UInt32, modification: UInt32)?
}

/// Builds a packet.
struct SFTPWriter {
    private(set) var bytes: [UInt8]

    init(_ type: UInt8) { bytes = [0, 0, 0, 0, type] }

    init(_ type: UInt8, id: UInt32) {
        self.init(type)
        uint32(id)
    }

    mutating func uint32(_ value: UInt32) {
        for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    mutating func uint64(_ value: UInt64) {
        uint32(UInt32(truncatingIfNeeded: value >> 32))
        uint32(UInt32(truncatingIfNeeded: value))
    }

    mutating func data(_ data: some Collection<UInt8>) {
        uint32(UInt32(truncatingIfNeeded: data.count))
        bytes.append(contentsOf: data)
    }

    mutating func text(_ text: String) { data(Array(text.utf8)) }

    mutating func attributes(_ attributes: SFTPAttributes) {
        var flags: UInt32 = 0
        if attributes.size != nil { flags |= SFTPAttributes.sizeFlag }
        if attributes.owner != nil { flags |= SFTPAttributes.ownerFlag }
        if attributes.permissions != nil { flags |= SFTPAttributes.permissionsFlag }
        if attributes.times != nil { flags |= SFTPAttributes.timesFlag }
        uint32(flags)
        if let size = attributes.size { uint64(size) }
        if let owner = attributes.owner {
            uint32(owner.uid)
            uint32(owner.gid)
        }
        if let permissions = attributes.permissions { uint32(permissions) }
        if let times = attributes.times {
            uint32(times.access)
            uint32(times.modification)
        }
    }

    /// The packet with its length in front.
    func finished() -> [UInt8] {
        var packet = bytes
        let size = UInt32(truncatingIfNeeded: packet.count - 4)
        for (index, shift) in [24, 16, 8, 0].enumerated() {
            packet[index] = UInt8(truncatingIfNeeded: size >> UInt32(shift))
        }
        return packet
    }
}
