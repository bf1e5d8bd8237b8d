import CArchive
import Glibc

/// A tar archive being read, in any of its dialects, with any of the compressions LXD knows. No other format, and no
/// filter that would start a program.
final class OpenArchive {
    let handle: OpaquePointer

    init(descriptor: Int32) throws(Failure) {
        guard let handle = archive_read_new() else { throw Failure(.io, "no memory") }
        self.handle = handle
        archive_read_support_format_tar(handle)
        archive_read_support_format_empty(handle)
        archive_read_support_filter_gzip(handle)
        archive_read_support_filter_bzip2(handle)
        archive_read_support_filter_xz(handle)
        archive_read_support_filter_lzma(handle)
        archive_read_support_filter_zstd(handle)
        guard archive_read_open_fd(handle, descriptor, 256 << 10) == ARCHIVE_OK else { throw failure("open the archive") }
    }

    deinit { archive_read_free(handle) }

    /// Bytes taken from the file so far.
    var compressedBytes: Int64 { archive_filter_bytes(handle, -1) }

    /// The next entry; nil at the end.
    func next() throws(Failure) -> Entry? {
        var entry: OpaquePointer?
        let result = archive_read_next_header(handle, &entry)
        if result == ARCHIVE_EOF { return nil }
        // A warning still gives an entry; its path is checked below.
        guard result == ARCHIVE_OK || result == ARCHIVE_WARN, let entry else { throw failure("read the archive") }
        return try Entry(entry)
    }

    func failure(_ what: String) -> Failure {
        let text = archive_error_string(handle).map { String(cString: $0) } ?? "unknown reason"
        return Failure(archive_errno(handle) == ENOMEM ? .limit : .corrupt, "\(what): \(text)")
    }

    /// Calls `body` with each block of the entry's data and the offset where it belongs.
    func readData(_ body: (UnsafeRawBufferPointer, Int64) throws(Failure) -> Void) throws(Failure) {
        while true {
            var pointer: UnsafeRawPointer?
            var count = 0
            var offset: Int64 = 0
            let result = archive_read_data_block(handle, &pointer, &count, &offset)
            if result == ARCHIVE_EOF { return }
            guard result == ARCHIVE_OK else { throw failure("read the archive") }
            try body(UnsafeRawBufferPointer(start: pointer, count: count), offset)
        }
    }
}

/// One header of an archive.
struct Entry {
    enum Kind: Equatable { case regular, directory, symlink, hardlink, characterDevice, blockDevice, fifo, other }

    let handle: OpaquePointer
    let kind: Kind
    let path: EntryPath

    init(_ handle: OpaquePointer) throws(Failure) {
        self.handle = handle
        guard let raw = archive_entry_pathname(handle) ?? archive_entry_pathname_utf8(handle) else {
            throw Failure(.hostile, "an entry has a name that is no text")
        }
        path = try EntryPath(Bytes(cString: raw))
        if archive_entry_hardlink(handle) != nil || archive_entry_hardlink_utf8(handle) != nil {
            kind = .hardlink
        } else {
            kind = switch archive_entry_filetype(handle) & 0o170000 {
            case 0o100000: .regular
            case 0o040000: .directory
            case 0o120000: .symlink
            case 0o020000: .characterDevice
            case 0o060000: .blockDevice
            case 0o010000: .fifo
            default: .other
            }
        }
    }

    var size: Int64 { archive_entry_size(handle) }
    var permissions: UInt32 { UInt32(archive_entry_perm(handle)) & 0o7777 }

    /// Ids as the archive has them.
    /// - Throws: `hostile` for one that no system has.
    func owner() throws(Failure) -> (uid: UInt32, gid: UInt32) {
        guard let uid = UInt32(exactly: archive_entry_uid(handle)), let gid = UInt32(exactly: archive_entry_gid(handle)),
            uid != .max, gid != .max
        else { throw Failure(.hostile, "entry \(quoted(path.bytes)): the owner is out of range") }
        return (uid, gid)
    }

    func symlinkTarget() throws(Failure) -> Bytes {
        guard let raw = archive_entry_symlink(handle) ?? archive_entry_symlink_utf8(handle) else {
            throw Failure(.hostile, "entry \(quoted(path.bytes)): the link has no target")
        }
        return Bytes(cString: raw)
    }

    func hardlinkTarget() throws(Failure) -> EntryPath {
        guard let raw = archive_entry_hardlink(handle) ?? archive_entry_hardlink_utf8(handle) else {
            throw Failure(.hostile, "entry \(quoted(path.bytes)): the link has no target")
        }
        return try EntryPath(Bytes(cString: raw))
    }

    /// The attributes a tree may carry: capabilities, the user's own, ACLs. Nothing that means something to an overlay.
    func attributes() -> [(name: Bytes, value: Bytes)] {
        var found: [(Bytes, Bytes)] = []
        archive_entry_xattr_reset(handle)
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(handle, &name, &value, &size) == ARCHIVE_OK {
            guard let name else { continue }
            let text = String(cString: name)
            guard text == "security.capability" || text.hasPrefix("user.") || text.hasPrefix("system.posix_acl_") else { continue }
            found.append((Bytes(cString: name), Bytes(UnsafeRawBufferPointer(start: value, count: size))))
        }
        for (type, attribute) in [
            (ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access"), (ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default"),
        ] {
            if let value = AccessList.encode(handle, type: type) { found.append((Bytes(attribute.utf8), value)) }
        }
        return found
    }
}
