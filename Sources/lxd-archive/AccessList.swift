import CArchive

/// POSIX ACLs: the kernel's attribute on one side, libarchive's entries on the other. Source: acl(5), linux/posix_acl_xattr.h.
enum AccessList {
    private static let tags: [(kernel: UInt16, archive: Int32)] = [
        (0x01, ARCHIVE_ENTRY_ACL_USER_OBJ), (0x02, ARCHIVE_ENTRY_ACL_USER), (0x04, ARCHIVE_ENTRY_ACL_GROUP_OBJ),
        (0x08, ARCHIVE_ENTRY_ACL_GROUP), (0x10, ARCHIVE_ENTRY_ACL_MASK), (0x20, ARCHIVE_ENTRY_ACL_OTHER),
    ]
    private static let hasID: Set<UInt16> = [0x02, 0x08]

    /// The attribute for an entry's ACL of one type; nil if it has none.
    static func encode(_ entry: OpaquePointer, type: Int32) -> Bytes? {
        guard archive_entry_acl_count(entry, type) > 0, archive_entry_acl_reset(entry, type) > 0 else { return nil }
        var rows: [(tag: UInt16, permissions: UInt16, id: UInt32)] = []
        var entryType: Int32 = 0
        var permissions: Int32 = 0
        var tag: Int32 = 0
        var id: Int32 = 0
        var name: UnsafePointer<CChar>?
        while archive_entry_acl_next(entry, type, &entryType, &permissions, &tag, &id, &name) == ARCHIVE_OK {
            guard let kernel = tags.first(where: { $0.archive == tag })?.kernel else { continue }
            if hasID.contains(kernel) && id < 0 { continue }
            rows.append((kernel, UInt16(permissions & 7), hasID.contains(kernel) ? UInt32(bitPattern: id) : .max))
        }
        // The kernel wants them in this order and refuses others.
        rows.sort { ($0.tag, $0.id) < ($1.tag, $1.id) }
        var bytes: Bytes = []
        append(UInt32(2), to: &bytes)
        for row in rows {
            append(row.tag, to: &bytes)
            append(row.permissions, to: &bytes)
            append(row.id, to: &bytes)
        }
        return bytes
    }

    /// Adds the kernel's attribute to an entry that is about to be written.
    static func decode(_ value: Bytes, type: Int32, into entry: OpaquePointer) {
        guard value.count >= 4, (value.count - 4) % 8 == 0, number(value[0..<4]) == 2 else { return }
        for start in stride(from: 4, to: value.count, by: 8) {
            let tag = UInt16(truncatingIfNeeded: number(value[start..<start + 2]))
            guard let archive = tags.first(where: { $0.kernel == tag })?.archive else { continue }
            let id = hasID.contains(tag) ? Int32(bitPattern: number(value[start + 4..<start + 8])) : -1
            archive_entry_acl_add_entry(entry, type, Int32(number(value[start + 2..<start + 4]) & 7), archive, id, nil)
        }
    }

    private static func append(_ value: some FixedWidthInteger, to bytes: inout Bytes) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
