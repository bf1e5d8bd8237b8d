internal import LXDAPI
package import LXDLinux
package import LXDRuntimePlan
package import SystemPackage

/// The helper program, held so that nobody inside a container can change it.
///
/// Every helper is started from a sealed copy in memory: a container that gets hold of `/proc/PID/exe` finds nothing it
/// could write to (CVE-2019-5736).
package final class HelperProgram: Sendable {
    private let image: OwnedDescriptor
    private let path: String
    private let nursery: HelperNursery

    /// Copies the program.
    package init(path program: String, environment: [String] = []) throws {
        image = try MemoryFile.sealed(name: "lxd-helper", try AtomicFile.read(program, limit: 64 << 20))
        path = "/proc/\(currentProcessID())/fd/\(image.rawValue)"
        nursery = HelperNursery(executable: path, environment: Self.environment + environment)
    }

    /// No programs to be found: liblxc would otherwise set id maps through newuidmap, which is slower and asks
    /// /etc/subuid for what root may do anyway.
    private static let environment = ["PATH=/nonexistent", "TERM=linux"]

    /// Starts the helper. Blocks for less than a millisecond.
    ///
    /// - Parameters:
    ///   - subcommand: `start`, `exec` or `request`.
    ///   - descriptors: Of the helper (number there -> number here) beside the control socket and the plan.
    func start(_ subcommand: String, plan: some Packable, descriptors: [Int32: Int32] = [:]) throws -> HelperProcess {
        var sockets = try SocketPair(.sequencedPacket)
        let planFile = try MemoryFile.sealed(name: "plan", plan.packed())
        try planFile.descriptor.seek(offset: 0, from: .start)
        var descriptors = descriptors
        descriptors[HelperDescriptor.control] = sockets.secondNumber
        descriptors[HelperDescriptor.plan] = planFile.rawValue
        let process: ProcessHandle
        do {
            process = try nursery.start(subcommand, descriptors: descriptors)
        } catch {
            throw RuntimeError.cannotStartHelper(error)
        }
        sockets.second = nil
        guard let control = sockets.first.take() else { throw RuntimeError.helperDied(subcommand) }
        return HelperProcess(process: process, control: control)
    }

    /// Sends one request and waits for its answer.
    ///
    /// - Parameter purpose: For messages, after "Failed to".
    package func perform(
        _ request: HelperRequest, purpose: String, connection: FileDescriptor? = nil, deadline: Duration = .seconds(30)
    ) async throws -> HelperAnswer {
        try await BlockingPool.shared.run { [self] in
            let extra: [Int32: Int32] = connection.map { [HelperDescriptor.connection: $0.rawValue] } ?? [:]
            let helper = try start("request", plan: request, descriptors: extra)
            return try helper.receive(purpose: purpose, deadline: deadline)
        }
    }
}

/// A message of the helper with its descriptors; those not taken are closed.
package final class HelperAnswer: Sendable {
    package let message: HelperMessage
    private let descriptors: DescriptorList

    init(_ message: HelperMessage, _ descriptors: [FileDescriptor]) {
        self.message = message
        self.descriptors = DescriptorList(descriptors)
    }

    /// Takes the descriptor at `index`; the caller owns it then.
    package func take(_ index: Int) -> OwnedDescriptor? {
        descriptors.take(index).map { OwnedDescriptor(adopting: $0) }
    }
}

/// A running helper.
final class HelperProcess: Sendable {
    let process: ProcessHandle
    private let control: OwnedDescriptor

    init(process: ProcessHandle, control: consuming OwnedDescriptor) {
        self.process = process
        self.control = control
    }

    /// Borrowed, for waiting.
    var controlNumber: Int32 { control.rawValue }

    /// What it says after its first answer, for a task that waits; then `receive` is not used any more.
    func answers() throws(Errno) -> AsyncDescriptor { try AsyncDescriptor(adopting: control.duplicate()) }

    /// Waits for the next message; blocks.
    ///
    /// A helper that does not answer in time is killed.
    func receive(purpose: String, deadline: Duration) throws -> HelperAnswer {
        guard try control.descriptor.waitReadable(for: deadline) else {
            try process.signal(9)
            throw RuntimeError.deadlineExceeded(purpose)
        }
        let (bytes, descriptors) = try UnixSocket.receive(
            sizeMax: HelperDescriptor.messageSizeMax, over: control.descriptor)
        guard !bytes.isEmpty else { throw RuntimeError.helperDied(purpose) }
        let answer = HelperAnswer(try HelperMessage(packed: bytes), descriptors)
        if case .failed(let failure) = answer.message { throw RuntimeError.failed(failure) }
        return answer
    }
}
