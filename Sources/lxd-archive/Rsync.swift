import CLXDLinux
import Glibc

/// `rsync --option send|receive --root FD --input FD --output FD [--layers FDS] [--to FD [--over FDS --work FD]] [--option FEATURE]...`:
/// runs rsync as LXD 5.0 does on its side of a migration, in a root directory that holds the program, the tree and
/// nothing else. The peer's rsync is at the other end of `input` and `output`.
///
/// The tree is the directory `--root`; an instance's root file system is mounted at its `rootfs`: merged from `--layers`
/// when sending, the directory `--to` (over layers) when receiving.
struct Rsync {
    private let isSender: Bool
    private let root: Int32
    private let input: Int32
    private let output: Int32
    private let layers: [Int32]
    private let target: Int32?
    private let lower: [Int32]
    private let work: Int32
    private let features: [String]
    private let report: Report

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        let words = options.all("--option").compactMap(\.first)
        isSender = words.contains("send")
        guard isSender != words.contains("receive") else { throw Failure(.usage, "one of send and receive") }
        features = words.filter { $0 != "send" && $0 != "receive" }
        root = try options.number("--root")
        input = try options.number("--input")
        output = try options.number("--output")
        layers = try options.text("--layers").map { (text) throws(Failure) in try descriptors(text) } ?? []
        target = try options.text("--to").map { (text) throws(Failure) in try descriptor(text) }
        lower = try options.text("--over").map { (text) throws(Failure) in try descriptors(text) } ?? []
        work = lower.isEmpty ? -1 : try options.number("--work")
        self.report = report
    }

    func run() throws(Failure) -> Totals {
        guard geteuid() == 0 else { throw Failure(.usage, "rsync is run for root only") }
        let mounts = try cloneMounts()
        try Confinement.leaveNamespaces()
        try enterProgramRoot(mounts)
        var errors: (reading: Int32, writing: Int32) = (-1, -1)
        try check(clxd_pipe(&errors.reading, &errors.writing, 0), "make a pipe")
        // When rsync ends, what it started ends with it.
        try check(clxd_unshare(CLXD_CLONE_NEWPID), "make a process namespace")
        let child = try check(clxd_fork(), "start rsync")
        if child == 0 { runChild(errors: errors.writing) }
        close(errors.writing)
        // Nobody else may hold the pipes open, or the daemon would wait for their end.
        close(input)
        close(output)
        let text = lastWords(errors.reading)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        guard clxd_wifexited(status) != 0 else {
            throw Failure(.io, "rsync was stopped by signal \(clxd_wtermsig(status))")
        }
        switch clxd_wexitstatus(status) {
        case 0: break
        // Files of a running instance that went while it was read.
        case 24 where isSender: break
        case 127: throw Failure(.io, "The program \"rsync\" is not installed")
        case 11 where text.contains("No space left"), 23 where text.contains("No space left"):
            throw Failure(.noSpace, "receive the tree: No space left on device")
        default: throw Failure(.io, "rsync failed with status \(clxd_wexitstatus(status)): \(text)")
        }
        if let target { try check(clxd_syncfs(target), "write out what was received") }
        return Totals()
    }

    // MARK: The root

    private struct Mounts {
        var usr: Descriptor
        var null: Descriptor
        var root: Descriptor
        /// The root file system when it is one directory.
        var files: Descriptor?
    }

    /// Copies of mounts can be made in the namespace they are in only, so before it is left.
    private func cloneMounts() throws(Failure) -> Mounts {
        let what = "make a root for rsync"
        let flags = UInt32(CLXD_OPEN_TREE_CLONE | CLXD_OPEN_TREE_CLOEXEC)
        let own = flags | UInt32(CLXD_AT_EMPTY_PATH)
        var mounts = Mounts(
            usr: Descriptor(try check(clxd_open_tree(CLXD_AT_FDCWD, "/usr", flags), what)),
            null: Descriptor(try check(clxd_open_tree(CLXD_AT_FDCWD, "/dev/null", flags), what)),
            root: Descriptor(try check(clxd_open_tree(root, "", own), what)))
        if let only = lower.isEmpty ? target ?? (layers.count == 1 ? layers.first : nil) : nil {
            mounts.files = Descriptor(try check(clxd_open_tree(only, "", own), what))
        }
        return mounts
    }

    private func enterProgramRoot(_ mounts: Mounts) throws(Failure) {
        let what = "make a root for rsync"
        // The layers' paths are found while the host's root is still to be seen.
        var merged: Descriptor?
        if let target, !lower.isEmpty {
            merged = try LayeredTree.openWritable(lower: lower, upper: target, work: work)
        } else if layers.count > 1 {
            merged = try LayeredTree.open(layers)
        }
        let empty = UInt32(CLXD_MOVE_MOUNT_F_EMPTY_PATH)
        let overlay = try merged.map { (tree) throws(Failure) in
            Descriptor(
                try check(
                    clxd_open_tree(
                        tree.number, "", UInt32(CLXD_OPEN_TREE_CLONE | CLXD_OPEN_TREE_CLOEXEC | CLXD_AT_EMPTY_PATH)),
                    what))
        }
        try check(
            clxd_mount("tmpfs", "/run", "tmpfs", UInt64(CLXD_MS_NOSUID | CLXD_MS_NODEV), "size=1m,mode=0755"), what)
        let folder = Descriptor(
            try check(clxd_openat2(CLXD_AT_FDCWD, "/run", UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0), what))
        try check(clxd_fchdir(folder.number), what)
        for name in ["usr", "target", "dev", "tmp"] { try check(clxd_mkdirat(CLXD_AT_FDCWD, name, 0o755), what) }
        for name in ["bin", "lib", "lib64", "sbin"] {
            try check(clxd_symlinkat("usr/" + name, CLXD_AT_FDCWD, name), what)
        }
        close(
            try check(clxd_openat2(CLXD_AT_FDCWD, "dev/null", UInt64(O_WRONLY | O_CREAT | O_CLOEXEC), 0o600, 0), what))
        try check(clxd_move_mount(mounts.usr.number, "", CLXD_AT_FDCWD, "usr", empty), what)
        let limits = UInt64(CLXD_MOUNT_ATTR_RDONLY | CLXD_MOUNT_ATTR_NOSUID | CLXD_MOUNT_ATTR_NODEV)
        try check(clxd_mount_setattr(CLXD_AT_FDCWD, "usr", 0, limits, 0, 0, 0), what)
        try check(clxd_move_mount(mounts.null.number, "", CLXD_AT_FDCWD, "dev/null", empty), what)
        try check(clxd_move_mount(mounts.root.number, "", CLXD_AT_FDCWD, "target", empty), what)
        var tree = UInt64(CLXD_MOUNT_ATTR_NOSUID | CLXD_MOUNT_ATTR_NODEV | CLXD_MOUNT_ATTR_NOEXEC)
        if isSender { tree |= UInt64(CLXD_MOUNT_ATTR_RDONLY) }
        try check(clxd_mount_setattr(CLXD_AT_FDCWD, "target", 0, tree, 0, 0, 0), what)
        if let files = mounts.files ?? overlay {
            try check(clxd_move_mount(files.number, "", CLXD_AT_FDCWD, "target/rootfs", empty), what)
            try check(clxd_mount_setattr(CLXD_AT_FDCWD, "target/rootfs", 0, tree, 0, 0, 0), what)
        }
        try check(clxd_pivot_root(".", "."), what)
        try check(clxd_umount2(".", CLXD_MNT_DETACH), what)
        let top = Descriptor(
            try check(clxd_openat2(CLXD_AT_FDCWD, "/", UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0), what))
        try check(clxd_fchdir(top.number), what)
    }

    // MARK: The program

    /// The arguments LXD gives on either side; the peer's daemon gives its own to its rsync.
    private var arguments: [String] {
        var words: [String]
        if isSender {
            words = ["rsync", "-ar", "--devices", "--numeric-ids", "--partial", "--sparse"]
        } else {
            words = ["rsync", "--server", "-vlogDtpre.iLsfx", "--numeric-ids", "--devices", "--partial", "--sparse"]
            // Files of the same size written in the same second are told apart by their nanoseconds.
            words.append("--modify-window=-1")
        }
        for feature in features {
            switch feature {
            // Attributes of the administrator, of SELinux too, mean something on one host only.
            case "xattrs": words += ["--xattrs", "--filter=-x security.selinux", "--filter=-x trusted.*"]
            case "delete": words.append("--delete")
            case "compress": words += ["--compress", "--compress-level=2"]
            case let limit where limit.hasPrefix("bwlimit=") && isSender: words.append("--" + limit)
            default: continue
            }
        }
        // What rsync would start as its remote shell passes bytes between it and the pipes. What it adds is ignored: the
        // other side knows the path. The shell ends with the peer's stream: that is what rsync waits for at its end.
        if isSender {
            words += [
                "--filter=H /volume.json", "/target/", "localhost:/tmp/foo", "-e",
                "sh -c \"exec 5<&0; cat <&5 >&4 & exec cat <&3\"",
            ]
        } else {
            words += [".", "/target/"]
        }
        return words
    }

    private func runChild(errors: Int32) -> Never {
        do throws(Failure) {
            try Confinement.limit(Int32(RLIMIT_CPU.rawValue), 24 * 3600)
            try Confinement.limit(Int32(RLIMIT_AS.rawValue), 8 << 30)
            try Confinement.limit(Int32(RLIMIT_CORE.rawValue), 0)
            umask(0)
            // Moved out of the way first, so that no number is taken before it is copied.
            let (from, to) = (fcntl(input, F_DUPFD, 20), fcntl(output, F_DUPFD, 20))
            let words = fcntl(errors, F_DUPFD, 20)
            let first: Int32 = isSender ? 3 : 0
            guard from >= 0, to >= 0, words >= 0, dup2(from, first) >= 0, dup2(to, first + 1) >= 0, dup2(words, 2) >= 0
            else {
                throw Failure(.io, "dup")
            }
            _ = clxd_close_range(UInt32(isSender ? 5 : 3), .max, 0)
            var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
            argv.append(nil)
            var environment: [UnsafeMutablePointer<CChar>?] = [
                strdup("PATH=/usr/bin:/usr/sbin:/usr/local/bin"), strdup("LC_ALL=C.UTF-8"), nil,
            ]
            try Confinement.dropCapabilities(keeping: [.chown, .dacOverride, .fowner, .fsetid, .mknod, .setfcap])
            // Whoever gives the transfer up ends this program's parent: rsync is not to outlive it.
            _ = clxd_prctl(1 /* PR_SET_PDEATHSIG */, UInt(SIGKILL), 0, 0, 0)
            for path in ["/usr/bin/rsync", "/usr/local/bin/rsync"] { _ = clxd_execve(path, &argv, &environment) }
        } catch {
            say(error.message)
        }
        clxd_exit(127)
    }

    /// Reads what rsync says to its end and keeps the last of it.
    private func lastWords(_ descriptor: Int32) -> String {
        var kept = Bytes()
        var chunk = Bytes(repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            kept = Bytes((kept + chunk[..<count]).suffix(2048))
        }
        close(descriptor)
        return String(decoding: kept, as: UTF8.self).split(separator: "\n").suffix(3).joined(separator: "; ")
    }
}
