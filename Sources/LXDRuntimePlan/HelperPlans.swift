/// A command to run in a container.
package struct ExecPlan: Sendable, Hashable {
    package var name = ""
    package var stateDirectory = ""
    package var command: [String] = []
    package var environment: [PlanPair] = []
    package var workingDirectory = ""
    package var uid: UInt32 = 0
    package var gid: UInt32 = 0
    /// Supplementary groups; kept when empty.
    package var groups: [UInt32] = []
    /// Run on a new terminal of the container's devpts instead of the given streams.
    package var terminal = false
    package var rows: UInt32 = 0
    package var columns: UInt32 = 0
    /// Names without `RLIMIT_`, such as `nofile`, and `SOFT:HARD` or one number for both.
    package var resourceLimits: [PlanPair] = []

    /// The container's init, also referred to by the pidfd sent along as `connection`.
    package var initPID: Int32 = 0
    /// Where the container is in each v1 tree.
    package var legacyGroups: [String] = []
    /// Where it is in the unified tree; empty without one.
    package var unifiedGroup = ""
    /// The container's system call filter as the kernel takes it, if its start left one there.
    package var filterPath = ""

    package init() {}
}

extension ExecPlan: Packable {
    package func pack(into p: inout Packer) {
        name.pack(into: &p)
        stateDirectory.pack(into: &p)
        command.pack(into: &p)
        environment.pack(into: &p)
        workingDirectory.pack(into: &p)
        uid.pack(into: &p)
        gid.pack(into: &p)
        groups.pack(into: &p)
        terminal.pack(into: &p)
        rows.pack(into: &p)
        columns.pack(into: &p)
        resourceLimits.pack(into: &p)
        initPID.pack(into: &p)
        legacyGroups.pack(into: &p)
        unifiedGroup.pack(into: &p)
        filterPath.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init()
        name = try u.value()
        stateDirectory = try u.value()
        command = try u.value()
        environment = try u.value()
        workingDirectory = try u.value()
        uid = try u.value()
        gid = try u.value()
        groups = try u.value()
        terminal = try u.value()
        rows = try u.value()
        columns = try u.value()
        resourceLimits = try u.value()
        initPID = try u.value()
        legacyGroups = try u.value()
        unifiedGroup = try u.value()
        filterPath = try u.value()
    }
}

/// A request about a container that runs (or, for files, may be stopped).
package enum HelperRequest: Sendable, Hashable {
    /// Hand over the console: the terminal's master and the socket that reserves it.
    case openConsole(name: String, stateDirectory: String)
    /// The console's ring buffer; optionally emptied afterwards, or only emptied.
    case readConsoleLog(name: String, stateDirectory: String, clear: Bool)
    /// Stop at once.
    case kill(name: String, stateDirectory: String)
    /// Serve SFTP on descriptor 5 in a running container.
    case serveFiles(initPID: Int32)
    /// Serve SFTP on descriptor 5 in the files of a stopped one.
    case serveStoppedFiles(rootfs: RootFilesystem, mountPoint: String, idmap: [IDMapEntry])
    /// Mount something into a running container.
    case attachMount(initPID: Int32, entry: MountEntry, idmap: [IDMapEntry])
    /// Unmount a path inside a running container and remove the empty target if lxd made it.
    case detachMount(initPID: Int32, target: String)
    /// Mount a root file system in the daemon's namespace (publish, export); readable by the container's ids.
    case mountRoot(rootfs: RootFilesystem, mountPoint: String, idmap: [IDMapEntry])
    /// What liblxc and the kernel offer.
    case probe
    /// Let a running container use a device, or no longer; the rule as in `c 10:200 rwm`.
    case device(name: String, stateDirectory: String, rule: String, isAllowed: Bool)
}

extension HelperRequest: Packable {
    package func pack(into p: inout Packer) {
        switch self {
        case .openConsole(let name, let directory):
            p.number(UInt8(0))
            name.pack(into: &p)
            directory.pack(into: &p)
        case .readConsoleLog(let name, let directory, let clear):
            p.number(UInt8(1))
            name.pack(into: &p)
            directory.pack(into: &p)
            clear.pack(into: &p)
        case .kill(let name, let directory):
            p.number(UInt8(2))
            name.pack(into: &p)
            directory.pack(into: &p)
        case .serveFiles(let pid):
            p.number(UInt8(3))
            pid.pack(into: &p)
        case .serveStoppedFiles(let rootfs, let mountPoint, let idmap):
            p.number(UInt8(4))
            rootfs.pack(into: &p)
            mountPoint.pack(into: &p)
            idmap.pack(into: &p)
        case .attachMount(let pid, let entry, let idmap):
            p.number(UInt8(5))
            pid.pack(into: &p)
            entry.pack(into: &p)
            idmap.pack(into: &p)
        case .detachMount(let pid, let target):
            p.number(UInt8(6))
            pid.pack(into: &p)
            target.pack(into: &p)
        case .mountRoot(let rootfs, let mountPoint, let idmap):
            p.number(UInt8(7))
            rootfs.pack(into: &p)
            mountPoint.pack(into: &p)
            idmap.pack(into: &p)
        case .probe:
            p.number(UInt8(8))
        case .device(let name, let directory, let rule, let isAllowed):
            p.number(UInt8(9))
            name.pack(into: &p)
            directory.pack(into: &p)
            rule.pack(into: &p)
            isAllowed.pack(into: &p)
        }
    }

    package init(unpacking u: inout Unpacker) throws(PackingError) {
        switch try u.number(UInt8.self) {
        case 0: self = .openConsole(name: try u.value(), stateDirectory: try u.value())
        case 1: self = .readConsoleLog(name: try u.value(), stateDirectory: try u.value(), clear: try u.value())
        case 2: self = .kill(name: try u.value(), stateDirectory: try u.value())
        case 3: self = .serveFiles(initPID: try u.value())
        case 4: self = .serveStoppedFiles(rootfs: try u.value(), mountPoint: try u.value(), idmap: try u.value())
        case 5: self = .attachMount(initPID: try u.value(), entry: try u.value(), idmap: try u.value())
        case 6: self = .detachMount(initPID: try u.value(), target: try u.value())
        case 7: self = .mountRoot(rootfs: try u.value(), mountPoint: try u.value(), idmap: try u.value())
        case 8: self = .probe
        case 9:
            self = .device(
                name: try u.value(), stateDirectory: try u.value(), rule: try u.value(), isAllowed: try u.value())
        default: throw .malformed
        }
    }
}

/// What the helper says on its control socket; descriptors travel beside it.
package enum HelperMessage: Sendable, Hashable {
    /// The container runs. Descriptors: none.
    case running(initPID: Int32, monitorPID: Int32)
    /// A command runs. Descriptors: its pidfd, then the terminal's master if it has one.
    case started(pid: Int32)
    /// A command ended: 0–255, or 128 + signal.
    case exited(status: Int32)
    /// The request is done. Descriptors: those asked for.
    case done(text: String)
    /// It failed; nothing of it is left.
    case failed(HelperFailure)
    /// What the host offers.
    case features(HostFeatures)
}

/// Where and why the helper failed.
package struct HelperFailure: Error, Sendable, Hashable {
    /// What was being done, such as `mount the root file system`.
    package var step: String
    /// The kernel's error number; 0 when there is none.
    package var number: Int32
    /// The path or item concerned.
    package var subject: String
    /// The end of liblxc's log, when that says more.
    package var log: String

    package init(step: String, number: Int32 = 0, subject: String = "", log: String = "") {
        (self.step, self.number, self.subject, self.log) = (step, number, subject, log)
    }
}

extension HelperFailure: Packable {
    package func pack(into p: inout Packer) {
        step.pack(into: &p)
        number.pack(into: &p)
        subject.pack(into: &p)
        log.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init(step: try u.value(), number: try u.value(), subject: try u.value(), log: try u.value())
    }
}

extension HelperMessage: Packable {
    package func pack(into p: inout Packer) {
        switch self {
        case .running(let initPID, let monitorPID):
            p.number(UInt8(0))
            initPID.pack(into: &p)
            monitorPID.pack(into: &p)
        case .started(let pid):
            p.number(UInt8(1))
            pid.pack(into: &p)
        case .exited(let status):
            p.number(UInt8(2))
            status.pack(into: &p)
        case .done(let text):
            p.number(UInt8(3))
            text.pack(into: &p)
        case .failed(let failure):
            p.number(UInt8(4))
            failure.pack(into: &p)
        case .features(let features):
            p.number(UInt8(5))
            features.pack(into: &p)
        }
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        switch try u.number(UInt8.self) {
        case 0: self = .running(initPID: try u.value(), monitorPID: try u.value())
        case 1: self = .started(pid: try u.value())
        case 2: self = .exited(status: try u.value())
        case 3: self = .done(text: try u.value())
        case 4: self = .failed(try u.value())
        case 5: self = .features(try u.value())
        default: throw .malformed
        }
    }
}

/// The descriptors a helper is started with.
package enum HelperDescriptor {
    /// Control socket, sequenced packets.
    package static let control: Int32 = 3
    /// The request or plan, a file read to its end.
    package static let plan: Int32 = 4
    /// The connection that a file server serves; the pidfd of the container that a command enters.
    package static let connection: Int32 = 5
    /// Where pages of memory come from or go to in a post-copy: a stream socket.
    package static let pages: Int32 = 6
    /// Bytes of one control message.
    package static let messageSizeMax = 128 << 10
}

/// A helper to be forked by the one that serves: what it does, and the numbers of the descriptors sent along.
package struct HelperBirth: Sendable, Hashable {
    package var subcommand: String
    package var numbers: [Int32]

    package init(subcommand: String, numbers: [Int32]) { (self.subcommand, self.numbers) = (subcommand, numbers) }
}

extension HelperBirth: Packable {
    package func pack(into p: inout Packer) {
        subcommand.pack(into: &p)
        numbers.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init(subcommand: try u.value(), numbers: try u.value())
    }
}
