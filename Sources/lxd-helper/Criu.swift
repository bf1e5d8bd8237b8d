import CLXC
import CLXDLinux
import Glibc
import LXDRuntimePlan

/// What liblxc runs as `criu` and criu runs as its action script: this program again, under these names.
///
/// liblxc takes criu from PATH and fixes most of its options; criu tells of its steps by running a script. Both are links
/// in the work's own folder, so that neither needs a program of ours to be installed anywhere.
enum Criu {
    static let programName = "criu"
    static let hookName = "criu-hook"
    private static let pathVariable = "LXD_CRIU"
    private static let hookVariable = "LXD_CRIU_HOOK"
    private static let helperVariable = "LXD_CRIU_HELPER"
    private static let ghostVariable = "LXD_CRIU_GHOST_LIMIT"

    /// Prepares this process for liblxc's `migrate`.
    static func prepare(_ workspace: CriuWorkspace) throws(HelperFailure) {
        let hook = workspace.directory + "/" + hookName
        for (path, target) in [
            (workspace.directory + "/" + programName, "/proc/self/exe"), (hook, "/proc/\(getpid())/exe"),
        ] {
            unlink(path)
            guard symlink(target, path) == 0 else { throw HelperFailure(step: "link", number: errno, subject: path) }
        }
        for (key, value) in [
            ("PATH", workspace.directory), (pathVariable, workspace.criuPath), (hookVariable, hook),
            (helperVariable, "\(getpid())"), (ghostVariable, "\(workspace.ghostLimit)"),
        ] { setenv(key, value, 1) }
    }

    /// Options for liblxc's `migrate`; the caller frees `directory`.
    static func options(_ workspace: CriuWorkspace, stop: Bool) -> migrate_opts {
        var options = migrate_opts()
        options.directory = strdup(workspace.imageDirectory)
        options.verbose = true
        options.stop = stop
        options.preserves_inodes = true
        return options
    }

    /// As `criu`: adds what liblxc leaves out and becomes criu.
    static func runProgram(_ arguments: [String]) -> Int32 {
        guard let path = getenv(pathVariable), let hook = getenv(hookVariable) else { return 2 }
        let added = Self.added(
            to: arguments, hook: String(cString: hook),
            ghostLimit: getenv(ghostVariable).map { String(cString: $0) } ?? "1M")
        // It runs ip and nft by name.
        setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1)
        let argv = (["criu"] + arguments.dropFirst() + added).map { strdup($0) } + [nil]
        execv(path, argv)
        return 127
    }

    /// The options that liblxc's call gets on top.
    ///
    /// liblxc names the group of old controllers only; the unified tree needs the same, told without a controller.
    static func added(to arguments: [String], hook: String, ghostLimit: String) -> [String] {
        let group = arguments.lazy.compactMap { argument -> String? in
            guard let colon = argument.firstIndex(of: ":") else { return nil }
            let path = argument[argument.index(after: colon)...]
            return path.hasPrefix("/lxc.payload.") ? String(path) : nil
        }.first
        let root = group.map { ["--cgroup-root", $0] } ?? []
        switch arguments.dropFirst().first {
        case "dump":
            return [
                "--network-lock", "nftables", "--enable-fs", "ramfs", "--ghost-limit", ghostLimit, "--action-script", hook,
            ] + watched.flatMap { ["--irmap-scan-path", $0] } + root
        case "restore": return ["--network-lock", "nftables", "--action-script", hook] + root
        default: return []
        }
    }

    /// Where criu looks for files that are watched (inotify): an overlay cannot open them by their numbers. It knows some places
    /// itself, and looks through these after them, nearest first, only for what it has not found.
    private static let watched = [
        "/usr/share/dbus-1", "/usr/local/share", "/run", "/root", "/home", "/opt", "/srv", "/var", "/usr/share", "/usr/lib",
    ]

    /// As the action script: tells lxd of the step, through the socket of the helper that does the work, and waits for its word.
    static func runHook() -> Int32 {
        guard let action = getenv("CRTOOLS_SCRIPT_ACTION"), let text = getenv(helperVariable),
            let helper = Int32(String(cString: text))
        else { return 1 }
        let process = clxd_pidfd_open(helper, 0)
        guard process >= 0 else { return 1 }
        // A lxd that is gone, or a helper that was killed, leaves nobody to say yes.
        let socket = clxd_pidfd_getfd(process, HelperDescriptor.connection)
        guard socket >= 0 else { return 1 }
        let pid = getenv("CRTOOLS_INIT_PID").flatMap { Int32(String(cString: $0)) } ?? 0
        let message = HelperMessage.step(name: String(cString: action), initPID: pid).packed()
        let sent = message.withUnsafeBytes { clxd_send_descriptors(socket, $0.baseAddress, $0.count, nil, 0, 0) }
        guard sent >= 0 else { return 1 }
        var verdict: UInt8 = 1
        while true {
            let count = read(socket, &verdict, 1)
            if count < 0 && errno == EINTR { continue }
            return count == 1 && verdict == 0 ? 0 : 1
        }
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
        try Criu.prepare(plan.workspace)
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
