internal import CLXDLinux
internal import Glibc
package import SystemPackage

/// How the host offers cgroups.
package enum CgroupLayout: String, Sendable {
    /// One tree a controller only.
    case legacy
    /// One tree a controller and a unified one.
    case hybrid
    case unified
}

/// The cgroup file systems of a host.
package struct CgroupTree: Sendable, Hashable {
    package let layout: CgroupLayout
    /// v1 controllers (`memory`, `name=systemd`) and where each is mounted.
    package let controllers: [String: String]
    /// Where the unified tree is mounted.
    package let unified: String?
    /// Controllers of the unified tree.
    package let unifiedControllers: Set<String>

    /// Finds what is mounted at or below `root`.
    package init(root: String = "/sys/fs/cgroup") throws(Errno) {
        var controllers: [String: String] = [:]
        var unified: String?
        for entry in try MountTable.current().below(root) {
            if entry.fsType == "cgroup2" {
                unified = entry.target
            } else if entry.fsType == "cgroup" {
                let known = Set(["rw", "ro", "xattr", "clone_children", "noprefix", "none"])
                for option in entry.superOptions.split(separator: ",").map(String.init)
                where !known.contains(option) && !option.hasPrefix("release_agent") {
                    controllers[option] = entry.target
                }
            }
        }
        var unifiedControllers: Set<String> = []
        if let unified {
            // Absent where the tree is only a part of one; then it offers no controller.
            let text = (try? AtomicFile.readText(unified + "/cgroup.controllers")) ?? ""
            unifiedControllers = Set(text.split(whereSeparator: \.isWhitespace).map(String.init))
        }
        self.controllers = controllers
        self.unified = unified
        self.unifiedControllers = unifiedControllers
        layout = unified == nil ? .legacy : (controllers.isEmpty ? .unified : .hybrid)
    }

    /// Whether a controller is there in either layout.
    package func has(_ controller: String) -> Bool {
        controllers[controller] != nil || unifiedControllers.contains(controller)
    }

    /// Makes the next moves of processes between groups quick. Blocks for some milliseconds.
    ///
    /// The first move after a while waits for an RCU grace period (about 8 ms at 250 Hz), and those soon after do not. Whoever
    /// knows that a process is about to be moved has a thread go first, by moving this process to where it is.
    package func expectMoves() {
        guard let own = try? group(ofProcess: getpid()), let path = own.v1Paths["pids"] ?? own.unifiedPath ?? own.v1Paths.values.first,
            // The move is a hint: where it is refused, moves are as quick as they are.
            let file = try? OwnedDescriptor(result: clxd_openat2(CLXD_AT_FDCWD, path + "/cgroup.procs", UInt64(O_WRONLY | O_CLOEXEC), 0, 0))
        else { return }
        try? writeAll(Array(String(getpid()).utf8), to: file.descriptor)
    }

    /// The groups in which a process is.
    package func group(ofProcess pid: Int32) throws(Errno) -> CgroupGroup {
        CgroupGroup(tree: self, membership: try AtomicFile.readText("/proc/\(pid)/cgroup"))
    }

    /// The group of one name at the top of every tree.
    package func group(named name: String) -> CgroupGroup {
        var paths: [String: String] = [:]
        for (controller, mount) in controllers { paths[controller] = mount + "/" + name }
        return CgroupGroup(tree: self, v1Paths: paths, unifiedPath: unified.map { $0 + "/" + name })
    }
}

/// One container's place in all trees.
package struct CgroupGroup: Sendable, Hashable {
    package let tree: CgroupTree
    /// Controller -> absolute path.
    package let v1Paths: [String: String]
    package let unifiedPath: String?

    init(tree: CgroupTree, v1Paths: [String: String], unifiedPath: String?) {
        self.tree = tree
        self.v1Paths = v1Paths
        self.unifiedPath = unifiedPath
    }

    /// - Parameter membership: The text of `/proc/PID/cgroup`.
    init(tree: CgroupTree, membership: String) {
        var paths: [String: String] = [:]
        var unifiedPath: String?
        for line in membership.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3, !parts[2].contains("..") else { continue }
            let path = parts[2] == "/" ? "" : parts[2]
            if parts[0] == "0", parts[1].isEmpty {
                unifiedPath = tree.unified.map { $0 + path }
            } else {
                for controller in parts[1].split(separator: ",").map(String.init) {
                    if let mount = tree.controllers[controller] { paths[controller] = mount + path }
                }
            }
        }
        self.init(tree: tree, v1Paths: paths, unifiedPath: unifiedPath)
    }

    /// The groups above these whose name is accepted; a tree without such a component has no part in the result.
    ///
    /// Processes may have made groups of their own below. A process that has just ended is shown in the root group:
    /// that must never be taken for the container's.
    package func ancestor(where accepts: (Substring) -> Bool) -> CgroupGroup {
        func cut(_ path: String, below mount: String) -> String? {
            var result = mount
            for component in path.dropFirst(mount.count).split(separator: "/") {
                result += "/" + component
                if accepts(component) { return result }
            }
            return nil
        }
        var paths: [String: String] = [:]
        for (controller, path) in v1Paths {
            if let mount = tree.controllers[controller] { paths[controller] = cut(path, below: mount) }
        }
        var unified: String?
        if let mount = tree.unified, let unifiedPath { unified = cut(unifiedPath, below: mount) }
        return CgroupGroup(tree: tree, v1Paths: paths, unifiedPath: unified)
    }

    /// No tree has a part in it.
    package var isEmpty: Bool { v1Paths.isEmpty && unifiedPath == nil }

    /// Whether it is, in any tree, the root that all processes of the host are below.
    private var isRoot: Bool {
        unifiedPath.map { $0 == tree.unified } ?? false
            || v1Paths.contains { controller, path in path == tree.controllers[controller] }
    }

    /// Where the files of a controller are; nil without that controller.
    package func directory(of controller: String) -> String? {
        if let path = v1Paths[controller] { return path }
        return tree.unifiedControllers.contains(controller) ? unifiedPath : nil
    }

    /// Whether the controller is one of the old layout.
    package func isLegacy(_ controller: String) -> Bool { v1Paths[controller] != nil }

    /// Reads a file such as `memory.current` of the controller its name starts with.
    package func read(_ file: String) throws(Errno) -> String {
        let text = try AtomicFile.readText(path(of: file), limit: 1 << 20)
        var end = text.endIndex
        while end > text.startIndex, text[text.index(before: end)].isNewline { end = text.index(before: end) }
        return String(text[..<end])
    }

    /// Writes a file such as `memory.max`.
    package func write(_ file: String, _ value: String) throws(Errno) {
        let fd = try OwnedDescriptor(
            result: clxd_openat2(CLXD_AT_FDCWD, path(of: file), UInt64(O_WRONLY | O_CLOEXEC), 0, 0))
        try writeAll(Array(value.utf8), to: fd.descriptor)
    }

    /// A number in a file; nil for `max` and where the file is missing.
    package func number(_ file: String) -> UInt64? { (try? read(file)).flatMap { UInt64($0) } }

    /// One value of a file of `key value` lines.
    package func value(_ key: String, in file: String) -> UInt64? {
        guard let text = try? read(file) else { return nil }
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, parts[0] == key { return UInt64(parts[1]) }
        }
        return nil
    }

    private func path(of file: String) throws(Errno) -> String {
        guard !file.contains("/"), let dot = file.firstIndex(of: ".") else { throw Errno.invalidArgument }
        let controller = String(file[..<dot])
        if controller == "cgroup" {
            guard let unifiedPath else { throw Errno.notSupported }
            return unifiedPath + "/" + file
        }
        guard let directory = directory(of: controller) else { throw Errno.notSupported }
        return directory + "/" + file
    }

    // MARK: Freezing and killing

    /// Asks the kernel to freeze or thaw; `isFrozen` tells when it is done.
    package func setFrozen(_ frozen: Bool) throws(Errno) {
        if isRoot { throw Errno.invalidArgument }
        if v1Paths["freezer"] != nil {
            try write("freezer.state", frozen ? "FROZEN" : "THAWED")
        } else {
            try write("cgroup.freeze", frozen ? "1" : "0")
        }
    }

    /// Whether a freeze was asked for and is complete.
    package var isFrozen: Bool {
        if v1Paths["freezer"] != nil { return (try? read("freezer.state")) == "FROZEN" }
        return value("frozen", in: "cgroup.events") == 1
    }

    /// The processes in the group and below.
    package func processes() -> [Int32] {
        let top = v1Paths["pids"] ?? v1Paths["freezer"] ?? unifiedPath ?? v1Paths.values.first
        guard let top else { return [] }
        var found: [Int32] = []
        var folders = [top]
        while let folder = folders.popLast() {
            // Groups come and go; one that has gone has no processes.
            let text = (try? AtomicFile.readText(folder + "/cgroup.procs", limit: 8 << 20)) ?? ""
            found += text.split(separator: "\n").compactMap { Int32($0) }
            folders += Self.subdirectories(folder)
        }
        return found
    }

    /// Kills every process in the group, by `cgroup.kill` where that exists.
    package func killAll() {
        if isRoot { return }
        // A v2 tree kills atomically, but holds the processes only if it is the one they were put into.
        if tree.layout == .unified, (try? write("cgroup.kill", "1")) != nil { return }
        for pid in processes() where pid > 1 { _ = kill(pid, SIGKILL) }
        // A frozen group does not die before it is thawed. It may be gone by now.
        try? setFrozen(false)
    }

    /// Removes the group and those below it from every tree; groups with processes stay. May block for a moment.
    package func remove() {
        if isRoot { return }
        for path in Set(v1Paths.values).union(unifiedPath.map { [$0] } ?? []) { Self.removeTree(path) }
    }

    private static func removeTree(_ path: String) {
        for child in subdirectories(path) { removeTree(child) }
        // The kernel counts a process that has ended for a moment longer.
        for _ in 0..<100 where rmdir(path) != 0 && clxd_errno() == EBUSY {
            guard let processes = try? AtomicFile.readText(path + "/cgroup.procs", limit: 1 << 20), processes.isEmpty
            else { return }
            usleep(1000)
        }
    }

    private static func subdirectories(_ path: String) -> [String] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(path + "/" + name) }
        }
        return names
    }
}

/// What a group uses.
extension CgroupGroup {
    /// CPU time used, nanoseconds.
    package var cpuNanoseconds: UInt64? {
        if isLegacy("cpuacct") { return number("cpuacct.usage") }
        return value("usage_usec", in: "cpu.stat").map { $0 * 1000 }
    }

    /// Memory in use, bytes, page cache included.
    package var memoryBytes: UInt64? { number(isLegacy("memory") ? "memory.usage_in_bytes" : "memory.current") }
    /// The most memory ever in use, bytes.
    package var memoryPeakBytes: UInt64? { number(isLegacy("memory") ? "memory.max_usage_in_bytes" : "memory.peak") }
    /// The limit on memory, bytes; nil without one.
    package var memoryLimitBytes: UInt64? {
        let limit = number(isLegacy("memory") ? "memory.limit_in_bytes" : "memory.max")
        return limit.flatMap { $0 >= 1 << 62 ? nil : $0 }
    }
    /// Swap in use, bytes.
    package var swapBytes: UInt64? {
        guard isLegacy("memory") else { return number("memory.swap.current") }
        guard let both = number("memory.memsw.usage_in_bytes"), let memory = memoryBytes else { return nil }
        return both > memory ? both - memory : 0
    }
    package var swapPeakBytes: UInt64? {
        guard isLegacy("memory") else { return number("memory.swap.peak") }
        guard let both = number("memory.memsw.max_usage_in_bytes"), let memory = memoryPeakBytes else { return nil }
        return both > memory ? both - memory : 0
    }
    /// Threads and processes.
    package var taskCount: UInt64? { number("pids.current") }
}
