internal import CLXDLinux
internal import Glibc
internal import LXDLinux
internal import LXDRuntimePlan
internal import Synchronization
internal import SystemPackage

/// The source's end of the stream over which pages of memory travel in a post-copy.
final class PageStream: Sendable {
    private struct State {
        /// criu's, until it has it.
        var far: FileDescriptor?
        /// For who carries them to the target.
        var near: FileDescriptor?
        /// The same stream once more, to end it.
        var own: FileDescriptor?
    }
    private let state = Mutex(State())

    /// Makes the stream anew.
    ///
    /// - Returns: criu's end, borrowed.
    func open() throws -> Int32 {
        close()
        var sockets = try SocketPair(.stream)
        guard let near = sockets.first.take(), let far = sockets.second.take() else { throw Errno.badFileDescriptor }
        let own = try near.duplicate().release()
        let number = far.rawValue
        let new = State(far: far.release(), near: near.release(), own: own)
        state.withLock { $0 = new }
        return number
    }

    /// criu has its end: when it is gone, the other has to see it.
    func handedOver() {
        let far = state.withLock { state in
            defer { state.far = nil }
            return state.far
        }
        if let far { _ = Glibc.close(far.rawValue) }
    }

    func take() -> FileDescriptor? {
        state.withLock { state in
            defer { state.near = nil }
            return state.near
        }
    }

    /// Ends the stream, whoever has it.
    func close() {
        let old = state.withLock { state in
            defer { state = State() }
            return state
        }
        if let own = old.own { _ = shutdown(own.rawValue, Int32(SHUT_RDWR)) }
        for case let descriptor? in [old.far, old.near, old.own] { _ = Glibc.close(descriptor.rawValue) }
    }

    deinit { close() }
}

/// The target's side of a post-copy: the helper that lets criu fetch the pages, and ends the container when they don't all come.
final class PageFetch: Sendable {
    private let helper: HelperProcess
    private let criu: ProcessHandle
    private let connection: OwnedDescriptor

    /// Starts it; the images are complete. Blocks.
    ///
    /// - Parameter pages: The stream from the source, borrowed.
    init(_ program: HelperProgram, _ plan: PagesPlan, pages: Int32) throws {
        var sockets = try SocketPair(.sequencedPacket)
        helper = try program.start(
            "pages", plan: plan,
            descriptors: [HelperDescriptor.connection: sockets.secondNumber, HelperDescriptor.pages: pages])
        sockets.second = nil
        guard let connection = sockets.first.take() else { throw RuntimeError.helperDied("pages") }
        self.connection = connection
        let answer = try helper.receive(purpose: "fetch the memory of the container", deadline: .seconds(30))
        guard case .started(let pid) = answer.message else { throw RuntimeError.helperDied("fetch the memory of the container") }
        criu = try ProcessHandle(pid: pid)
    }

    /// Tells it which container is to end when not all pages come. Blocks.
    func begin(initPID: Int32) throws {
        try UnixSocket.send(CriuStep("container", initPID: initPID).packet, over: connection.descriptor)
        guard try connection.descriptor.waitReadable(for: .seconds(10)),
            try !UnixSocket.receive(sizeMax: 16, over: connection.descriptor).0.isEmpty
        else { throw RuntimeError.helperDied("fetch the memory of the container") }
    }

    /// Waits until all pages have come. Blocks.
    ///
    /// - Throws: When they did not; the container has been ended then.
    func wait(deadline: Duration) throws {
        let answer = try helper.receive(purpose: "fetch the memory of the container", deadline: deadline)
        guard case .done = answer.message else { throw RuntimeError.helperDied("fetch the memory of the container") }
    }

    /// The container does not run, or must not.
    func end() { try? criu.signal(9) }
}

/// The pages of one container that is being restored: prepares the kernel, and starts and ends the fetching.
final class PageArrival: Sendable {
    private let tuning: HostTuning
    private let start: @Sendable () throws -> PageFetch
    private let state = Mutex<(fetch: PageFetch?, isTuned: Bool)>((nil, false))

    init(_ tuning: HostTuning, start: @escaping @Sendable () throws -> PageFetch) {
        self.tuning = tuning
        self.start = start
    }

    func begin() throws {
        try tuning.raise(HostTuning.userFaults, to: 1)
        state.withLock { $0.isTuned = true }
        let fetch = try start()
        state.withLock { $0.fetch = fetch }
    }

    /// Everything is restored: from now on the container depends on the pages.
    func hold(initPID: Int32) throws {
        untune()
        try state.withLock { $0.fetch }?.begin(initPID: initPID)
    }

    func wait(deadline: Duration) throws { try state.withLock { $0.fetch }?.wait(deadline: deadline) }

    func end() {
        untune()
        state.withLock { $0.fetch }?.end()
    }

    private func untune() {
        let wasTuned = state.withLock { state in
            defer { state.isTuned = false }
            return state.isTuned
        }
        if wasTuned { tuning.release(HostTuning.userFaults) }
    }
}
