import CLXDLinux
import Glibc

/// `sweep --in FD`: removes everything in a directory, whatever its modes and inode flags; the directory stays.
struct Sweep {
    private let directory: Int32
    private let report: Report

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        directory = try options.number("--in")
        self.report = report
    }

    func run() throws(Failure) -> Totals {
        try Confinement.leaveNamespaces()
        try Confinement.seal(keeping: [.dacOverride, .fowner, .linuxImmutable], limits: .init(cpuSeconds: 24 * 3600))
        var totals = Totals()
        try empty(directory, [], &totals)
        return totals
    }

    /// Depth is bounded by moving what lies deep up to the top, as each level holds a descriptor.
    private func empty(_ directory: Int32, _ path: Bytes, depth: Int = 0, _ totals: inout Totals) throws(Failure) {
        for name in try names(in: directory, path) {
            let full = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
            try remove(name, in: directory, full, depth: depth, &totals)
        }
    }

    private func remove(_ name: Bytes, in holder: Int32, _ path: Bytes, depth: Int, _ totals: inout Totals) throws(Failure) {
        totals.entries += 1
        try report.progress(read: 0, written: 0, entries: totals.entries)
        var result = name.withCString { clxd_unlinkat(holder, $0, 0) }
        if result == 0 || result == -ENOENT { return }
        let flags = UInt64(O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
        let resolve = UInt64(CLXD_RESOLVE_NO_XDEV | CLXD_RESOLVE_BENEATH)
        if result == -EISDIR || result == -EPERM {
            let opened = name.withCString { clxd_openat2(holder, $0, flags, 0, resolve) }
            if opened >= 0 {
                let child = Descriptor(opened)
                // The holder may be the one that is immutable.
                _ = clxd_clear_inode_flags(child.number)
                _ = clxd_clear_inode_flags(holder)
                result = name.withCString { clxd_unlinkat(holder, $0, 0) }
                if result == 0 { return }
                if result == -EISDIR {
                    if depth < 200 {
                        try empty(child.number, path, depth: depth + 1, &totals)
                    } else {
                        try lift(child.number, path, &totals)
                    }
                    result = name.withCString { clxd_unlinkat(holder, $0, CLXD_AT_REMOVEDIR) }
                }
            }
        }
        if result != -ENOENT { try check(result, "remove", path) }
    }

    /// Moves the contents of a deep directory to the top under new names and removes them from there.
    private func lift(_ deep: Int32, _ path: Bytes, _ totals: inout Totals) throws(Failure) {
        for name in try names(in: deep, path) {
            totals.entries += 1
            let lifted = Bytes(".deep-\(totals.entries)".utf8)
            let result = name.withCString { old in lifted.withCString { clxd_renameat2(deep, old, directory, $0, 0) } }
            try check(result, "move", path)
            try remove(lifted, in: directory, lifted, depth: 0, &totals)
        }
    }
}
