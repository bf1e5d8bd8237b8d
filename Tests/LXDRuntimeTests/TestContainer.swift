import Glibc
import LXDLinux
import LXDRuntime
import LXDRuntimePlan
import Logging
import SystemPackage

/// A runtime on a temporary folder and a busybox root file system, removed at the end.
struct TestContainer {
    static let helperPath: String = {
        if let path = getenv("LXD_HELPER") { return String(cString: path) }
        // Beside the test bundle.
        let program = CommandLine.arguments.first ?? ""
        for folder in [program, "/proc/self/exe"].map({ $0.split(separator: "/").dropLast().joined(separator: "/") }) {
            let path = "/" + folder + "/lxd-helper"
            if access(path, X_OK) == 0 { return path }
        }
        return ".build/debug/lxd-helper"
    }()
    static var isPossible: Bool {
        getuid() == 0 && access("/bin/busybox", X_OK) == 0 && access(helperPath, X_OK) == 0
    }

    let folder: String
    let name: String
    let runtime: ContainerRuntime

    init(helperEnvironment: [String] = []) async throws {
        name = "rt" + String(UInt32.random(in: 0 ... .max), radix: 36)
        folder = "/tmp/lxd-runtime-test-" + name
        try makeHostDirectories(folder, mode: 0o711)
        for path in [
            "image/bin", "image/dev", "image/proc", "image/sys", "image/etc", "image/tmp", "image/root", "image/sbin",
        ] {
            try makeHostDirectories(folder + "/" + path, mode: 0o755)
        }
        for path in ["layers/upper", "layers/work", "logs", "containers/\(name)", "instance/rootfs"] {
            try makeHostDirectories(folder + "/" + path, mode: 0o755)
        }
        let busybox = try AtomicFile.read("/bin/busybox")
        try AtomicFile.write(busybox, to: folder + "/image/bin/busybox", mode: 0o755, sync: false)
        for applet in [
            "sh", "true", "false", "id", "cat", "tty", "sleep", "echo", "touch", "ls", "stat", "kill", "reboot", "stty",
            "env", "hostname", "pwd", "ip", "rm", "mkdir", "mknod", "grep", "sed", "sort", "readlink", "mount",
        ] {
            symlink("busybox", folder + "/image/bin/" + applet)
        }
        try AtomicFile.write(
            "#!/bin/sh\ntrap 'exit 0' PWR\n: >/tmp/ready\nwhile :; do /bin/sleep 1 & wait $!; done\n", to: folder + "/image/sbin/init",
            mode: 0o755, sync: false)
        try AtomicFile.write(
            "root:x:0:0:root:/root:/bin/sh\n", to: folder + "/image/etc/passwd", mode: 0o644, sync: false)
        runtime = try Self.runtime(folder, helperEnvironment)
    }

    static func runtime(_ folder: String, _ helperEnvironment: [String] = []) throws -> ContainerRuntime {
        try ContainerRuntime(
            helperPath: helperPath, stateDirectory: folder + "/containers", runDirectory: folder + "/run",
            cacheDirectory: folder, logger: Logger(label: "test"), helperEnvironment: helperEnvironment)
    }

    var idmap: [IDMapEntry] {
        [
            IDMapEntry(isUID: true, isGID: false, hostID: 1_000_000, namespaceID: 0, range: 65536),
            IDMapEntry(isUID: false, isGID: true, hostID: 1_000_000, namespaceID: 0, range: 65536),
        ]
    }

    var rootfs: RootFilesystem {
        .overlay(lower: [folder + "/image"], upper: folder + "/layers/upper", work: folder + "/layers/work")
    }

    var plan: RuntimePlan {
        var plan = RuntimePlan()
        plan.name = name
        plan.stateDirectory = folder + "/containers"
        plan.logDirectory = folder + "/logs"
        plan.consoleLogPath = folder + "/logs/console.log"
        plan.hostName = name
        plan.rootfs = rootfs
        plan.mountPoint = folder + "/instance/rootfs"
        plan.idmap = idmap
        plan.seccompPolicy = "2\ndenylist\n[all]\nkexec_load errno 38\nopen_by_handle_at errno 38\n"
        return plan
    }

    /// Waits until init listens to signals.
    func awaitInit() async throws {
        for _ in 0..<1000 where access(folder + "/layers/upper/tmp/ready", F_OK) != 0 {
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Runs a command and gives what it wrote and its status.
    func run(_ command: [String], input: String = "", _ change: (inout ExecPlan) -> Void = { _ in }) async throws -> (
        status: Int32, output: String
    ) {
        var plan = ExecPlan()
        plan.command = command
        plan.environment = [PlanPair("PATH", "/bin:/sbin")]
        change(&plan)
        var output = try PipeEnds()
        var feed = try PipeEnds()
        let process = try await runtime.exec(
            name, plan,
            streams: (
                FileDescriptor(rawValue: feed.readingNumber), FileDescriptor(rawValue: output.writingNumber),
                FileDescriptor(rawValue: output.writingNumber)
            ))
        output.writing = nil
        feed.reading = nil
        try writeAll(Array(input.utf8), to: FileDescriptor(rawValue: feed.writingNumber))
        feed.writing = nil
        let number = output.readingNumber
        let bytes = try await BlockingPool.shared.run { try readAll(FileDescriptor(rawValue: number), limit: 1 << 20) }
        let status = await process.wait()
        output.reading = nil
        return (status, String(decoding: bytes, as: UTF8.self))
    }

    /// What must not be left: mounts, groups and processes of the container.
    func traces() throws -> [String] {
        var traces = try MountTable.current().below(folder).map { "mount " + $0.target }
        let tree = try CgroupTree()
        for group in [tree.group(named: "lxc.payload." + name), tree.group(named: "lxc.monitor." + name)] {
            let paths = Array(group.v1Paths.values) + (group.unifiedPath.map { [$0] } ?? [])
            traces += paths.filter { access($0, F_OK) == 0 }.map { "cgroup " + $0 }
        }
        traces += try ConfinedDirectory(path: folder + "/run").list().map { "file " + $0 }
        return traces
    }

    func remove() async {
        // A test that failed may leave anything; its own failure is what counts.
        try? await runtime.kill(name)
        try? Mounts.unmountTree(folder)
        try? removeHostTree(folder)
    }
}
