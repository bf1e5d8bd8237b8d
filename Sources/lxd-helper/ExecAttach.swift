import CLXC
import CLXDLinux
import Glibc
import LXDRuntimePlan

/// Runs a command by liblxc's attach, which asks the container's monitor how its processes are confined.
enum ExecAttach {
    /// Gives the number of the command's process, a child of this one.
    static func start(_ plan: ExecPlan, terminal: ExecTerminal?) throws(HelperFailure) -> Int32 {
        let container = try Container(name: plan.name, stateDirectory: plan.stateDirectory)
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

        for limit in plan.resourceLimits { try container.set("lxc.prlimit." + limit.key, limit.value) }
        var pid: pid_t = 0
        let result = container.pointer.pointee.attach?(
            container.pointer, becomeCommand, Unmanaged.passUnretained(payload).toOpaque(), &options, &pid)
        guard result == 0, pid > 0 else { throw HelperFailure(step: "enter the container", subject: plan.name) }
        return pid
    }
}

/// Runs inside the container, as the command's process.
private func becomeCommand(_ argument: UnsafeMutableRawPointer?) -> Int32 {
    guard let argument else { return 255 }
    return Unmanaged<ExecPayload>.fromOpaque(argument).takeUnretainedValue().execute()
}

/// What system call filter liblxc gives the processes of a container.
enum SeccompFilter {
    /// Instructions of a filter; the kernel's own limit.
    private static let countMax = 4096

    /// Asks the kernel, of a process that liblxc gave the filter to: nobody but liblxc knows what it makes of a policy.
    ///
    /// That process is in none of the container's namespaces but that for mounts: nothing in the container can reach it.
    /// - Returns: Eight bytes an instruction; nil where the kernel does not tell, or the policy needs a listener.
    static func loaded(by container: Container, policy: String) -> [UInt8]? {
        // A listener would be lost with the process; and one that has filters itself is not told.
        guard !policy.contains("notify"), !SecurityModules.areActive,
            let own = SmallFile.read("/proc/self/status").flatMap({ ProcessStatus($0) }), !own.isFiltered
        else { return nil }
        var ready: Int32 = -1
        var report: Int32 = -1
        guard clxd_pipe(&ready, &report, 0) >= 0 else { return nil }
        defer { close(ready) }
        var options = lxc_attach_options_t()
        options.attach_flags = Int32(LXC_ATTACH_LSM_EXEC | LXC_ATTACH_LSM_NOW)
        options.namespaces = Int32(CLXD_CLONE_NEWNS)
        options.personality = -1
        options.uid = 0
        options.gid = 0
        options.env_policy = LXC_ATTACH_CLEAR_ENV
        (options.stdin_fd, options.stdout_fd, options.stderr_fd, options.log_fd) = (0, 1, 2, -EBADF)
        var pid: pid_t = 0
        let result = container.pointer.pointee.attach?(
            container.pointer, reportAndWait, UnsafeMutableRawPointer(bitPattern: Int(report)), &options, &pid)
        close(report)
        guard result == 0, pid > 0 else { return nil }
        defer {
            kill(pid, SIGKILL)
            while waitpid(pid, nil, 0) < 0 && errno == EINTR {}
        }
        var waiting = pollfd(fd: ready, events: Int16(POLLIN), revents: 0)
        var byte: UInt8 = 0
        guard poll(&waiting, 1, 5000) > 0, read(ready, &byte, 1) == 1 else { return nil }
        var filter = [UInt8](repeating: 0, count: countMax * 8)
        let count = clxc_filter_of(pid, &filter, Int32(countMax))
        return count > 0 ? Array(filter[..<(Int(count) * 8)]) : nil
    }
}

/// Says that the filter is there, then waits to be looked at and killed.
private func reportAndWait(_ argument: UnsafeMutableRawPointer?) -> Int32 {
    var byte: UInt8 = 1
    guard write(Int32(Int(bitPattern: argument)), &byte, 1) == 1 else { return 1 }
    while true { pause() }
}
