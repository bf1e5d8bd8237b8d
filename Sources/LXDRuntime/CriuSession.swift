internal import CLXDLinux
internal import Glibc
internal import LXDLinux
internal import LXDRuntimePlan
internal import Synchronization
internal import SystemPackage

/// A helper at work with criu, which stops at each of criu's steps until it is told to go on.
///
/// The daemon holds one end of a socket; the helper keeps the other open for criu's action scripts. When the daemon goes away,
/// so does the yes they wait for: criu takes back what it did.
final class CriuSession: Sendable {
    enum Event: Sendable {
        case step(CriuStep)
        case message(HelperMessage)
    }

    let workspace: CriuWorkspace
    private let helper: HelperProcess
    private let hook: OwnedDescriptor
    private let name: String
    private let monitor = Mutex<ProcessHandle?>(nil)

    init(
        _ program: HelperProgram, _ subcommand: String, name: String, plan: some Packable, workspace: CriuWorkspace,
        pages: Int32? = nil
    ) throws {
        var sockets = try SocketPair(.sequencedPacket)
        var descriptors = [HelperDescriptor.connection: sockets.secondNumber]
        descriptors[HelperDescriptor.pages] = pages
        helper = try program.start(subcommand, plan: plan, descriptors: descriptors)
        sockets.second = nil
        guard let hook = sockets.first.take() else { throw RuntimeError.helperDied(subcommand) }
        self.hook = hook
        self.name = name
        self.workspace = workspace
    }

    /// Waits for criu's next step or the helper's last word. Blocks.
    ///
    /// - Throws: What the helper reports, with criu's own first error.
    func next(_ purpose: String, deadline: Duration) throws -> Event {
        let clock = ContinuousClock()
        let end = clock.now + deadline
        while true {
            let left = clock.now.duration(to: end)
            guard left > .zero else {
                // What hangs is ended, and criu's tracees go on when their tracer is gone.
                try helper.process.signal(9)
                throw RuntimeError.deadlineExceeded(purpose)
            }
            var waiting = [
                pollfd(fd: hook.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: helper.controlNumber, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&waiting, 2, Int32(clamping: left.components.seconds * 1000 + 1))
            if ready <= 0 { continue }
            if waiting[0].revents & Int16(POLLIN) != 0 {
                let (bytes, descriptors) = try UnixSocket.receive(
                    sizeMax: HelperDescriptor.messageSizeMax, over: hook.descriptor)
                _ = DescriptorList(descriptors)
                if let step = CriuStep(packet: bytes) { return .step(step) }
            }
            if waiting[1].revents != 0 {
                return .message(try helper.receive(purpose: purpose, deadline: .seconds(5)).message)
            }
        }
    }

    /// Lets criu go on from the step it waits at, or makes it give up.
    func answer(_ goOn: Bool) throws {
        try UnixSocket.send([goOn ? 0 : 1], over: hook.descriptor)
    }

    /// The helper that works in a folder, as long as it lives.
    static func helper(of directory: String) -> Int32? {
        var bytes = [CChar](repeating: 0, count: 256)
        let count = readlink(directory + "/criu-hook", &bytes, bytes.count)
        guard count > 0 else { return nil }
        // /proc/PID/exe
        let target = String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let pid = target.split(separator: "/").dropFirst().first.flatMap({ Int32($0) }) else { return nil }
        let size = readlink(target, &bytes, bytes.count)
        // A number may be another's by now; helpers run from memory.
        guard size > 0, String(decoding: bytes[..<size].map { UInt8(bitPattern: $0) }, as: UTF8.self).contains("memfd:lxd-helper")
        else { return nil }
        return pid
    }

    func kill() { try? helper.process.signal(9) }

    /// Takes note of the monitor of what has been restored, which looks after it from then on: init's parent.
    ///
    /// - Returns: Its number.
    @discardableResult
    func noteMonitor(ofInit pid: Int32) throws -> Int32 {
        guard let parent = ContainerRecord.parent(of: pid) else { throw RuntimeError.helperDied("restore the container") }
        let process = try ProcessHandle(pid: parent)
        monitor.withLock { $0 = process }
        return parent
    }

    /// - Throws: When the helper or the monitor has ended: what has been restored would run with nobody to look after it.
    func requireAttended() throws {
        guard helper.process.exit == nil, monitor.withLock({ $0?.exit == nil }) else {
            throw RuntimeError.helperDied("restore the container")
        }
    }
}

/// What criu wrote about a failure.
package enum CriuLog {
    /// The first error in a log of criu's that means something; nil when there is none.
    package static func firstError(in text: String) -> String? {
        for line in text.split(separator: "\n") {
            guard let start = line.firstRange(of: "Error (")?.lowerBound,
                let end = line[start...].firstRange(of: "): ")?.upperBound
            else { continue }
            let message = line[end...]
            if harmless.contains(where: { message.contains($0) }) { continue }
            return String(message)
        }
        return nil
    }

    /// Errors of every run that went well.
    private static let harmless = ["RLIMIT_", "Address already assigned"]

    static func firstError(at path: String) -> String? {
        // No log: then it did not come so far.
        (try? AtomicFile.readText(path, limit: 32 << 20)).flatMap { firstError(in: $0) }
    }
}
