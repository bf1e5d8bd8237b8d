import CLXC
import CLXDLinux
import Glibc
import LXDRuntimePlan

/// What liblxc runs as `criu`, and who criu tells of its steps.
///
/// liblxc takes criu from PATH and fixes most of its options: what it finds there is a script of ours that adds the rest. criu, as
/// scripts/install-criu builds it, asks over our socket before it goes on from a step. When nobody answers there, and any other
/// criu, runs an action script, which is this program again.
enum Criu {
    static let programName = "criu"
    static let hookName = "criu-hook"
    private static let helperVariable = "LXD_CRIU_HELPER"

    /// Prepares this process for liblxc's `migrate`.
    ///
    /// - Parameter options: More of them, for `dump` and `restore`; words without spaces.
    static func prepare(_ workspace: CriuWorkspace, needsIPTables: Bool, options: [String] = []) throws(HelperFailure) {
        let hook = workspace.directory + "/" + hookName
        try link(hook, to: "/proc/\(getpid())/exe")
        try writeScript(workspace.directory + "/" + programName)
        for (key, value) in [
            ("PATH", workspace.directory), ("LXD_CRIU", workspace.criuPath), ("LXD_CRIU_HOOK", hook),
            (helperVariable, "\(getpid())"), ("CRIU_ACTION_PEER", "\(getpid()):\(HelperDescriptor.connection)"),
            ("CRIU_KDAT_FILE", workspace.kernelCache), ("LXD_CRIU_IMAGES", workspace.imageDirectory),
            ("LXD_CRIU_GHOST_LIMIT", "\(workspace.ghostLimit)"),
            ("LXD_CRIU_OPTIONS", options.joined(separator: " ")),
        ] { setenv(key, value, 1) }
        // It would ask several programs about rules of a kind that most have none of.
        if !needsIPTables { setenv("CRIU_NO_IPTABLES", "1", 1) }
    }

    /// liblxc names the group of old controllers only; the unified tree needs the same, told without a controller. Files that are
    /// watched (inotify) cannot be opened by their numbers on an overlay: criu looks for those that it was not told of
    /// through these folders, nearest first, and then some of its own.
    private static let script = """
        #!/bin/sh
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        # What is known of watched files is looked for where criu works.
        cd "$LXD_CRIU_IMAGES" || exit 1
        root=
        for argument; do
            case $argument in *:/lxc.payload.*) root=${argument#*:}; break ;; esac
        done
        case $1 in
        dump)
            exec "$LXD_CRIU" "$@" --network-lock nftables --enable-fs ramfs --ghost-limit "$LXD_CRIU_GHOST_LIMIT" \\
                --action-script "$LXD_CRIU_HOOK" --irmap-scan-path /usr/share/dbus-1 --irmap-scan-path /usr/local/share \\
                --irmap-scan-path /run --irmap-scan-path /root --irmap-scan-path /home --irmap-scan-path /opt \\
                --irmap-scan-path /srv --irmap-scan-path /var --irmap-scan-path /usr/share --irmap-scan-path /usr/lib \\
                $LXD_CRIU_OPTIONS ${root:+--cgroup-root "$root"} ;;
        restore)
            exec "$LXD_CRIU" "$@" --network-lock nftables --action-script "$LXD_CRIU_HOOK" \\
                $LXD_CRIU_OPTIONS ${root:+--cgroup-root "$root"} ;;
        *) exec "$LXD_CRIU" "$@" ;;
        esac

        """

    private static func writeScript(_ path: String) throws(HelperFailure) {
        unlink(path)
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o700)
        guard file >= 0 else { throw HelperFailure(step: "write", number: errno, subject: path) }
        let count = write(file, script, script.utf8.count)
        let number = errno
        close(file)
        guard count == script.utf8.count else { throw HelperFailure(step: "write", number: number, subject: path) }
    }

    private static func link(_ path: String, to target: String) throws(HelperFailure) {
        unlink(path)
        guard symlink(target, path) == 0 else { throw HelperFailure(step: "link", number: errno, subject: path) }
    }

    /// Whether a container's network has rules of iptables' old kind.
    static func hasIPTables(initPID: Int32) -> Bool {
        ["ip", "ip6"].contains { !(SmallFile.read("/proc/\(initPID)/net/\($0)_tables_names") ?? "").isEmpty }
    }

    /// Whether images have them.
    static func hasIPTables(images directory: String) -> Bool {
        guard let stream = opendir(directory) else { return false }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            if name.hasPrefix("iptables-") || name.hasPrefix("ip6tables-"),
                fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_size > 0
            {
                return true
            }
        }
        return false
    }

    /// Options for liblxc's `migrate`; the caller frees `directory`.
    static func options(_ workspace: CriuWorkspace, stop: Bool) -> migrate_opts {
        var options = migrate_opts()
        options.directory = strdup(workspace.imageDirectory)
        // More than warnings would be tens of thousands of lines, written while everything stands still.
        options.verbose = false
        options.stop = stop
        options.preserves_inodes = true
        return options
    }

    /// As the action script: tells lxd of the step, through the socket of the helper that does the work, and waits for its word.
    static func runHook() -> Int32 {
        guard let name = getenv("CRTOOLS_SCRIPT_ACTION"), let text = getenv(helperVariable),
            let helper = Int32(String(cString: text))
        else { return 1 }
        let action = String(cString: name)
        let process = clxd_pidfd_open(helper, 0)
        let socket = process >= 0 ? clxd_pidfd_getfd(process, HelperDescriptor.connection) : -1
        let pid = getenv("CRTOOLS_INIT_PID").flatMap { Int32(String(cString: $0)) } ?? 0
        // A lxd that is gone, or a helper that was killed, leaves nobody to say yes.
        if socket >= 0, let answer = ask(CriuStep(action, initPID: pid), over: socket) { return answer ? 0 : 1 }
        return action == "post-dump" && isDecidedLater() ? 0 : 1
    }

    /// Tells lxd of a step and waits for its word; nil when nobody is there to say it.
    static func ask(_ step: CriuStep, over socket: Int32 = HelperDescriptor.connection) -> Bool? {
        let packet = step.packet
        let sent = packet.withUnsafeBytes { clxd_send_descriptors(socket, $0.baseAddress, $0.count, nil, 0, 0) }
        guard sent >= 0 else { return nil }
        var verdict: UInt8 = 1
        while true {
            let count = read(socket, &verdict, 1)
            if count < 0 && errno == EINTR { continue }
            return count == 1 ? verdict == 0 : nil
        }
    }

    /// What the next daemon says of a decision over which the last one died; no when there was none to be made.
    private static func isDecidedLater() -> Bool {
        guard let hook = getenv("LXD_CRIU_HOOK") else { return false }
        let folder = String(cString: hook).dropLast(hookName.count)
        while access(folder + CriuDecision.open, F_OK) == 0 {
            let file = open(folder + CriuDecision.verdict, O_RDONLY | O_CLOEXEC)
            if file >= 0 {
                var verdict: UInt8 = 0
                let count = read(file, &verdict, 1)
                close(file)
                return count == 1 && verdict == CriuDecision.yes
            }
            usleep(10_000)
        }
        return false
    }
}

/// Writes a running container to images.
enum Checkpoint {
    static func run(_ plan: CheckpointPlan) throws(HelperFailure) {
        let container = try Container(name: plan.name, stateDirectory: plan.stateDirectory)
        container.pointer.pointee.clear_config?(container.pointer)
        guard container.pointer.pointee.load_config?(container.pointer, plan.configurationPath) == true else {
            throw HelperFailure(step: "read the configuration", subject: plan.configurationPath)
        }
        try Criu.prepare(
            plan.workspace, needsIPTables: Criu.hasIPTables(initPID: container.initPID),
            options: plan.isPostCopy ? ["--lazy-pages", "--ps-socket", "\(HelperDescriptor.pages)"] : [])
        var options = Criu.options(plan.workspace, stop: !plan.keepsRunning)
        defer { free(options.directory) }
        let result = container.pointer.pointee.migrate?(
            container.pointer, UInt32(MIGRATE_DUMP), &options, UInt32(MemoryLayout<migrate_opts>.size))
        guard result == 0 else {
            throw HelperFailure(step: "checkpoint the container", subject: plan.name)
        }
        ControlSocket.send(.done(text: ""))
    }
}

/// Who owns the images.
enum ImageOwner {
    /// Gives a folder of images, which has no folders in it, to the container's root.
    static func give(_ directory: String, to idmap: IDMap) throws(HelperFailure) {
        let folder = try attempt(
            "open", directory,
            clxd_openat2(CLXD_AT_FDCWD, directory, UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), 0, 0))
        guard let stream = fdopendir(folder) else {
            let number = errno
            close(folder)
            throw HelperFailure(step: "open", number: number, subject: directory)
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == ".." { continue }
            guard fchownat(folder, name, idmap.rootUID, idmap.rootGID, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw HelperFailure(step: "change the owner of", number: errno, subject: directory + "/" + name)
            }
        }
        _ = fchmod(folder, 0o711)
    }
}
