import CLXC
import CLXDLinux
import Glibc
import LXDRuntimePlan

/// Runs a command in a container: liblxc enters it, with the cgroup, capabilities and seccomp filter of the container.
enum Exec {
    static func run(_ plan: ExecPlan) throws(HelperFailure) {
        guard !plan.command.isEmpty else { throw HelperFailure(step: "read the command", number: EINVAL) }
        let container = try Container(name: plan.name, stateDirectory: plan.stateDirectory)
        var terminal: (master: Int32, peer: Int32)?
        if plan.terminal { terminal = try openTerminal(plan, container) }

        let payload = ExecPayload(plan)
        var options = lxc_attach_options_t()
        options.attach_flags = Int32(LXC_ATTACH_DEFAULT)
        options.namespaces = -1
        options.personality = -1
        options.uid = plan.uid
        options.gid = plan.gid
        if !plan.groups.isEmpty {
            options.attach_flags |= Int32(LXC_ATTACH_SETGROUPS)
            options.groups.size = plan.groups.count
            options.groups.list = UnsafeMutablePointer.allocate(capacity: plan.groups.count)
            for (index, group) in plan.groups.enumerated() { options.groups.list[index] = group }
        }
        options.env_policy = LXC_ATTACH_CLEAR_ENV
        options.extra_env_vars = payload.environment
        options.initial_cwd = payload.workingDirectory
        options.stdin_fd = terminal?.peer ?? 0
        options.stdout_fd = terminal?.peer ?? 1
        options.stderr_fd = terminal?.peer ?? 2
        options.log_fd = -EBADF

        var pid: pid_t = 0
        let result = container.pointer.pointee.attach?(
            container.pointer, execCommand, Unmanaged.passUnretained(payload).toOpaque(), &options, &pid)
        guard result == 0, pid > 0 else { throw HelperFailure(step: "enter the container", subject: plan.name) }

        // Nothing of the streams may stay open here: their ends show when the command is done with them.
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        for number in Int32(0)...2 { dup2(null, number) }
        if let terminal { close(terminal.peer) }
        let pidfd = clxd_pidfd_open(pid, 0)
        ControlSocket.send(
            .started(pid: pid), descriptors: (pidfd >= 0 ? [pidfd] : []) + (terminal.map { [$0.master] } ?? []))
        if let terminal { close(terminal.master) }

        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        ControlSocket.send(
            .exited(status: clxd_wifexited(status) != 0 ? clxd_wexitstatus(status) : 128 + clxd_wtermsig(status)))
    }

    /// A terminal of the container's own devpts, so that `tty` and job control work inside.
    private static func openTerminal(
        _ plan: ExecPlan, _ container: Container
    ) throws(HelperFailure) -> (master: Int32, peer: Int32) {
        var devpts = container.pointer.pointee.devpts_fd?(container.pointer) ?? -1
        // liblxc does not have it of a container that was restored.
        if devpts < 0 { devpts = try DevPTS.open(initPID: container.initPID) }
        defer { close(devpts) }
        let master = try attempt(
            "open a terminal of", plan.name,
            clxd_openat2(
                devpts, "ptmx", UInt64(O_RDWR | O_NOCTTY | O_CLOEXEC), 0,
                UInt64(CLXD_RESOLVE_BENEATH | CLXD_RESOLVE_NO_SYMLINKS)))
        try attempt("unlock a terminal of", plan.name, clxd_unlock_pty(master))
        let peer = try attempt(
            "open a terminal of", plan.name, clxd_open_pty_peer(master, O_RDWR | O_NOCTTY | O_CLOEXEC))
        if plan.rows > 0 && plan.columns > 0 { _ = clxd_set_window(peer, plan.rows, plan.columns) }
        // Made by the host's root, whom the container does not know.
        let pid = container.initPID
        if let uid = hostID(plan.uid, pid, "uid_map"), let gid = hostID(plan.gid, pid, "gid_map") {
            _ = fchown(peer, uid, gid)
        }
        return (master, peer)
    }

    /// What an id of a process's user namespace is on the host.
    private static func hostID(_ id: UInt32, _ pid: Int32, _ map: String) -> UInt32? {
        guard let text = SmallFile.read("/proc/\(pid)/\(map)") else { return nil }
        for line in text.split(separator: "\n") {
            let numbers = line.split(separator: " ").compactMap { UInt32($0) }
            if numbers.count == 3, id >= numbers[0], id - numbers[0] < numbers[2] {
                return numbers[1] &+ (id - numbers[0])
            }
        }
        return nil
    }
}

/// What the process inside needs, made before it is forked off.
private final class ExecPayload {
    let arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    let environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    let workingDirectory: UnsafeMutablePointer<CChar>?
    let terminal: Bool

    // Never freed: the process ends with the command.
    init(_ plan: ExecPlan) {
        arguments = Self.strings(plan.command)
        environment = Self.strings(plan.environment.map { "\($0.key)=\($0.value)" })
        workingDirectory = plan.workingDirectory.isEmpty ? nil : strdup(plan.workingDirectory)
        terminal = plan.terminal
    }

    private static func strings(_ strings: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { list[index] = strdup(string) }
        list[strings.count] = nil
        return list
    }
}

/// Runs inside the container, as the command's process.
private func execCommand(_ argument: UnsafeMutableRawPointer?) -> Int32 {
    guard let argument else { return 255 }
    let payload = Unmanaged<ExecPayload>.fromOpaque(argument).takeUnretainedValue()
    signal(SIGPIPE, SIG_DFL)
    var none = sigset_t()
    sigemptyset(&none)
    sigprocmask(SIG_SETMASK, &none, nil)
    // A session of its own; liblxc may have made it already.
    setsid()
    if payload.terminal { _ = clxd_set_controlling_terminal(0) }
    _ = clxd_close_range(3, .max, 0)
    guard let program = payload.arguments[0] else { return 255 }
    execvp(program, payload.arguments)
    return switch errno {
    case ENOENT, ENOTDIR: 127
    default: 126
    }
}
