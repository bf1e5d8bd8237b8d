import CLXDLinux
import Glibc

/// A file met on a walk: its name, its status, and the open directory that holds it.
struct TreeNode {
    let holder: Int32
    let name: Bytes
    /// From the walk's root, without the root itself; empty for the root.
    let path: Bytes
    let status: clxd_status
    var type: UInt32 { status.mode & 0o170000 }
    var isDirectory: Bool { type == 0o040000 }
    var isRegular: Bool { type == 0o100000 }
    /// What tells a hard link from another file.
    var identity: InodeIdentity { InodeIdentity(device: UInt64(status.dev_major) << 32 | UInt64(status.dev_minor), inode: status.ino) }

    /// Opens the node itself, never what a link points to.
    func open(_ flags: Int32) throws(Failure) -> Descriptor {
        let all = UInt64(UInt32(bitPattern: flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK))
        return Descriptor(
            try check(name.withCString { clxd_openat2(holder, $0, all, 0, UInt64(CLXD_RESOLVE_NO_SYMLINKS)) }, "open", path))
    }
}

struct InodeIdentity: Hashable {
    var device: UInt64
    var inode: UInt64
}

/// The names in an open directory, sorted by bytes, so that two walks of the same tree agree.
func names(in directory: Int32, _ path: Bytes) throws(Failure) -> [Bytes] {
    let copy = try check(clxd_openat2(directory, ".", UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0), "list", path)
    guard let stream = fdopendir(copy) else {
        let error = errno
        close(copy)
        throw Failure.system("list", path, error)
    }
    defer { closedir(stream) }
    var found: [Bytes] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { Bytes(cString: $0) }
        }
        if name != [UInt8(ascii: ".")] && name != [UInt8(ascii: "."), UInt8(ascii: ".")] { found.append(name) }
    }
    return found.sorted { $0.lexicographicallyPrecedes($1) }
}

/// Calls `visit` for the root and everything below it, directories before what they hold, without leaving the file system.
///
/// `leave` is called for a directory after everything in it. A file that vanishes meanwhile is passed over.
func walk(
    _ root: Int32, visit: (TreeNode) throws(Failure) -> Void, leave: (TreeNode) throws(Failure) -> Void = { _ in }
) throws(Failure) {
    var status = clxd_status()
    try check(clxd_statx(root, "", CLXD_AT_EMPTY_PATH, &status), "look at the tree")
    let node = TreeNode(holder: root, name: [UInt8(ascii: ".")], path: [], status: status)
    try visit(node)
    try descend(root, [], device: node.identity.device, depth: 0, visit: visit, leave: leave)
    try leave(node)
}

private func descend(
    _ directory: Int32, _ path: Bytes, device: UInt64, depth: Int, visit: (TreeNode) throws(Failure) -> Void,
    leave: (TreeNode) throws(Failure) -> Void
) throws(Failure) {
    // One descriptor is held a level.
    guard depth < 800 else { throw Failure(.limit, "\(quoted(path)): the tree is too deep") }
    for name in try names(in: directory, path) {
        let full = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
        var status = clxd_status()
        let result = name.withCString { clxd_statx(directory, $0, CLXD_AT_SYMLINK_NOFOLLOW, &status) }
        if result == -ENOENT { continue }
        try check(result, "look at", full)
        let node = TreeNode(holder: directory, name: name, path: full, status: status)
        try visit(node)
        if node.isDirectory && node.identity.device == device {
            let child = try node.open(O_RDONLY | O_DIRECTORY)
            try descend(child.number, full, device: device, depth: depth + 1, visit: visit, leave: leave)
            try leave(node)
        }
    }
}

/// The extended attributes of an open file.
func attributes(of descriptor: Int32, _ path: Bytes) throws(Failure) -> [(name: Bytes, value: Bytes)] {
    var list = [CChar](repeating: 0, count: 65536)
    let count = clxd_flistxattr(descriptor, &list, list.count)
    if count == -Int(EOPNOTSUPP) { return [] }
    try check(count, "list the attributes of", path)
    var found: [(Bytes, Bytes)] = []
    for part in list[..<count].split(separator: 0) {
        let name = part.map { UInt8(bitPattern: $0) }
        var value = Bytes(repeating: 0, count: 65536)
        let size = name.withCString { clxd_fgetxattr(descriptor, $0, &value, value.count) }
        if size == -Int(ENODATA) { continue }
        try check(size, "read an attribute of", path)
        found.append((name, Bytes(value[..<size])))
    }
    return found
}

/// The target of a symlink.
func linkTarget(of node: TreeNode) throws(Failure) -> Bytes {
    var buffer = [CChar](repeating: 0, count: 4097)
    let count = try check(node.name.withCString { clxd_readlinkat(node.holder, $0, &buffer, 4096) }, "read the link", node.path)
    return buffer[..<Int(count)].map { UInt8(bitPattern: $0) }
}
