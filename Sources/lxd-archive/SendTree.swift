import CLXDLinux
import Glibc

/// `send --layers FDS --output FD [--base FD [--layer yes] [--suspect-since SECONDS]]`: writes a tree as a stream for another
/// server.
///
/// Of a single layer its whiteouts and overlay attributes go too, so that it can be a layer there. With a base (what
/// `list` wrote of the receiver's tree) only what differs from it goes: contents of files whose size and times are the
/// same are not read, unless they changed after `--suspect-since`: what a program writes into a file that it has mapped need not
/// change the time again. `--layer`: base and tree are one overlay's layer.
struct SendTree {
    private let layers: [Int32]
    private let output: Int32
    private let base: Int32?
    private let isLayer: Bool
    private let suspectSince: Int64
    private let report: Report

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        guard let list = options.text("--layers") else { throw Failure(.usage, "--layers is missing") }
        layers = try descriptors(list)
        output = try options.number("--output")
        base = try options.text("--base").map { (text) throws(Failure) in try descriptor(text) }
        isLayer = layers.count == 1 && (base == nil || options.text("--layer") == "yes")
        suspectSince = try options.count("--suspect-since", default: .max)
        self.report = report
    }

    func run() throws(Failure) -> Totals {
        try Confinement.leaveNamespaces()
        let tree = try LayeredTree.open(layers)
        try Confinement.seal(keeping: [.dacOverride, .sysAdmin], limits: .init(cpuSeconds: 24 * 3600))
        var sender = TreeSender(output: output, isLayer: isLayer, suspectSince: suspectSince, report: report)
        try sender.begin()
        if let base {
            try sender.sendDifference(of: tree.number, to: try Listing(base))
        } else {
            try sender.sendAll(tree.number)
        }
        return try sender.finish()
    }
}

struct TreeSender {
    private var writer: EntryWriter
    private let isLayer: Bool
    private let suspectSince: Int64
    private let report: Report
    private var totals = Totals()
    private var links: [InodeIdentity: Bytes] = [:]
    /// Directories entered on the walk that were not told yet, since nothing in them had to be.
    private var pending: [TreeEntry] = []
    private var attributeReader: AttributeDigest

    init(output: Int32, isLayer: Bool, suspectSince: Int64, report: Report) {
        writer = EntryWriter(output)
        self.isLayer = isLayer
        self.suspectSince = suspectSince
        attributeReader = AttributeDigest(ofLayer: isLayer)
        self.report = report
    }

    mutating func begin() throws(Failure) { try writer.raw(TreeEntry.magic[...]) }

    mutating func finish() throws(Failure) -> Totals {
        try writer.put(TreeEntry(.end))
        try writer.flush()
        totals.written = writer.written
        return totals
    }

    mutating func sendAll(_ root: Int32) throws(Failure) {
        let box = Box(self)
        let device = Box(UInt64(0))
        try walk(
            root,
            visit: { (node) throws(Failure) in
                if node.path.isEmpty { device.value = node.identity.device }
                try box.value.send(node)
                // The walk does not enter another file system.
                if node.isDirectory && node.identity.device != device.value { try box.value.writer.put(TreeEntry(.up)) }
            },
            leave: { (node) throws(Failure) in if !node.path.isEmpty { try box.value.writer.put(TreeEntry(.up)) } })
        self = box.value
    }

    // MARK: Differences

    mutating func sendDifference(of root: Int32, to base: Listing) throws(Failure) {
        var status = clxd_status()
        try check(clxd_statx(root, "", CLXD_AT_EMPTY_PATH, &status), "look at the tree")
        let node = TreeNode(holder: root, name: [UInt8(ascii: ".")], path: [], status: status)
        var entry = TreeEntry(node)
        entry.digest = try attributeReader.of(node)
        if !entry.looksLike(base.root.entry) { try send(node) }
        try compare(root, [], base.root.node, base, device: node.identity.device, depth: 0)
    }

    private mutating func compare(
        _ directory: Int32, _ path: Bytes, _ had: Listing.Node, _ base: Listing, device: UInt64, depth: Int
    ) throws(Failure) {
        guard depth < 800 else { throw Failure(.limit, "\(quoted(path)): the tree is too deep") }
        var old = had.children
        for name in try names(in: directory, path) {
            let full = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
            var status = clxd_status()
            let result = name.withCString { clxd_statx(directory, $0, CLXD_AT_SYMLINK_NOFOLLOW, &status) }
            if result == -ENOENT { continue }
            try check(result, "look at", full)
            let node = TreeNode(holder: directory, name: name, path: full, status: status)
            if node.type == 0o140000 { continue }
            var entry = TreeEntry(node)
            if entry.kind == .symlink { entry.target = try linkTarget(of: node) }
            let counterpart = old.removeValue(forKey: name)
            if let counterpart {
                entry.digest = try attributeReader.of(node)
                if entry.looksLike(counterpart.entry), entry.kind != .file || entry.seconds < suspectSince {
                    totals.entries += 1
                    if node.isDirectory && node.identity.device == device {
                        entry.isKept = true
                        pending.append(entry)
                        let child = try node.open(O_RDONLY | O_DIRECTORY)
                        try compare(child.number, full, counterpart.node, base, device: device, depth: depth + 1)
                        try leave()
                    } else if !node.isDirectory && status.nlink > 1 && links[node.identity] == nil {
                        links[node.identity] = full
                    }
                    continue
                }
            }
            try tellPending()
            let isSame = counterpart?.entry.kind == .directory && node.isDirectory
            if counterpart != nil && !isSame {
                var gone = TreeEntry(.delete)
                gone.name = name
                try writer.put(gone)
            }
            try send(node)
            if node.isDirectory && node.identity.device == device {
                let child = try node.open(O_RDONLY | O_DIRECTORY)
                if isSame, let counterpart {
                    try compare(child.number, full, counterpart.node, base, device: device, depth: depth + 1)
                } else {
                    try compare(child.number, full, Listing.Node(), base, device: device, depth: depth + 1)
                }
                try writer.put(TreeEntry(.up))
            } else if node.isDirectory {
                try writer.put(TreeEntry(.up))
            }
        }
        for name in old.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            try tellPending()
            var gone = TreeEntry(.delete)
            gone.name = name
            try writer.put(gone)
        }
        try report.progress(read: totals.read, written: writer.written, entries: totals.entries)
    }

    private mutating func tellPending() throws(Failure) {
        for entry in pending where !entry.name.isEmpty { try writer.put(entry) }
        // What was told stays to be left, without a name.
        pending = pending.map { _ in TreeEntry(.directory) }
    }

    private mutating func leave() throws(Failure) {
        guard let last = pending.popLast() else { return }
        if last.name.isEmpty { try writer.put(TreeEntry(.up)) }
    }

    // MARK: Entries

    /// Sends one node; a directory's contents are the caller's.
    private mutating func send(_ node: TreeNode) throws(Failure) {
        // A socket means nothing to anybody else.
        if node.type == 0o140000 { return }
        totals.entries += 1
        var entry = TreeEntry(node)
        if node.path.isEmpty { entry.name = [] }
        if !node.isDirectory && node.status.nlink > 1 {
            if let first = links[node.identity] {
                entry.kind = .hardlink
                entry.target = first
                try writer.put(entry)
                return
            }
            links[node.identity] = node.path
        }
        switch entry.kind {
        case .file:
            guard let file = try opened(node, O_RDONLY) else { return }
            entry.attributes = try kept(attributes(of: file.number, node.path))
            try writer.put(entry)
            try sendData(of: file.number, node)
        case .directory:
            let directory = try node.open(O_RDONLY | O_DIRECTORY)
            entry.attributes = try kept(attributes(of: directory.number, node.path))
            try writer.put(entry)
        case .symlink:
            entry.target = try linkTarget(of: node)
            try writer.put(entry)
        default: try writer.put(entry)
        }
        try report.progress(read: totals.read, written: writer.written, entries: totals.entries)
    }

    /// nil for a file that has gone since it was listed.
    private func opened(_ node: TreeNode, _ flags: Int32) throws(Failure) -> Descriptor? {
        do throws(Failure) {
            return try node.open(flags)
        } catch {
            var status = clxd_status()
            let isGone =
                node.name.withCString { clxd_statx(node.holder, $0, CLXD_AT_SYMLINK_NOFOLLOW, &status) } == -ENOENT
            if isGone { return nil }
            throw error
        }
    }

    private func kept(_ attributes: [(name: Bytes, value: Bytes)]) -> [(name: Bytes, value: Bytes)] {
        attributes.filter { PortableAttribute.isSent($0.name, ofLayer: isLayer) }
    }

    /// Sends what holds data; the receiver learns the size at the end, so a file may change meanwhile.
    private mutating func sendData(of file: Int32, _ node: TreeNode) throws(Failure) {
        var status = clxd_status()
        try check(clxd_statx(file, "", CLXD_AT_EMPTY_PATH, &status), "look at", node.path)
        let size = Int64(clamping: status.size)
        // Asking for holes costs a call a file: only where fewer blocks than bytes lie on the disk.
        let isSparse = status.blocks &* 512 < status.size
        var position: Int64 = 0
        var end = isSparse ? 0 : size
        outer: while position < size {
            if isSparse {
                let start = Int64(clxd_seek(file, position, CLXD_SEEK_DATA))
                if start == -Int64(ENXIO) { break }
                position = start < 0 ? position : start
                let hole = Int64(clxd_seek(file, position, CLXD_SEEK_HOLE))
                end = hole <= position ? size : hole
            }
            while position < end {
                let count = try writer.chunk(of: file, at: position, count: Int(clamping: end - position))
                try check(count, "read", node.path)
                if count == 0 { break outer }
                position += Int64(count)
                totals.read += Int64(count)
                try report.progress(read: totals.read, written: writer.written, entries: totals.entries)
            }
        }
        try writer.number(max(size, position))
        try writer.number(UInt32(0))
    }
}

/// Which extended attributes travel.
enum PortableAttribute {
    private static let overlay = ["trusted.overlay.opaque", "trusted.overlay.redirect"].map { Bytes($0.utf8) }
    private static let capability = Bytes("security.capability".utf8)
    private static let accessLists = ["system.posix_acl_access", "system.posix_acl_default"].map { Bytes($0.utf8) }
    private static let user = Bytes("user.".utf8)

    static func isSent(_ name: Bytes, ofLayer: Bool) -> Bool {
        name == capability || name.starts(with: user) || accessLists.contains(name)
            || (ofLayer && overlay.contains(name))
    }

    /// A receiver believes of overlay attributes only what the kernel itself writes.
    static func isAccepted(_ name: Bytes, _ value: Bytes, ofLayer: Bool) -> Bool {
        guard isSent(name, ofLayer: ofLayer) else { return false }
        switch name {
        case overlay[0]: return value == [UInt8(ascii: "y")] || value == [UInt8(ascii: "x")]
        case overlay[1]:
            let parts = value.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            let isAbsolute = value.first == UInt8(ascii: "/")
            return !value.isEmpty && (isAbsolute || parts.count == 1)
                && parts.dropFirst(isAbsolute ? 1 : 0).allSatisfy { !$0.isEmpty && $0 != [0x2e] && $0 != [0x2e, 0x2e] }
        default: return true
        }
    }
}
