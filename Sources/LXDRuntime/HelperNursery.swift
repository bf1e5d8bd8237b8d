internal import LXDLinux
internal import LXDRuntimePlan
internal import Synchronization
internal import SystemPackage

/// Starts helpers by letting one that is loaded already fork them: loading liblxc and Swift's runtime takes longer than
/// most of what a helper does.
///
/// The one that forks ends when nothing is asked of it for minutes, or may be killed; another is started when it is needed.
final class HelperNursery: Sendable {
    private let executable: String
    private let environment: [String]
    private let server = Mutex<Server?>(nil)

    /// Held while it answers, which it does at once.
    private final class Server: Sendable {
        let process: ProcessHandle
        let control: OwnedDescriptor
        init(_ process: ProcessHandle, _ control: consuming OwnedDescriptor) {
            self.process = process
            self.control = control
        }
    }

    init(executable: String, environment: [String]) { (self.executable, self.environment) = (executable, environment) }

    /// - Parameter descriptors: Of the helper (number there -> number here).
    func start(_ subcommand: String, descriptors: [Int32: Int32]) throws(Errno) -> ProcessHandle {
        let sorted = descriptors.sorted { $0.key < $1.key }
        let birth = HelperBirth(subcommand: subcommand, numbers: sorted.map(\.key))
        let sent = sorted.map { FileDescriptor(rawValue: $0.value) }
        let born = server.withLock { server -> ProcessHandle? in
            for _ in 0..<2 {
                do {
                    let current = try server ?? launch()
                    server = current
                    return try ask(current, birth, sent)
                } catch {
                    // Ended, or ending, because nothing was asked of it for long: the next one is fresh.
                    try? server?.process.signal(9)
                    server = nil
                }
            }
            return nil
        }
        if let born { return born }
        var request = SpawnRequest(executable: executable, arguments: ["lxd-helper", subcommand], environment: environment)
        request.descriptors = descriptors
        return try ProcessSpawner.spawn(request)
    }

    private func launch() throws -> Server {
        var sockets = try SocketPair(.sequencedPacket)
        var request = SpawnRequest(executable: executable, arguments: ["lxd-helper", "serve"], environment: environment)
        request.descriptors = [HelperDescriptor.control: sockets.secondNumber]
        let process = try ProcessSpawner.spawn(request)
        guard let control = sockets.first.take() else { throw Errno.badFileDescriptor }
        return Server(process, control)
    }

    private func ask(_ server: Server, _ birth: HelperBirth, _ descriptors: [FileDescriptor]) throws -> ProcessHandle {
        try UnixSocket.send(birth.packed(), descriptors: descriptors, over: server.control.descriptor)
        guard try server.control.descriptor.waitReadable(for: .seconds(10)) else { throw Errno.timedOut }
        let (bytes, received) = try UnixSocket.receive(sizeMax: 4096, over: server.control.descriptor)
        let list = DescriptorList(received)
        guard case .started(let pid) = try HelperMessage(packed: bytes), let pidfd = list.take(0) else {
            throw Errno.noSuchProcess
        }
        return try ProcessHandle(pid: pid, pidfd: OwnedDescriptor(adopting: pidfd))
    }
}
