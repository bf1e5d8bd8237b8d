import CLXC
import CLXDLinux
import Glibc
import LXDRuntimePlan

/// Starts a container; what liblxc leaves behind as its monitor is a fork of this process.
enum Start {
    static func run(_ plan: RuntimePlan) throws(HelperFailure) { try run(plan, from: nil) }

    /// Starts it from images instead of with its init.
    static func restore(_ plan: RestorePlan) throws(HelperFailure) { try run(plan.start, from: plan) }

    private static func run(_ plan: RuntimePlan, from images: RestorePlan?) throws(HelperFailure) {
        var steps = StepCounter(failAfter: plan.failAfterSteps)
        var undo = Undo()
        do throws(HelperFailure) {
            let message = try start(plan, from: images, &steps, &undo)
            if ControlSocket.send(message) { return }
            // What was restored may have spoken with others by now, who would hear the goodbyes of its connections: the next
            // daemon finds it by its record. A post-copy has lost the source of its memory.
            if let images, !images.isPostCopy { return }
            // A daemon that is gone has not recorded this start: what it does not know must not run.
            throw HelperFailure(step: "report to the daemon", number: EPIPE)
        } catch {
            undo.run()
            throw error
        }
    }

    private static func start(
        _ plan: RuntimePlan, from images: RestorePlan?, _ steps: inout StepCounter, _ undo: inout Undo
    ) throws(HelperFailure) -> HelperMessage {
        try steps.pass("read the plan")
        let began = time(nil)
        let logPath = plan.logDirectory + "/lxc.log"
        try RootMount.mount(plan.rootfs, at: plan.mountPoint, idmap: IDMap(entries: plan.idmap))
        undo.add { RootMount.unmount(plan.mountPoint) }
        try steps.pass("mount the root file system")

        try own(plan.stateDirectory + "/" + plan.name, IDMap(entries: plan.idmap))
        let container = try Container(name: plan.name, stateDirectory: plan.stateDirectory)
        let configuration = ContainerConfiguration(plan: plan, container: container, isRestored: images != nil)
        let exitPath = plan.runDirectory + "/" + plan.name + ".exit"
        unlink(exitPath)
        if let policy = plan.seccompPolicy {
            undo.add { unlink(configuration.seccompPath) }
            try writeFile(configuration.seccompPath, policy)
        }
        try configuration.apply()
        try steps.pass("configure the container")

        let configurationPath = plan.logDirectory + "/lxc.conf"
        guard container.pointer.pointee.save_config?(container.pointer, configurationPath) == true else {
            throw HelperFailure(step: "save the configuration", subject: configurationPath)
        }
        undo.add { unlink(exitPath) }
        try steps.pass("save the configuration")

        // The administrator's own hooks are scripts that look for programs; without them liblxc shall find none.
        if !plan.rawItems.isEmpty { setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1) }
        _ = container.pointer.pointee.want_daemonize?(container.pointer, true)
        _ = container.pointer.pointee.want_close_all_fds?(container.pointer, true)
        // The monitor is forked off here and lives as long as the container: leave it as little as possible.
        malloc_trim(0)
        // A monitor that fails becomes our child, so that its end can be waited for.
        _ = clxd_prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        undo.add {
            awaitMonitor()
            EmptyGroups.remove(of: plan.name, since: began)
        }
        if let images {
            try resume(container, images)
        } else {
            guard container.pointer.pointee.start?(container.pointer, 0, nil) == true else {
                throw HelperFailure(step: "start the container", subject: plan.name, log: LogTail.errors(at: logPath))
            }
        }
        let pid = container.initPID
        undo.add { if pid > 0 { kill(pid, SIGKILL) } }
        guard pid > 0, let monitor = ProcessRecord.parent(of: pid) else {
            throw HelperFailure(step: "find the process of the container", number: ESRCH, subject: plan.name)
        }
        try steps.pass("start the container")

        // An administrator's own items may change what the policy says: then liblxc is asked at every command.
        if let policy = plan.seccompPolicy, plan.rawItems.isEmpty,
            let filter = plan.seccompFilter.isEmpty
                ? SeccompFilter.loaded(by: container, policy: policy) : plan.seccompFilter
        {
            undo.add { unlink(configuration.filterPath) }
            try writeFile(configuration.filterPath, filter)
        }
        if plan.stateful { try DevPTS.raiseLimit(initPID: pid, idmap: IDMap(entries: plan.idmap)) }
        let recordPath = plan.runDirectory + "/" + plan.name + ".run"
        undo.add { unlink(recordPath) }
        try writeFile(recordPath, try ProcessRecord.text(plan: plan, isRestored: images != nil, initPID: pid, monitorPID: monitor))
        try steps.pass("record the processes")
        return .running(initPID: pid, monitorPID: monitor)
    }

    /// The container's folder belongs to its root, as liblxc has it for unprivileged ones; one that was so no longer is.
    private static func own(_ folder: String, _ idmap: IDMap) throws(HelperFailure) {
        let descriptor = try attempt(
            "open", folder, clxd_openat2(CLXD_AT_FDCWD, folder, UInt64(O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0, 0))
        defer { close(descriptor) }
        guard fchown(descriptor, idmap.rootUID, idmap.rootGID) == 0 else {
            throw HelperFailure(step: "change the owner of", number: errno, subject: folder)
        }
    }

    private static func resume(
        _ container: Container, _ restore: RestorePlan
    ) throws(HelperFailure) {
        let (plan, images) = (restore.start, restore.workspace)
        // The images may be on their way still.
        guard Criu.ask(CriuStep(CriuStep.prepared)) == true else {
            throw HelperFailure(step: "restore the container", number: ECANCELED, subject: plan.name)
        }
        // criu reads them as the container's root.
        try ImageOwner.give(images.imageDirectory, to: IDMap(entries: plan.idmap))
        try Criu.prepare(images, needsIPTables: Criu.hasIPTables(images: images.imageDirectory),
            options: restore.isPostCopy ? ["--lazy-pages"] : [])
        var options = Criu.options(images, stop: false)
        defer { free(options.directory) }
        let result = container.pointer.pointee.migrate?(
            container.pointer, UInt32(MIGRATE_RESTORE), &options, UInt32(MemoryLayout<migrate_opts>.size))
        guard result == 0 else { throw HelperFailure(step: "restore the container", subject: plan.name) }
    }

    /// Waits until the monitor of a container that does not go on has cleaned up, at most ten seconds.
    private static func awaitMonitor() {
        for _ in 0..<10_000 {
            var status: Int32 = 0
            let pid = waitpid(-1, &status, WNOHANG)
            if pid < 0 && errno == ECHILD { return }
            if pid == 0 { usleep(1000) }
        }
    }

    private static func writeFile(_ path: String, _ text: String) throws(HelperFailure) {
        try writeFile(path, Array(text.utf8))
    }

    private static func writeFile(_ path: String, _ bytes: [UInt8]) throws(HelperFailure) {
        let temporary = path + ".new"
        let file = try attempt(
            "write", path,
            clxd_openat2(
                CLXD_AT_FDCWD, temporary, UInt64(O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW), 0o600, 0))
        let count = write(file, bytes, bytes.count)
        let number = errno
        close(file)
        guard count == bytes.count else { throw HelperFailure(step: "write", number: number, subject: path) }
        try attempt("write", path, clxd_renameat2(CLXD_AT_FDCWD, temporary, CLXD_AT_FDCWD, path, 0))
    }
}

/// Steps of a start, one of which a test can make fail.
struct StepCounter {
    let failAfter: UInt32?
    var done: UInt32 = 0

    init(failAfter: UInt32?) { self.failAfter = failAfter }

    mutating func pass(_ step: String) throws(HelperFailure) {
        done += 1
        if done == failAfter { throw HelperFailure(step: step, number: EIO, subject: "asked to fail") }
    }
}

/// What takes a half-done start back, newest first.
struct Undo {
    private var actions: [() -> Void] = []
    mutating func add(_ action: @escaping () -> Void) { actions.append(action) }
    func run() { for action in actions.reversed() { action() } }
}

/// How a later daemon knows the processes of a container again.
enum ProcessRecord {
    /// `key value` lines: numbers, and start times so that a reused number is told apart.
    static func text(
        plan: RuntimePlan, isRestored: Bool, initPID: Int32, monitorPID: Int32
    ) throws(HelperFailure) -> String {
        guard let initStart = startTime(of: initPID), let monitorStart = startTime(of: monitorPID) else {
            throw HelperFailure(step: "read the start time of", number: ESRCH, subject: plan.name)
        }
        return """
            name \(plan.name)
            init \(initPID) \(initStart)
            monitor \(monitorPID) \(monitorStart)
            mount \(plan.mountPoint)
            stateful \(plan.stateful ? 1 : 0)
            groups \((groups(of: initPID, "lxc.payload.") + groups(of: monitorPID, "lxc.monitor.")).joined(separator: " "))

            """ + (isRestored ? "console \(plan.consoleLogPath)\n" : "")
    }

    /// The names of a process's groups that begin so, in any tree.
    private static func groups(of pid: Int32, _ prefix: String) -> [String] {
        var found: [String] = []
        for component in (SmallFile.read("/proc/\(pid)/cgroup") ?? "").split(whereSeparator: { $0 == "/" || $0 == "\n" }
        )
        where component.hasPrefix(prefix) && !found.contains(String(component)) {
            found.append(String(component))
        }
        return found
    }

    static func parent(of pid: Int32) -> Int32? { fields(of: pid).flatMap { $0.count > 1 ? Int32($0[1]) : nil } }

    private static func startTime(of pid: Int32) -> UInt64? {
        fields(of: pid).flatMap { $0.count > 19 ? UInt64($0[19]) : nil }
    }

    /// The fields of /proc/PID/stat after the name, which may hold anything.
    private static func fields(of pid: Int32) -> [Substring]? {
        guard let text = SmallFile.read("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: end)...].split(separator: " ")
    }
}

enum SmallFile {
    /// A file of the kernel's, at most 4 MiB; it comes in pieces.
    static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var text: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 16384)
        while text.count < 4 << 20 {
            let count = Glibc.read(file, &bytes, bytes.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            text += bytes[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// The end of liblxc's log.
enum LogTail {
    /// The last lines that tell of errors, at most 2 KiB.
    static func errors(at path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        lseek(file, -32768, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: 32768)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return "" }
        let lines = String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n")
        let errors = lines.filter { $0.contains(" ERROR ") || $0.contains(" FATAL ") }.suffix(12)
        return String(errors.joined(separator: "\n").suffix(2048))
    }
}

/// The container's own terminals.
enum DevPTS {
    /// Lifts the limit of one terminal that a host console brings with it.
    static func raiseLimit(initPID: Int32, idmap: IDMap) throws(HelperFailure) {
        let pts = try open(initPID: initPID)
        defer { close(pts) }
        let context = try attempt("reconfigure", "dev/pts", clxd_fspick(pts, "", 1 | 8))
        defer { close(context) }
        let group = idmap.entries.first { $0.isGID && $0.namespaceID <= 5 && $0.namespaceID + $0.range > 5 }
        let tty = group.map { $0.hostID + (5 - $0.namespaceID) } ?? 5
        // All of them: a reconfiguration resets what it does not name.
        for (key, value) in [("gid", "\(tty)"), ("mode", "0620"), ("ptmxmode", "0666"), ("max", "1024")] {
            try attempt(
                "set \(key) of", "dev/pts", clxd_fsconfig(context, UInt32(CLXD_FSCONFIG_SET_STRING), key, value, 0))
        }
        try attempt(
            "reconfigure", "dev/pts", clxd_fsconfig(context, UInt32(CLXD_FSCONFIG_CMD_RECONFIGURE), nil, nil, 0))
    }

    /// The folder of the container's terminals; nothing in it can lead out of its root.
    static func open(initPID: Int32) throws(HelperFailure) -> Int32 {
        let root = try attempt(
            "open the root of", "\(initPID)",
            clxd_openat2(CLXD_AT_FDCWD, "/proc/\(initPID)/root", UInt64(CLXD_O_PATH | O_DIRECTORY | O_CLOEXEC), 0, 0))
        defer { close(root) }
        return try attempt(
            "open", "dev/pts",
            clxd_openat2(
                root, "dev/pts", UInt64(CLXD_O_PATH | O_DIRECTORY | O_CLOEXEC), 0,
                UInt64(CLXD_RESOLVE_IN_ROOT | CLXD_RESOLVE_NO_MAGICLINKS | CLXD_RESOLVE_NO_SYMLINKS)))
    }
}

/// Groups that liblxc leaves behind when a start fails.
enum EmptyGroups {
    /// Removes those of a container that have been made since `began`; a group that holds a process does not go.
    ///
    /// liblxc adds a number when the name is taken, by another daemon for example: that one's are older, or in use.
    static func remove(of name: String, since began: time_t) {
        for line in (SmallFile.read("/proc/self/mountinfo") ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count, dash > 4,
                fields[dash + 1] == "cgroup" || fields[dash + 1] == "cgroup2"
            else { continue }
            leave(String(fields[4]), name)
            for kind in ["lxc.payload.", "lxc.monitor."] {
                for suffix in [""] + (1...9).map({ "-\($0)" }) {
                    let path = fields[4] + "/" + kind + name + suffix
                    var status = stat()
                    if stat(path, &status) == 0, status.st_ctim.tv_sec >= began { remove(path) }
                }
            }
        }
    }

    /// liblxc puts the process that starts a monitor into the monitor's group too: that is this one.
    private static func leave(_ mount: String, _ name: String) {
        guard (SmallFile.read("/proc/self/cgroup") ?? "").contains("/lxc.monitor." + name) else { return }
        let file = open(mount + "/cgroup.procs", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        write(file, "0", 1)
        close(file)
    }

    /// The kernel counts a process that has ended for a moment longer.
    private static func remove(_ path: String) {
        for _ in 0..<100 where rmdir(path) != 0 && errno == EBUSY {
            if SmallFile.read(path + "/cgroup.procs") != "" { return }
            usleep(1000)
        }
    }
}
