import CArchive
import CLXDLinux
import Glibc

/// `pack --output FD --compression KIND [--file FD NAME]... [--tree LAYERS PREFIX]...`: a tar stream
/// of the named files and trees, in that order.
///
/// pax dialect, numeric ids, hard links, device nodes, sparse files, ACLs, `security.capability` and `user.*` attributes.
/// Sockets are left out, as tar does.
struct Pack {
    private struct Tree {
        var layers: [Int32]
        var prefix: Bytes
    }

    private let output: Int32
    private let compression: String
    private let files: [(descriptor: Int32, name: Bytes)]
    private let trees: [Tree]
    private let report: Report

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        output = try options.number("--output")
        compression = options.text("--compression") ?? "none"
        var files: [(Int32, Bytes)] = []
        for values in options.all("--file") { files.append((try descriptor(values[0]), Bytes(values[1].utf8))) }
        self.files = files
        var trees: [Tree] = []
        for values in options.all("--tree") {
            trees.append(Tree(layers: try descriptors(values[0]), prefix: Bytes(values[1].utf8)))
        }
        self.trees = trees
        self.report = report
    }

    func run() throws(Failure) -> Totals {
        try Confinement.leaveNamespaces()
        var roots: [(Descriptor, Bytes)] = []
        for tree in trees { roots.append((try LayeredTree.open(tree.layers), tree.prefix)) }
        try Confinement.seal(keeping: [.dacOverride], limits: .init(cpuSeconds: 24 * 3600, addressBytes: 4 << 30))
        let writer = try ArchiveWriter(output: output, compression: compression, report: report)
        for (number, name) in files { try writer.addFile(number, name) }
        for (root, prefix) in roots { try writer.addTree(root.number, prefix: prefix) }
        return try writer.finish()
    }
}

/// A tar archive being written.
final class ArchiveWriter {
    private let handle: OpaquePointer
    private let report: Report
    private var totals = Totals()
    private var buffer = Bytes(repeating: 0, count: 256 << 10)

    init(output: Int32, compression: String, report: Report) throws(Failure) {
        guard let handle = archive_write_new() else { throw Failure(.io, "no memory") }
        self.handle = handle
        self.report = report
        let added: Int32 = switch compression {
        case "none": archive_write_add_filter_none(handle)
        case "gzip": archive_write_add_filter_gzip(handle)
        case "bzip2": archive_write_add_filter_bzip2(handle)
        case "xz": archive_write_add_filter_xz(handle)
        case "lzma": archive_write_add_filter_lzma(handle)
        case "zstd": archive_write_add_filter_zstd(handle)
        default: ARCHIVE_FATAL
        }
        guard added == ARCHIVE_OK else { throw Failure(.usage, "unknown compression \(quoted(Bytes(compression.utf8)))") }
        // Two threads halve the time; the formats allow it.
        if compression == "zstd" || compression == "xz" { archive_write_set_filter_option(handle, compression, "threads", "2") }
        if compression == "gzip" { archive_write_set_filter_option(handle, "gzip", "timestamp", nil) }
        archive_write_set_format_pax_restricted(handle)
        // The attribute record that GNU tar and LXD read; libarchive's own would only double it.
        archive_write_set_format_option(handle, "pax", "xattrheader", "SCHILY")
        archive_write_set_bytes_in_last_block(handle, 1)
        guard archive_write_open_fd(handle, output) == ARCHIVE_OK else { throw failure("write the archive") }
    }

    deinit { archive_write_free(handle) }

    private func failure(_ what: String) -> Failure {
        let text = archive_error_string(handle).map { String(cString: $0) } ?? "unknown reason"
        return Failure(archive_errno(handle) == ENOSPC ? .noSpace : .io, "\(what): \(text)")
    }

    func finish() throws(Failure) -> Totals {
        guard archive_write_close(handle) == ARCHIVE_OK else { throw failure("write the archive") }
        totals.written = archive_filter_bytes(handle, -1)
        return totals
    }

    private func newEntry(_ name: Bytes, _ status: clxd_status) throws(Failure) -> OpaquePointer {
        guard let entry = archive_entry_new() else { throw Failure(.io, "no memory") }
        name.withCString { archive_entry_set_pathname(entry, $0) }
        archive_entry_set_mode(entry, mode_t(status.mode))
        archive_entry_set_uid(entry, Int64(status.uid))
        archive_entry_set_gid(entry, Int64(status.gid))
        archive_entry_set_mtime(entry, time_t(status.mtime_sec), Int(status.mtime_nsec))
        return entry
    }

    private func put(_ entry: OpaquePointer, _ name: Bytes) throws(Failure) {
        totals.entries += 1
        let result = archive_write_header(handle, entry)
        guard result == ARCHIVE_OK || result == ARCHIVE_WARN else { throw failure("write \(quoted(name))") }
        try report.progress(read: totals.read, written: archive_filter_bytes(handle, -1), entries: totals.entries)
    }

    /// A regular file owned by root, from an open descriptor.
    func addFile(_ descriptor: Int32, _ name: Bytes) throws(Failure) {
        var status = clxd_status()
        try check(clxd_statx(descriptor, "", CLXD_AT_EMPTY_PATH, &status), "look at", name)
        (status.uid, status.gid, status.mode) = (0, 0, 0o100644)
        let entry = try newEntry(name, status)
        defer { archive_entry_free(entry) }
        archive_entry_set_size(entry, Int64(status.size))
        try put(entry, name)
        try copyData(from: descriptor, size: Int64(status.size), name)
    }

    /// Everything below an open directory, the directory itself first, as `prefix`.
    func addTree(_ root: Int32, prefix: Bytes) throws(Failure) {
        var links: [InodeIdentity: Bytes] = [:]
        try walk(root, visit: { (node) throws(Failure) in
            // A socket means nothing to anybody else.
            if node.type == 0o140000 { return }
            let name: Bytes
            if prefix.isEmpty {
                name = node.path.isEmpty ? [UInt8(ascii: ".")] : node.path
            } else {
                name = node.path.isEmpty ? prefix : prefix + [UInt8(ascii: "/")] + node.path
            }
            try add(node, as: name, &links)
        })
    }

    private func add(_ node: TreeNode, as name: Bytes, _ links: inout [InodeIdentity: Bytes]) throws(Failure) {
        let entry = try newEntry(name, node.status)
        defer { archive_entry_free(entry) }
        if !node.isDirectory && node.status.nlink > 1 {
            if let first = links[node.identity] {
                first.withCString { archive_entry_set_hardlink(entry, $0) }
                archive_entry_set_size(entry, 0)
                try put(entry, name)
                return
            }
            links[node.identity] = name
        }
        switch node.type {
        case 0o100000:
            let file = try node.open(O_RDONLY)
            archive_entry_set_size(entry, Int64(node.status.size))
            try addAttributes(of: file.number, name, to: entry)
            try put(entry, name)
            try copyData(from: file.number, size: Int64(node.status.size), name)
        case 0o040000:
            let directory = try node.open(O_RDONLY | O_DIRECTORY)
            try addAttributes(of: directory.number, name, to: entry)
            try put(entry, name)
        case 0o120000:
            try linkTarget(of: node).withCString { archive_entry_set_symlink(entry, $0) }
            try put(entry, name)
        default:
            archive_entry_set_rdevmajor(entry, dev_t(node.status.rdev_major))
            archive_entry_set_rdevminor(entry, dev_t(node.status.rdev_minor))
            try put(entry, name)
        }
    }

    private func addAttributes(of descriptor: Int32, _ name: Bytes, to entry: OpaquePointer) throws(Failure) {
        for (attribute, value) in try attributes(of: descriptor, name) {
            switch String(decoding: attribute, as: UTF8.self) {
            case "system.posix_acl_access": AccessList.decode(value, type: ARCHIVE_ENTRY_ACL_TYPE_ACCESS, into: entry)
            case "system.posix_acl_default": AccessList.decode(value, type: ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, into: entry)
            case let name where name == "security.capability" || name.hasPrefix("user."):
                attribute.withCString { archive_entry_xattr_add_entry(entry, $0, value, value.count) }
            default: continue
            }
        }
    }

    /// Writes exactly `size` bytes: a file that grows meanwhile is cut, one that shrinks is filled with zeros.
    private func copyData(from descriptor: Int32, size: Int64, _ name: Bytes) throws(Failure) {
        var left = size
        while left > 0 {
            let count = read(descriptor, &buffer, Int(min(left, Int64(buffer.count))))
            if count < 0 && errno == EINTR { continue }
            try check(count < 0 ? -Int(errno) : count, "read", name)
            if count == 0 { break }
            guard archive_write_data(handle, buffer, count) == count else { throw failure("write \(quoted(name))") }
            left -= Int64(count)
            totals.read += Int64(count)
            try report.progress(read: totals.read, written: archive_filter_bytes(handle, -1), entries: totals.entries)
        }
        // What was not written of an entry, libarchive fills with zeros.
    }
}
