import CLXDLinux
import Glibc

/// `list --layers FDS --output FD [--layer yes]`: writes what is in a tree without its contents, for `send --base`.
/// `--layer`: of one overlay's layer as it is.
struct ListTree {
    private let layers: [Int32]
    private let output: Int32
    private let isLayer: Bool
    private let report: Report

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        guard let list = options.text("--layers") else { throw Failure(.usage, "--layers is missing") }
        layers = try descriptors(list)
        output = try options.number("--output")
        isLayer = options.text("--layer") == "yes"
        self.report = report
    }

    func run() throws(Failure) -> Totals {
        try Confinement.leaveNamespaces()
        let tree = try LayeredTree.open(layers)
        // Overlay attributes of a raw layer are the administrator's.
        try Confinement.seal(keeping: isLayer ? [.dacOverride, .sysAdmin] : [.dacOverride], limits: .init(cpuSeconds: 24 * 3600))
        let box = Box((EntryWriter(output), AttributeDigest(ofLayer: isLayer), UInt64(0)))
        try box.value.0.raw(TreeEntry.magic[...])
        try walk(
            tree.number,
            visit: { (node) throws(Failure) in
                if node.type == 0o140000 { return }
                if node.path.isEmpty { box.value.2 = node.identity.device }
                var entry = TreeEntry(node)
                if node.path.isEmpty { entry.name = [] }
                if entry.kind == .symlink { entry.target = try linkTarget(of: node) }
                entry.digest = try box.value.1.of(node)
                try box.value.0.put(entry)
                // The walk does not enter another file system.
                if node.isDirectory && node.identity.device != box.value.2 { try box.value.0.put(TreeEntry(.up)) }
            },
            leave: { (node) throws(Failure) in if !node.path.isEmpty { try box.value.0.put(TreeEntry(.up)) } })
        try box.value.0.put(TreeEntry(.end))
        try box.value.0.flush()
        var totals = Totals()
        totals.written = box.value.0.written
        return totals
    }
}

/// What `list` wrote, in memory.
struct Listing {
    final class Node {
        var children: [Bytes: (entry: TreeEntry, node: Node)] = [:]
    }

    static let entryCountMax = 4_000_000

    private(set) var root: (entry: TreeEntry, node: Node)

    init(_ descriptor: Int32) throws(Failure) {
        var reader = EntryReader(descriptor)
        try reader.checkMagic()
        let first = try reader.next()
        guard first.kind == .directory, first.name.isEmpty else { throw Failure(.corrupt, "the listing does not begin with a directory") }
        root = (first, Node())
        var stack = [root.node]
        var count = 0
        while true {
            let entry = try reader.next()
            count += 1
            guard count <= Self.entryCountMax, stack.count < 900 else { throw Failure(.limit, "the listing is too long") }
            switch entry.kind {
            case .end: return
            case .up:
                guard stack.count > 1 else { throw Failure(.corrupt, "the listing leaves its root") }
                stack.removeLast()
            case .directory:
                let node = Node()
                stack.last?.children[entry.name] = (entry, node)
                stack.append(node)
            case .file, .symlink, .node: stack.last?.children[entry.name] = (entry, Node())
            case .hardlink, .delete: throw Failure(.corrupt, "the listing holds what no listing holds")
            }
        }
    }
}

/// A number that differs when the attributes that travel differ, read without opening files.
struct AttributeDigest {
    private let ofLayer: Bool
    private var directory: Int32 = -1
    private var list = [CChar](repeating: 0, count: 65536)
    private var value = Bytes(repeating: 0, count: 65536)

    /// - Parameter ofLayer: Those of overlays count too.
    init(ofLayer: Bool) { self.ofLayer = ofLayer }

    mutating func of(_ node: TreeNode) throws(Failure) -> UInt64 {
        guard node.isDirectory || node.isRegular else { return 0 }
        if directory != node.holder {
            try check(clxd_fchdir(node.holder), "enter", node.path)
            directory = node.holder
        }
        let count = node.name.withCString { clxd_llistxattr($0, &list, list.count) }
        guard count > 0 else { return 0 }
        let names = list[..<count].split(separator: 0).map { $0.map { UInt8(bitPattern: $0) } }
            .filter { [ofLayer] in PortableAttribute.isSent($0, ofLayer: ofLayer) }
            .sorted { $0.lexicographicallyPrecedes($1) }
        // FNV-1a: a change is to be seen, nobody has to be kept from making two alike.
        var hash: UInt64 = names.isEmpty ? 0 : 0xcbf2_9ce4_8422_2325
        for name in names {
            let size = node.name.withCString { path in name.withCString { clxd_lgetxattr(path, $0, &value, value.count) } }
            for byte in name + [0] + value[..<max(0, size)] { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        }
        return hash
    }
}
