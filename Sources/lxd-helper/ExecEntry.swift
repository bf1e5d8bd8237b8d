import CLXC
import CLXDLinux
import Glibc
import LXDRuntimePlan

/// How this program makes a process of a container, without liblxc.
///
/// Three processes: this one waits outside. One in between, which nobody in the container can see, joins the groups and
/// the namespaces and gives up what the container may not have. Its child is born inside with that alone, gets the
/// system call filter and the command's user, and becomes the command.
struct ExecEntry {
    private let plan: ExecPlan
    private let namespaces: Int
    private let entersUserNamespace: Bool
    private let status: ProcessStatus
    private let personality: UInt
    private let filter: [UInt8]

    /// - Returns: nil if it takes liblxc to know how the processes of this container are confined.
    init?(_ plan: ExecPlan) throws(HelperFailure) {
        guard plan.initPID > 0, !(plan.legacyGroups.isEmpty && plan.unifiedGroup.isEmpty), !SecurityModules.areActive else {
            return nil
        }
        self.plan = plan
        let process = "/proc/\(plan.initPID)/"
        var namespaces = 0
        for (name, flag) in Self.kinds {
            // A kernel without this kind has no file of it.
            guard let own = Self.identity("/proc/self/ns/" + name), let other = Self.identity(process + "ns/" + name) else {
                continue
            }
            if own != other { namespaces |= flag }
        }
        self.namespaces = namespaces
        entersUserNamespace = namespaces & Int(CLXD_CLONE_NEWUSER) != 0
        guard let text = SmallFile.read(process + "status"), let status = ProcessStatus(text),
            let personality = SmallFile.read(process + "personality").flatMap({ UInt($0.prefix { $0 != "\n" }, radix: 16) })
        else { throw HelperFailure(step: "read the state of", number: ESRCH, subject: plan.name) }
        self.status = status
        self.personality = personality
        // Now it is known that all of this was said of that process and not of another with its number.
        try attempt("find the process of", plan.name, clxd_pidfd_send_signal(HelperDescriptor.connection, 0))
        if let filter = Self.read(filter: plan.filterPath) {
            self.filter = filter
        } else {
            guard !status.isFiltered else { return nil }
            filter = []
        }
    }

    private static let kinds: [(String, Int)] = [
        ("user", Int(CLXD_CLONE_NEWUSER)), ("mnt", Int(CLXD_CLONE_NEWNS)), ("pid", Int(CLXD_CLONE_NEWPID)),
        ("net", Int(CLXD_CLONE_NEWNET)), ("ipc", Int(CLXD_CLONE_NEWIPC)), ("uts", Int(CLXD_CLONE_NEWUTS)),
        ("cgroup", Int(CLXD_CLONE_NEWCGROUP)), ("time", Int(CLXD_CLONE_NEWTIME)),
    ]

    private static func identity(_ path: String) -> UInt64? {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    private static func read(filter path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 4096 * 8)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count > 0 && count % 8 == 0 ? Array(bytes[..<count]) : nil
    }

    // MARK: Outside

    /// Gives the number of the command's process, a child of this one, once it runs.
    func start(terminal: ExecTerminal?) throws(HelperFailure) -> Int32 {
        let payload = ExecPayload(plan)
        if terminal == nil, entersUserNamespace { givePipes() }
        var reading: Int32 = -1
        var writing: Int32 = -1
        try attempt("make a pipe", "", clxd_pipe(&reading, &writing, 0))
        let group = try openUnifiedGroup()
        let between = try attempt("fork for", plan.name, clxc_fork_into(group))
        if between == 0 { enter(payload, report: writing, terminal: terminal) }
        close(writing)
        if group >= 0 { close(group) }
        defer { close(reading) }
        // At its end all who could write have gone: the command has begun, or the process has ended.
        let reports = Self.reports(from: reading)
        while waitpid(between, nil, 0) < 0 && errno == EINTR {}
        guard case .process(let pid)? = reports.first else {
            throw HelperFailure(
                step: "enter the container", number: reports.first?.failure?.number ?? 0, subject: plan.name,
                log: reports.first?.failure?.step.text ?? "")
        }
        if let failure = reports.compactMap(\.failure).first {
            while waitpid(pid, nil, 0) < 0 && errno == EINTR {}
            throw HelperFailure(
                step: "enter the container", number: failure.number, subject: plan.name, log: failure.step.text)
        }
        return pid
    }

    /// Lets the command open its streams again by /dev/stdout: pipes belong to who made them, whom the container does not know.
    private func givePipes() {
        guard let owner = HostOwner(plan) else { return }
        for number in Int32(0)...2 {
            var status = stat()
            guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFIFO else { continue }
            _ = fchown(number, owner.uid, owner.gid)
        }
    }

    /// A group of the unified tree for one more process: only the leaves of that tree may have any.
    private func openUnifiedGroup() throws(HelperFailure) -> Int32 {
        guard !plan.unifiedGroup.isEmpty else { return -1 }
        let resolution = UInt64(CLXD_RESOLVE_BENEATH | CLXD_RESOLVE_NO_SYMLINKS)
        let flags = UInt64(CLXD_O_PATH | O_DIRECTORY | O_CLOEXEC)
        let top = try attempt("open", plan.unifiedGroup, clxd_openat2(CLXD_AT_FDCWD, plan.unifiedGroup, flags, 0, 0))
        defer { close(top) }
        _ = mkdirat(top, ".lxc", 0o755)
        return try attempt("open a group of", plan.name, clxd_openat2(top, ".lxc", flags, 0, resolution))
    }

    // MARK: In between

    /// Joins the container and forks the command's process.
    private func enter(_ payload: ExecPayload, report: Int32, terminal: ExecTerminal?) -> Never {
        // Nobody in the container but a root who is the host's looks at the memory or the descriptors of its process to be.
        _ = clxd_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        for path in plan.legacyGroups {
            let file = open(path + "/cgroup.procs", O_WRONLY | O_CLOEXEC)
            guard file >= 0, write(file, "0", 1) == 1 else { Self.fail(report, .groups, errno) }
            close(file)
        }
        do throws(HelperFailure) { try ResourceLimits.set(plan.resourceLimits) } catch { Self.fail(report, .limits, error.number) }
        // The kernel may be without keyrings.
        _ = clxc_leave_keyring()
        let result = clxd_setns(HelperDescriptor.connection, Int32(namespaces))
        guard namespaces == 0 || result >= 0 else { Self.fail(report, .namespaces, -result) }
        if let terminal { for number in Int32(0)...2 { dup2(terminal.peer, number) } }
        // From here on the process has what the command gets, and the way to report.
        var problem = clxc_move(report, 3)
        if problem >= 0 { problem = clxd_close_range(4, .max, 0) }
        guard problem >= 0 else { Self.fail(report, .descriptors, -problem) }
        problem = dropCapabilities()
        guard problem >= 0 else { Self.fail(3, .capabilities, -problem) }
        if payload.workingDirectory.map({ chdir($0) }) ?? -1 != 0 { chdir("/") }
        let child = clxc_fork_sibling()
        if child == 0 { become(payload) }
        guard child > 0 else { Self.fail(3, .fork, -child) }
        Self.send(.process(child), to: 3)
        _exit(0)
    }

    /// Leaves what the container's init could regain by a program of root's, and what it takes to become the command.
    private func dropCapabilities() -> Int32 {
        var number: UInt = 0
        while clxd_prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0 {
            if status.boundingSet & (1 << UInt64(number)) == 0 {
                let result = clxd_prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
                guard result >= 0 else { return result }
            }
            number += 1
        }
        // Cleared by the kernel with the inheritable ones; one without them has none.
        _ = clxd_prctl(47 /* PR_CAP_AMBIENT */, 4 /* CLEAR_ALL */, 0, 0, 0)
        let toBecome: UInt64 = 1 << 6 | 1 << 7 | 1 << 21  // CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN
        let kept = (status.boundingSet | toBecome) & (number >= 64 ? .max : (1 << UInt64(number)) - 1)
        return clxd_capset(kept, kept, 0)
    }

    // MARK: Inside

    /// Becomes the command.
    private func become(_ payload: ExecPayload) -> Never {
        _ = clxc_set_personality(personality)
        let groups = clxd_setgroups(plan.groups.count, plan.groups)
        // A namespace may forbid it to all; then nothing is asked of it.
        guard groups >= 0 || (groups == -EPERM && plan.groups.isEmpty) else { Self.fail(3, .user, -groups) }
        // The container's root first: the filter may forbid less to it than to the command's user.
        let root: UInt32 = 0
        var result = clxd_setresgid(plan.gid, plan.gid, plan.gid)
        if result >= 0, entersUserNamespace { result = clxd_setresuid(root, root, root) }
        guard result >= 0 else { Self.fail(3, .user, -result) }
        if status.hasNoNewPrivileges { result = clxd_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
        if result >= 0, !filter.isEmpty { result = clxc_install_filter(filter, UInt16(filter.count / 8)) }
        guard result >= 0 else { Self.fail(3, .filter, -result) }
        if plan.uid != 0 || !entersUserNamespace { result = clxd_setresuid(plan.uid, plan.uid, plan.uid) }
        guard result >= 0 else { Self.fail(3, .user, -result) }
        _exit(payload.execute())
    }

    // MARK: Reports

    private enum Step: UInt8 {
        case groups, limits, namespaces, descriptors, capabilities, fork, user, filter

        var text: String {
            switch self {
            case .groups: "joining the groups"
            case .limits: "setting limits"
            case .namespaces: "joining the namespaces"
            case .descriptors: "closing descriptors"
            case .capabilities: "dropping capabilities"
            case .fork: "forking"
            case .user: "changing the user"
            case .filter: "installing the system call filter"
            }
        }
    }

    private enum Report {
        case process(Int32)
        case failure(Step, Int32)

        var failure: (step: Step, number: Int32)? {
            if case .failure(let step, let number) = self { (step, number) } else { nil }
        }
    }

    /// Five bytes each, so that they arrive whole: a kind, or a step, and a number.
    private static func send(_ report: Report, to descriptor: Int32) {
        let (kind, number): (UInt8, Int32) =
            switch report {
            case .process(let pid): (255, pid)
            case .failure(let step, let number): (step.rawValue, number)
            }
        var packer = Packer()
        packer.number(kind)
        packer.number(number)
        _ = write(descriptor, packer.bytes, packer.bytes.count)
    }

    private static func reports(from descriptor: Int32) -> [Report] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64)
        // Two at most are ever sent.
        while bytes.count < chunk.count {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        var reports: [Report] = []
        var unpacker = Unpacker(bytes)
        while let kind = try? unpacker.number(UInt8.self), let number = try? unpacker.number(Int32.self) {
            if kind == 255 {
                reports.append(.process(number))
            } else if let step = Step(rawValue: kind) {
                reports.append(.failure(step, number))
            }
        }
        // The process inside may have been faster to fail than its parent to say that it is there.
        return reports.filter { $0.failure == nil } + reports.filter { $0.failure != nil }
    }

    private static func fail(_ descriptor: Int32, _ step: Step, _ number: Int32) -> Never {
        send(.failure(step, number), to: descriptor)
        _exit(255)
    }
}

/// What the kernel says about a process in `/proc/PID/status`.
struct ProcessStatus {
    let boundingSet: UInt64
    let hasNoNewPrivileges: Bool
    let isFiltered: Bool

    init?(_ text: String) {
        var bounding: UInt64?
        var noNewPrivileges: Bool?
        var filtered = false
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == "\t" || $0 == " " }
            switch line[..<colon] {
            case "CapBnd": bounding = UInt64(value, radix: 16)
            case "NoNewPrivs": noNewPrivileges = value != "0"
            case "Seccomp": filtered = value != "0"
            default: break
            }
        }
        guard let bounding, let noNewPrivileges else { return nil }
        (boundingSet, hasNoNewPrivileges, isFiltered) = (bounding, noNewPrivileges, filtered)
    }
}

/// AppArmor and SELinux, of which liblxc knows what to tell them.
enum SecurityModules {
    static var areActive: Bool {
        access("/sys/fs/selinux/enforce", F_OK) == 0
            || SmallFile.read("/sys/module/apparmor/parameters/enabled")?.hasPrefix("Y") == true
    }
}

/// `limits.kernel.*` of the calling process.
enum ResourceLimits {
    private static let numbers: [String: Int32] = [
        "cpu": 0, "fsize": 1, "data": 2, "stack": 3, "core": 4, "rss": 5, "nproc": 6, "nofile": 7, "memlock": 8, "as": 9,
        "locks": 10, "sigpending": 11, "msgqueue": 12, "nice": 13, "rtprio": 14, "rttime": 15,
    ]

    static func set(_ limits: [PlanPair]) throws(HelperFailure) {
        for limit in limits {
            let parts = limit.value.split(separator: ":", omittingEmptySubsequences: false).map {
                $0.drop { $0 == " " }.prefix { $0 != " " }
            }
            guard let number = numbers[limit.key.lowercased()], let soft = value(parts.first), let hard = value(parts.last),
                parts.count <= 2
            else { throw HelperFailure(step: "set the limit", number: EINVAL, subject: limit.key) }
            var pair = clxd_rlimit(soft: soft, hard: hard)
            try attempt("set the limit", limit.key, clxd_prlimit(0, number, &pair, nil))
        }
    }

    private static func value(_ text: Substring?) -> UInt64? { text == "unlimited" ? .max : text.flatMap { UInt64($0) } }
}
