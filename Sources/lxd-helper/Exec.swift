import CLXC
import CLXDLinux
import Glibc
import LXDRuntimePlan

/// Runs a command in a container.
///
/// As a rule this program enters the container by itself (`ExecEntry`); where the kernel's own word is not enough to
/// know how its processes are confined, liblxc does it.
enum Exec {
    static func run(_ plan: ExecPlan) throws(HelperFailure) {
        guard !plan.command.isEmpty else { throw HelperFailure(step: "read the command", number: EINVAL) }
        let entry = try ExecEntry(plan)
        let terminal = plan.terminal ? try ExecTerminal(plan) : nil
        let pid: Int32
        if let entry { pid = try entry.start(terminal: terminal) } else { pid = try ExecAttach.start(plan, terminal: terminal) }

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
}

/// A terminal of the container's own devpts, so that `tty` and job control work inside.
struct ExecTerminal {
    let master: Int32
    let peer: Int32

    init(_ plan: ExecPlan) throws(HelperFailure) {
        let devpts = try DevPTS.open(initPID: plan.initPID)
        defer { close(devpts) }
        // The container may mount what it likes there; what opens a terminal here must be one.
        guard clxc_is_devpts(devpts) != 0 else {
            throw HelperFailure(step: "open a terminal of", number: ENODEV, subject: plan.name)
        }
        master = try attempt(
            "open a terminal of", plan.name,
            clxd_openat2(
                devpts, "ptmx", UInt64(O_RDWR | O_NOCTTY | O_CLOEXEC), 0,
                UInt64(CLXD_RESOLVE_BENEATH | CLXD_RESOLVE_NO_SYMLINKS | CLXD_RESOLVE_NO_XDEV)))
        try attempt("unlock a terminal of", plan.name, clxd_unlock_pty(master))
        peer = try attempt(
            "open a terminal of", plan.name, clxd_open_pty_peer(master, O_RDWR | O_NOCTTY | O_CLOEXEC))
        if plan.rows > 0 && plan.columns > 0 { _ = clxd_set_window(peer, plan.rows, plan.columns) }
        // Made by the host's root, whom the container does not know.
        if let owner = HostOwner(plan) { _ = fchown(peer, owner.uid, owner.gid) }
    }
}

/// Who the command's user is on the host.
struct HostOwner {
    let uid: UInt32
    let gid: UInt32

    init?(_ plan: ExecPlan) {
        guard let uid = Self.hostID(plan.uid, plan.initPID, "uid_map"),
            let gid = Self.hostID(plan.gid, plan.initPID, "gid_map")
        else { return nil }
        (self.uid, self.gid) = (uid, gid)
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
final class ExecPayload {
    let arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    let environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    let workingDirectory: UnsafeMutablePointer<CChar>?
    let terminal: Bool

    // Never freed: the process ends with the command.
    init(_ plan: ExecPlan) {
        arguments = Self.strings(plan.command)
        // Programs in a container know by the variable that they are in one; liblxc sets it too.
        let own = plan.environment.contains { $0.key == "container" } ? [] : ["container=lxc"]
        environment = Self.strings(own + plan.environment.map { "\($0.key)=\($0.value)" })
        workingDirectory = plan.workingDirectory.isEmpty ? nil : strdup(plan.workingDirectory)
        terminal = plan.terminal
    }

    private static func strings(_ strings: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { list[index] = strdup(string) }
        list[strings.count] = nil
        return list
    }

    /// Becomes the command, in the process inside; gives the status of one that there is none of, or that cannot be run.
    func execute() -> Int32 {
        signal(SIGPIPE, SIG_DFL)
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
        // A session of its own; liblxc may have made it already.
        setsid()
        if terminal { _ = clxd_set_controlling_terminal(0) }
        _ = clxd_close_range(3, .max, 4 /* CLOSE_RANGE_CLOEXEC */)
        return switch -clxc_execute(arguments, environment) {
        case ENOENT, ENOTDIR: 127
        default: 126
        }
    }
}
