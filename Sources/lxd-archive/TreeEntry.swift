import CLXDLinux
import Glibc

/// One entry of a tree on its way to another server, as `send` writes and `receive` reads it.
///
/// A stream is the walk of a tree: a directory comes before what it holds and ends with `up`, so that each entry has a
/// single name and never a path. Numbers are little-endian. After a file's entry its data follow as chunks
/// (offset 8 bytes, length 4 bytes, bytes), the last with length 0 and the file's size as offset: holes are what no
/// chunk has.
struct TreeEntry {
    enum Kind: UInt8 {
        case directory = 1
        /// Leaves the directory.
        case up = 2
        case file = 3
        case symlink = 4
        /// Another name of a file that came before: `target` is its path from the root.
        case hardlink = 5
        case node = 6
        /// What the receiver has of this name goes.
        case delete = 7
        case end = 8
    }

    static let magic = Bytes("LXDTREE1".utf8)
    static let attributeBytesMax = 1 << 20

    var kind: Kind
    var name: Bytes = []
    /// Type and permission bits.
    var mode: UInt32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    var seconds: Int64 = 0
    var nanoseconds: UInt32 = 0
    /// A file's size, or a node's numbers: major << 32 | minor.
    var size: UInt64 = 0
    /// Of a symlink or hard link.
    var target: Bytes = []
    /// Of a directory: it is as the receiver has it and only holds what is not.
    var isKept = false
    /// In listings: of the extended attributes.
    var digest: UInt64 = 0
    var attributes: [(name: Bytes, value: Bytes)] = []

    init(_ kind: Kind) { self.kind = kind }

    /// What a node on disk is, without its attributes and its target.
    init(_ node: TreeNode) {
        switch node.type {
        case 0o040000: kind = .directory
        case 0o100000: kind = .file
        case 0o120000: kind = .symlink
        default: kind = .node
        }
        name = node.name
        let status = node.status
        (mode, uid, gid) = (status.mode, status.uid, status.gid)
        (seconds, nanoseconds) = (status.mtime_sec, status.mtime_nsec)
        switch kind {
        case .file: size = status.size
        case .node: size = UInt64(status.rdev_major) << 32 | UInt64(status.rdev_minor)
        default: break
        }
    }

    /// Nothing that a reader of the file could tell has changed. Directories change their times whenever what they hold
    /// does, so those do not count.
    func looksLike(_ other: TreeEntry) -> Bool {
        guard kind == other.kind, mode == other.mode, uid == other.uid, gid == other.gid, digest == other.digest else { return false }
        switch kind {
        case .directory: return true
        case .symlink: return target == other.target
        default: return size == other.size && seconds == other.seconds && nanoseconds == other.nanoseconds
        }
    }
}

/// A descriptor that entries are written to, through one buffer.
struct EntryWriter {
    private let descriptor: Int32
    private var buffer: Bytes
    private var used = 0
    private(set) var written: Int64 = 0

    static let bufferBytes = 512 << 10

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        buffer = Bytes(repeating: 0, count: Self.bufferBytes)
        // A larger pipe means fewer turns; a socket has no such size.
        _ = fcntl(descriptor, 1031 /* F_SETPIPE_SZ */, 1 << 20)
    }

    mutating func put(_ entry: TreeEntry) throws(Failure) {
        try number(entry.kind.rawValue)
        if entry.kind == .up || entry.kind == .end { return }
        try bytes(entry.name, short: true)
        if entry.kind == .delete { return }
        try number(UInt8(entry.isKept ? 1 : 0))
        try number(entry.mode)
        try number(entry.uid)
        try number(entry.gid)
        try number(entry.seconds)
        try number(entry.nanoseconds)
        try number(entry.size)
        try number(entry.digest)
        try bytes(entry.target, short: true)
        try number(UInt16(entry.attributes.count))
        for (name, value) in entry.attributes {
            try bytes(name, short: true)
            try bytes(value, short: false)
        }
    }

    mutating func number<Number: FixedWidthInteger>(_ value: Number) throws(Failure) {
        try room(MemoryLayout<Number>.size)
        var rest = value
        for _ in 0..<MemoryLayout<Number>.size {
            buffer[used] = UInt8(truncatingIfNeeded: rest)
            used += 1
            if Number.bitWidth > 8 { rest >>= 8 }
        }
    }

    mutating func bytes(_ value: Bytes, short: Bool) throws(Failure) {
        if short { try number(UInt16(value.count)) } else { try number(UInt32(value.count)) }
        try raw(value[...])
    }

    mutating func raw(_ value: ArraySlice<UInt8>) throws(Failure) {
        var rest = value
        while !rest.isEmpty {
            try room(1)
            let count = min(rest.count, buffer.count - used)
            buffer.replaceSubrange(used..<used + count, with: rest.prefix(count))
            used += count
            rest = rest.dropFirst(count)
        }
    }

    /// Sends up to `count` bytes of a file as one chunk, read straight into the buffer; 0 at the file's end.
    mutating func chunk(of file: Int32, at offset: Int64, count: Int) throws(Failure) -> Int {
        try room(12 + min(count, 128 << 10))
        let head = used
        let limit = min(count, buffer.count - used - 12)
        let got = buffer[(used + 12)..<(used + 12 + limit)].withUnsafeMutableBytes {
            pread(file, $0.baseAddress, $0.count, off_t(offset))
        }
        guard got > 0 else { return got < 0 ? -Int(errno) : 0 }
        try number(offset)
        try number(UInt32(got))
        used = head + 12 + got
        return got
    }

    private mutating func room(_ count: Int) throws(Failure) {
        if buffer.count - used < count { try flush() }
    }

    mutating func flush() throws(Failure) {
        var done = 0
        while done < used {
            let count = buffer[done..<used].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Failure.system("send", [], count == 0 ? EIO : errno) }
            done += count
        }
        written += Int64(used)
        used = 0
    }
}

/// A descriptor that entries are read from. Whoever wrote them is not trusted.
struct EntryReader {
    private let descriptor: Int32
    private var buffer: Bytes
    private var position = 0
    private var end = 0
    private(set) var received: Int64 = 0

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        buffer = Bytes(repeating: 0, count: EntryWriter.bufferBytes)
        _ = fcntl(descriptor, 1031 /* F_SETPIPE_SZ */, 1 << 20)
    }

    mutating func checkMagic() throws(Failure) {
        guard try raw(TreeEntry.magic.count) == TreeEntry.magic else { throw Failure(.corrupt, "what was received is no tree") }
    }

    mutating func next() throws(Failure) -> TreeEntry {
        guard let kind = TreeEntry.Kind(rawValue: try number()) else { throw Failure(.corrupt, "an entry of an unknown kind was received") }
        var entry = TreeEntry(kind)
        if kind == .up || kind == .end { return entry }
        entry.name = try text(max: 255)
        if kind == .delete { return entry }
        entry.isKept = try number() as UInt8 != 0
        entry.mode = try number()
        entry.uid = try number()
        entry.gid = try number()
        entry.seconds = try number()
        entry.nanoseconds = try number()
        entry.size = try number()
        entry.digest = try number()
        entry.target = try text(max: 4095)
        let count: UInt16 = try number()
        guard count <= 1024 else { throw Failure(.limit, "entry \(quoted(entry.name)) has too many attributes") }
        var total = 0
        for _ in 0..<count {
            let name = try text(max: 255)
            let size: UInt32 = try number()
            total += Int(size)
            guard size <= 65536, total <= TreeEntry.attributeBytesMax else {
                throw Failure(.limit, "entry \(quoted(entry.name)) has too large attributes")
            }
            entry.attributes.append((name, try raw(Int(size))))
        }
        return entry
    }

    mutating func number<Number: FixedWidthInteger>() throws(Failure) -> Number {
        try need(MemoryLayout<Number>.size)
        var value: Number = 0
        for index in (0..<MemoryLayout<Number>.size).reversed() {
            if Number.bitWidth > 8 { value <<= 8 }
            value |= Number(truncatingIfNeeded: buffer[position + index])
        }
        position += MemoryLayout<Number>.size
        return value
    }

    private mutating func text(max: Int) throws(Failure) -> Bytes {
        let count: UInt16 = try number()
        guard count <= max else { throw Failure(.hostile, "a name of \(count) bytes was received") }
        let bytes = try raw(Int(count))
        guard !bytes.contains(0) else { throw Failure(.hostile, "a name with a zero byte was received") }
        return bytes
    }

    private mutating func raw(_ count: Int) throws(Failure) -> Bytes {
        try need(count)
        defer { position += count }
        return Bytes(buffer[position..<position + count])
    }

    /// Hands the next `count` bytes on in parts.
    mutating func pass(_ count: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        var left = count
        while left > 0 {
            if position == end { try need(1) }
            let step = min(left, end - position)
            var failure: Failure?
            buffer[position..<position + step].withUnsafeBytes { part in
                do throws(Failure) { try body(part) } catch { failure = error }
            }
            if let failure { throw failure }
            position += step
            left -= step
        }
    }

    /// Reads until that many bytes are there; never more than the buffer holds.
    private mutating func need(_ count: Int) throws(Failure) {
        if end - position >= count { return }
        if position > 0 {
            buffer.replaceSubrange(0..<(end - position), with: Bytes(buffer[position..<end]))
            (position, end) = (0, end - position)
        }
        while end < count {
            let got = buffer[end...].withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw Failure.system("receive", [], errno) }
            guard got > 0 else { throw Failure(.corrupt, "the tree ended before its end was told") }
            end += got
            received += Int64(got)
        }
    }
}
