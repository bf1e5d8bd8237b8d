internal import CLXDLinux
internal import Glibc
package import SystemPackage

/// What to start, and what the new process gets of ours.
package struct SpawnRequest: Sendable {
    /// Absolute path of the program.
    package var executable: String
    /// argv, the program's own name first.
    package var arguments: [String]
    /// `KEY=VALUE` lines; nil passes ours on.
    package var environment: [String]?
    /// Descriptors of the child (number there -> number here). 0–2 that are not named become /dev/null; all others close.
    package var descriptors: [Int32: Int32] = [:]
    /// Start a session of its own, so that terminal signals to us do not reach it.
    package var newSession = true
    package var workingDirectory = "/"

    package init(executable: String, arguments: [String], environment: [String]? = nil) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
    }
}

/// Starts programs with posix_spawn: no code of ours runs between fork and exec, so threads here do no harm.
package enum ProcessSpawner {
    /// Starts a program with default signal dispositions and an empty signal mask.
    ///
    /// Blocks until the program is loaded (about a millisecond).
    /// - Throws: `Errno.noSuchFileOrDirectory` and the like if the program cannot be executed.
    package static func spawn(_ request: SpawnRequest) throws(Errno) -> ProcessHandle {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        var all = sigset_t()
        var none = sigset_t()
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        let session = request.newSession ? Int32(CLXD_SPAWN_SETSID) : 0
        posix_spawnattr_setflags(
            &attributes, Int16(Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK) | session))

        // The numbers wanted in the child may be in use for others here: move ours out of the way first.
        let highest = max(2, request.descriptors.keys.max() ?? 2)
        var moved: [Int32] = []
        defer { for number in moved { _ = close(number) } }
        for number in Int32(0)...2 where request.descriptors[number] == nil {
            posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
        }
        for (child, parent) in request.descriptors.sorted(by: { $0.key < $1.key }) {
            let copy = try check(clxd_fcntl_dupfd(parent, highest + 1))
            moved.append(copy)
            posix_spawn_file_actions_adddup2(&actions, copy, child)
        }
        _ = clxd_spawn_addchdir(&actions, request.workingDirectory)
        _ = clxd_spawn_addclosefrom(&actions, highest + 1)

        let argv = CStringArray(request.arguments)
        let envp = request.environment.map(CStringArray.init)
        var pid = pid_t()
        let result = posix_spawn(
            &pid, request.executable, &actions, &attributes, argv.pointer, envp?.pointer ?? environ)
        guard result == 0 else { throw Errno(rawValue: result) }
        // Cannot be reaped before this: only the watcher that the handle registers with waits for children.
        return try ProcessHandle(pid: pid)
    }
}

/// A NULL-terminated array of C strings.
final class CStringArray {
    let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointer = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { pointer[index] = strdup(string) }
        pointer[count] = nil
    }

    deinit {
        for index in 0..<count { free(pointer[index]) }
        pointer.deallocate()
    }
}
