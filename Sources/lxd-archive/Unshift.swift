import CLXDLinux
import Glibc

/// `unshift --to FD --map uid|gid|both HOST INSIDE COUNT...`: gives every file of a tree from a disk with shifted ids the
/// ids that the container sees. Ids outside the map stay.
struct Unshift {
    private struct Range {
        var isUID: Bool
        var isGID: Bool
        var host: UInt32
        var inside: UInt32
        var count: UInt32

        func shifted(_ id: UInt32) -> UInt32? { id >= host && id - host < count ? inside &+ (id - host) : nil }
    }

    private let target: Int32
    private let ranges: [Range]
    private let report: Report

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        target = try options.number("--to")
        self.report = report
        var ranges: [Range] = []
        for values in options.all("--map") {
            guard let host = UInt32(values[1]), let inside = UInt32(values[2]), let count = UInt32(values[3]),
                ["uid", "gid", "both"].contains(values[0])
            else { throw Failure(.usage, "--map takes a kind and three numbers") }
            ranges.append(
                Range(isUID: values[0] != "gid", isGID: values[0] != "uid", host: host, inside: inside, count: count))
        }
        self.ranges = ranges
    }

    func run() throws(Failure) -> Totals {
        try Confinement.leaveNamespaces()
        try Confinement.seal(
            keeping: [.chown, .dacOverride, .fowner, .fsetid, .setfcap], limits: .init(cpuSeconds: 24 * 3600))
        let totals = Box(Totals())
        let done = Box(Set<InodeIdentity>())
        try walk(
            target,
            visit: { (node) throws(Failure) in
                totals.value.entries += 1
                if !node.isDirectory && node.status.nlink > 1 && !done.value.insert(node.identity).inserted { return }
                try shift(node)
                try report.progress(read: 0, written: 0, entries: totals.value.entries)
            })
        return totals.value
    }

    private func shift(_ node: TreeNode) throws(Failure) {
        let status = node.status
        let uid = ranges.lazy.filter(\.isUID).compactMap { $0.shifted(status.uid) }.first ?? status.uid
        let gid = ranges.lazy.filter(\.isGID).compactMap { $0.shifted(status.gid) }.first ?? status.gid
        guard (uid, gid) != (status.uid, status.gid) else { return }
        // Changing the owner drops setuid bits and capabilities: they are put back.
        let file = node.isRegular ? try node.open(O_RDONLY) : nil
        let kept =
            try file.map { (file) throws(Failure) in
                try attributes(of: file.number, node.path).filter { $0.name == Bytes("security.capability".utf8) }
            } ?? []
        try check(
            node.name.withCString { clxd_fchownat(node.holder, $0, uid, gid, CLXD_AT_SYMLINK_NOFOLLOW) },
            "set the owner of", node.path)
        guard let file else { return }
        try check(clxd_fchmod(file.number, status.mode & 0o7777), "set the mode of", node.path)
        for (name, value) in kept {
            try check(
                name.withCString { clxd_fsetxattr(file.number, $0, value, value.count) }, "set the capabilities of",
                node.path)
        }
    }
}
