import Glibc
import LXDLinux
import LXDRuntime
import LXDRuntimePlan
import Testing

/// Commands enter containers without liblxc: what confines them is held to what liblxc does and to init itself.
@Suite(
    .serialized, .enabled(if: TestContainer.isPossible, "needs root, /bin/busybox and lxd-helper"),
    .timeLimit(.minutes(2)))
struct ExecEntryTests {
    enum Kind: CaseIterable {
        case unprivileged, privileged, stateful, unfiltered
    }

    private func withContainer(_ kind: Kind, _ body: (TestContainer) async throws -> Void) async throws {
        let container = try await TestContainer()
        do {
            var plan = container.plan
            // What can be seen to be refused.
            plan.seccompPolicy = (plan.seccompPolicy ?? "") + "mkdir errno 38\nmkdirat errno 38\n"
            switch kind {
            case .unprivileged: break
            case .privileged:
                plan.idmap = []
                plan.privileged = true
                plan.capabilitiesDropped = ["sys_time", "sys_module", "sys_rawio", "mac_admin", "mac_override"]
            case .stateful: plan.stateful = true
            case .unfiltered: plan.seccompPolicy = nil
            }
            _ = try await container.runtime.start(plan)
            try await body(container)
        } catch {
            await container.remove()
            throw error
        }
        await container.remove()
    }

    private static let script = """
        grep -E '^(Umask|Uid|Gid|Groups|NSpid|Shd|SigBlk|SigIgn|SigCgt|Cap|NoNewPrivs|Seccomp)' /proc/self/status | \\
            sed 's/NSpid.*//'
        cat /proc/self/cgroup /proc/self/uid_map /proc/self/gid_map /proc/self/oom_score_adj
        for kind in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$kind; done
        ulimit -n; env | sort; pwd; echo "$0"
        """

    private func description(_ container: TestContainer, uid: UInt32) async throws -> String {
        let result = try await container.run(["sh", "-c", Self.script, "name"]) { plan in
            plan.uid = uid
            plan.gid = uid
            plan.workingDirectory = "/tmp"
            plan.resourceLimits = [PlanPair("nofile", "100:200")]
            plan.environment.append(PlanPair("LANG", "C.UTF-8"))
        }
        #expect(result.status == 0, "\(result.output)")
        return result.output
    }

    @Test(arguments: Kind.allCases, [0, 1000] as [UInt32])
    func aCommandIsConfinedAsLiblxcWouldHaveIt(_ kind: Kind, _ uid: UInt32) async throws {
        try await withContainer(kind) { container in
            let filter = container.folder + "/run/" + container.name + ".filter"
            #expect((access(filter, F_OK) == 0) == (kind != .unfiltered))
            let own = try await description(container, uid: uid)
            #expect(own.contains("container=lxc\n"))
            #expect(own.contains("/tmp\n"))
            #expect(own.contains("\n100\n"))
            #expect(own.contains("Seccomp:\t\(kind == .unfiltered ? 0 : 2)\n"))
            // Without the filter that its start left, and with a policy, liblxc is asked.
            if kind != .unfiltered {
                unlink(filter)
                let byLiblxc = try await description(container, uid: uid)
                #expect(byLiblxc == own)
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func aCommandIsWhereInitIsAndMayWhatInitMay(_ kind: Kind) async throws {
        try await withContainer(kind) { container in
            func lines(_ pid: String) async throws -> String {
                let words = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"].map { "readlink /proc/\(pid)/ns/\($0)" }
                let status = "grep -E '^(CapBnd|CapEff|CapPrm|CapInh|CapAmb|NoNewPrivs|Seccomp|Seccomp_filters):' /proc/\(pid)/status"
                let groups = "grep -v '^0::' /proc/\(pid)/cgroup"
                return try await container.run(["sh", "-c", (words + [status, groups]).joined(separator: "; ")]).output
            }
            let (command, initial) = (try await lines("self"), try await lines("1"))
            #expect(command == initial)
        }
    }

    @Test(arguments: [Kind.unprivileged, .privileged, .stateful])
    func theFilterOfTheContainerBindsTheCommand(_ kind: Kind) async throws {
        try await withContainer(kind) { container in
            let refused = try await container.run(["mkdir", "/tmp/made"])
            #expect(refused.status == 1)
            #expect(refused.output.contains("Function not implemented"))
        }
    }

    @Test(arguments: [Kind.unprivileged, .privileged])
    func nothingOfTheHostIsOpenInTheCommand(_ kind: Kind) async throws {
        try await withContainer(kind) { container in
            let listing = try await container.run(["sh", "-c", "ls /proc/$$/fd; :"]).output
            #expect(listing.split(separator: "\n") == ["0", "1", "2"])
            var plan = ExecPlan()
            plan.command = ["/bin/sleep", "60"]
            let process = try await container.runtime.exec(container.name, plan)
            let folder = "/proc/\(process.pid)"
            #expect(try ConfinedDirectory(path: folder + "/fd").list().sorted() == ["0", "1", "2"])
            #expect(try Set(AtomicFile.readText(folder + "/cgroup").split(separator: "\n").map { $0.contains(container.name) }) == [true])
            try process.signal(9)
            #expect(await process.wait() == 137)
        }
    }

    @Test func aUserOfTheContainerOpensItsStreamsAgain() async throws {
        try await withContainer(.unprivileged) { container in
            let result = try await container.run(["sh", "-c", "echo out >/dev/stdout; id -u; id -g; id -G"]) { plan in
                plan.uid = 1000
                plan.gid = 1001
            }
            #expect(result.output == "out\n1000\n1001\n1001\n")
        }
    }

    @Test func aFolderThatIsMissingIsTheRoot() async throws {
        try await withContainer(.unprivileged) { container in
            let folder = try await container.run(["pwd"]) { $0.workingDirectory = "/no/such" }.output
            #expect(folder == "/\n")
        }
    }

    @Test func aUserTheContainerDoesNotHaveIsRefused() async throws {
        try await withContainer(.unprivileged) { container in
            let stranger = { (plan: inout ExecPlan) in plan.uid = 100_000_000 }
            await #expect(throws: RuntimeError.self) { try await container.run(["true"], stranger) }
            let status = try await container.run(["true"]).status
            #expect(status == 0)
        }
    }

    @Test func anotherStartKnowsTheFilter() async throws {
        try await withContainer(.unprivileged) { container in
            let path = container.folder + "/run/" + container.name + ".filter"
            let first = try AtomicFile.read(path)
            try await container.runtime.kill(container.name)
            var plan = container.plan
            plan.seccompPolicy = (plan.seccompPolicy ?? "") + "mkdir errno 38\nmkdirat errno 38\n"
            _ = try await container.runtime.start(plan)
            let again = try AtomicFile.read(path)
            #expect(again == first)
            let refused = try await container.run(["mkdir", "/tmp/made"]).status
            #expect(refused == 1)
        }
    }

    @Test func aTerminalThatTheContainerMadeUpIsNotOpened() async throws {
        try await withContainer(.unprivileged) { container in
            // A folder of files in the place of the terminals.
            let cover = "mount -t tmpfs none /dev/pts && : >/dev/pts/ptmx"
            let covered = try await container.run(["sh", "-c", cover]).status
            #expect(covered == 0)
            let onTerminal = { (plan: inout ExecPlan) in plan.terminal = true }
            await #expect(throws: RuntimeError.self) { try await container.run(["true"], onTerminal) }
        }
    }
}
