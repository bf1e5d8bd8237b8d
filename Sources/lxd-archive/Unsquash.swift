import CLXDLinux
import Glibc

/// `unsquash --archive FD --to FD [--name FILE --output FD]`: unpacks a squashfs image with `unsquashfs`, or prints one of
/// its files, in a root directory that holds the program, the image, the target and nothing else.
struct Unsquash {
    private let image: Int32
    private let target: Int32?
    private let file: String?
    private let output: Int32
    private let limitBytes: Int64
    private let report: Report

    init(_ options: Arguments, _ report: Report) throws(Failure) {
        image = try options.number("--archive")
        target = try options.text("--to").map { (text) throws(Failure) in try descriptor(text) }
        file = options.text("--name")
        output = try options.text("--output").map { (text) throws(Failure) in try descriptor(text) } ?? -1
        limitBytes = try options.count("--limit-bytes", default: 1 << 42)
        guard (target == nil) != (file == nil) else { throw Failure(.usage, "one of --to and --name") }
        if let file { _ = try EntryPath(Bytes(file.utf8)) }
        self.report = report
    }

    func run() throws(Failure) -> Totals {
        guard geteuid() == 0 else { throw Failure(.usage, "squashfs images are unpacked by root only") }
        // Copies of mounts can be made in the namespace they are in only, so before it is left.
        let mounts = try cloneMounts()
        try Confinement.leaveNamespaces()
        try enterProgramRoot(mounts)
        var before = clxd_volume_space()
        if let target { try check(clxd_fstatvfs(target, &before), "look at the target") }
        let child = try check(clxd_fork(), "start unsquashfs")
        if child == 0 { runChild() }
        return try wait(for: child, freeBefore: Int64(clamping: before.free))
    }

    private struct Mounts {
        var usr: Descriptor
        var image: Descriptor
        var target: Descriptor?
    }

    private func cloneMounts() throws(Failure) -> Mounts {
        let what = "make a root for unsquashfs"
        let flags = UInt32(CLXD_OPEN_TREE_CLONE | CLXD_OPEN_TREE_CLOEXEC)
        let own = flags | UInt32(CLXD_AT_EMPTY_PATH)
        let usr = Descriptor(try check(clxd_open_tree(CLXD_AT_FDCWD, "/usr", flags), what))
        let image = Descriptor(try check(clxd_open_tree(image, "", own), what))
        guard let number = target else { return Mounts(usr: usr, image: image, target: nil) }
        return Mounts(usr: usr, image: image, target: Descriptor(try check(clxd_open_tree(number, "", own), what)))
    }

    /// A tmpfs with `/usr` read-only, `/image` and `/target`; nothing else of the host can be named.
    private func enterProgramRoot(_ mounts: Mounts) throws(Failure) {
        let what = "make a root for unsquashfs"
        let flags = UInt64(CLXD_MS_NOSUID | CLXD_MS_NODEV)
        try check(clxd_mount("tmpfs", "/run", "tmpfs", flags, "size=1m,mode=0755"), what)
        try check(clxd_fchdir(try check(clxd_openat2(CLXD_AT_FDCWD, "/run", UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0), what)), what)
        for name in ["usr", "target", "dev", "tmp"] { try check(clxd_mkdirat(CLXD_AT_FDCWD, name, 0o755), what) }
        for name in ["bin", "lib", "lib64", "sbin"] { try check(clxd_symlinkat("usr/" + name, CLXD_AT_FDCWD, name), what) }
        close(try check(clxd_openat2(CLXD_AT_FDCWD, "image", UInt64(O_WRONLY | O_CREAT | O_CLOEXEC), 0o600, 0), what))
        let empty = UInt32(CLXD_MOVE_MOUNT_F_EMPTY_PATH)
        try check(clxd_move_mount(mounts.usr.number, "", CLXD_AT_FDCWD, "usr", empty), what)
        try check(clxd_mount_setattr(CLXD_AT_FDCWD, "usr", 0, UInt64(CLXD_MOUNT_ATTR_RDONLY | CLXD_MOUNT_ATTR_NOSUID | CLXD_MOUNT_ATTR_NODEV), 0, 0, 0), what)
        try check(clxd_move_mount(mounts.image.number, "", CLXD_AT_FDCWD, "image", empty), what)
        try check(clxd_mount_setattr(CLXD_AT_FDCWD, "image", 0, UInt64(CLXD_MOUNT_ATTR_RDONLY), 0, 0, 0), what)
        if let target = mounts.target { try check(clxd_move_mount(target.number, "", CLXD_AT_FDCWD, "target", empty), what) }
        try check(clxd_pivot_root(".", "."), what)
        try check(clxd_umount2(".", CLXD_MNT_DETACH), what)
        try check(clxd_fchdir(try check(clxd_openat2(CLXD_AT_FDCWD, "/", UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0), what)), what)
    }

    private func runChild() -> Never {
        do throws(Failure) {
            try Confinement.limit(Int32(RLIMIT_FSIZE.rawValue), file == nil ? UInt64(limitBytes) : 1 << 20)
            try Confinement.limit(Int32(RLIMIT_CPU.rawValue), 3600)
            try Confinement.limit(Int32(RLIMIT_AS.rawValue), 4 << 30)
            try Confinement.limit(Int32(RLIMIT_CORE.rawValue), 0)
            if file != nil {
                guard dup2(output, 1) == 1 else { throw Failure(.io, "dup") }
            }
            _ = clxd_close_range(3, .max, 0)
            var arguments = ["unsquashfs", "-n", "-processors", "2", "-data-queue", "32", "-frag-queue", "32"]
            if let file { arguments += ["-cat", "/image", file] } else { arguments += ["-f", "-d", "/target", "/image"] }
            try Confinement.dropCapabilities(keeping: [.chown, .dacOverride, .fowner, .fsetid, .mknod, .setfcap])
            // Capabilities of root come back at exec, cut to the bounding set just made.
            var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
            argv.append(nil)
            var environment: [UnsafeMutablePointer<CChar>?] = [strdup("PATH=/usr/bin:/usr/sbin"), strdup("LC_ALL=C.UTF-8"), nil]
            for path in ["/usr/bin/unsquashfs", "/usr/sbin/unsquashfs", "/usr/local/bin/unsquashfs"] {
                _ = clxd_execve(path, &argv, &environment)
            }
            throw Failure(.io, "The program \"unsquashfs\" is not installed (package squashfs-tools)")
        } catch {
            say(error.message)
            clxd_exit(127)
        }
    }

    /// Waits, and ends it when it has filled more than the limit.
    private func wait(for child: Int32, freeBefore: Int64) throws(Failure) -> Totals {
        var totals = Totals()
        while true {
            var status: Int32 = 0
            let result = waitpid(child, &status, WNOHANG)
            if result == child {
                guard clxd_wifexited(status) != 0 else { throw Failure(.limit, "unsquashfs was stopped by signal \(clxd_wtermsig(status))") }
                switch clxd_wexitstatus(status) {
                // 2: some attributes could not be set, which LXD takes as well.
                case 0, 2: return totals
                case 127: throw Failure(.io, "The program \"unsquashfs\" is not installed (package squashfs-tools)")
                default: throw Failure(.corrupt, "unsquashfs failed with status \(clxd_wexitstatus(status))")
                }
            }
            if let target {
                var space = clxd_volume_space()
                if clxd_fstatvfs(target, &space) == 0 { totals.written = max(0, freeBefore - Int64(clamping: space.free)) }
                if totals.written > limitBytes || space.available < 1 << 20 {
                    kill(child, SIGKILL)
                    waitpid(child, &status, 0)
                    if totals.written > limitBytes { throw Failure(.limit, "the image holds more than \(limitBytes) bytes") }
                    throw Failure(.noSpace, "unpack the image: No space left on device")
                }
            }
            do throws(Failure) {
                try report.progress(read: 0, written: totals.written, entries: 0)
            } catch {
                kill(child, SIGKILL)
                waitpid(child, &status, 0)
                throw error
            }
            usleep(20_000)
        }
    }
}
