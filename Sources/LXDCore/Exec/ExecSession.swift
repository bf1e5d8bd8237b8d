internal import FoundationEssentials
internal import LXDAPI
internal import LXDLinux
internal import LXDRuntime
internal import Synchronization
internal import SystemPackage

/// One command between its streams and the client's websockets.
///
/// What the command has written when it ends reaches the client, however slow it reads; at most one chunk a stream is
/// held here. What a child left in the background writes later does not: it must not keep the session open.
struct ExecSession {
    typealias Streams = (input: FileDescriptor?, output: FileDescriptor?, error: FileDescriptor?)

    let handle: OperationHandle
    let isInteractive: Bool

    /// How long a client may take to connect its websockets.
    private static let connectTimeout = Duration.seconds(5)
    private static let sigkill: Int32 = 9

    /// Waits for the websockets, starts the command and gives its status.
    func run(_ start: (Streams) async throws -> ExecProcess) async throws -> Int32 {
        var sockets: [any OperationSocket] = []
        do {
            for name in isInteractive ? ["0", "control"] : ["0", "1", "2"] {
                sockets.append(try await handle.socket(name, within: Self.connectTimeout))
            }
            let status =
                isInteractive
                ? try await runTerminal(sockets[0], control: sockets[1], start)
                : try await runStreams(sockets, start)
            for socket in sockets { await socket.close() }
            return status
        } catch {
            for socket in sockets { await socket.close() }
            throw error
        }
    }

    // MARK: On a terminal

    private func runTerminal(
        _ socket: any OperationSocket, control: any OperationSocket, _ start: (Streams) async throws -> ExecProcess
    ) async throws -> Int32 {
        let process = try await start((nil, nil, nil))
        guard let terminal = process.takeTerminal() else { throw LXDError.internalError("The command has no terminal") }
        let (reading, writing) = try AsyncDescriptor.bothWays(owning: terminal)
        defer {
            writing.close()
            reading.close()
        }
        return await withTaskGroup(of: Int32?.self) { group in
            group.addTask {
                let status = await process.wait()
                reading.interrupt()
                return status
            }
            let output = Task { await Self.send(from: reading, to: socket) }
            group.addTask {
                await Self.receive(from: socket, into: writing)
                return nil
            }
            group.addTask {
                await Self.control(control, process, terminal: writing)
                return nil
            }
            return await Self.status(of: &group, after: [output])
        }
    }

    // MARK: On pipes

    private func runStreams(
        _ sockets: [any OperationSocket], _ start: (Streams) async throws -> ExecProcess
    ) async throws -> Int32 {
        let pipes = [try ProcessPipe(.toProcess), try ProcessPipe(.fromProcess), try ProcessPipe(.fromProcess)]
        let process = try await start((pipes[0].farEnd, pipes[1].farEnd, pipes[2].farEnd))
        for pipe in pipes { pipe.closeFarEnd() }
        let streams = pipes.map(\.stream)
        defer { for stream in streams { stream.close() } }
        let handle = handle
        return await withTaskGroup(of: Int32?.self) { group in
            group.addTask {
                let status = await process.wait()
                for stream in streams.dropFirst() { stream.interrupt() }
                return status
            }
            let pumps = [1, 2].map { number in
                Task { await Self.send(from: streams[number], to: sockets[number]) }
            }
            group.addTask {
                await Self.receive(from: sockets[0], into: streams[0])
                streams[0].close()
                return nil
            }
            group.addTask {
                // Old clients have no control connection: then a closed output means that the client has gone.
                let connected = Mutex(false)
                let watch = Task {
                    while let message = try? await sockets[1].receive() { _ = message }
                    if !Task.isCancelled, !connected.withLock({ $0 }) { try? process.signal(Self.sigkill) }
                }
                defer { watch.cancel() }
                guard let control = try? await handle.socket("control", within: .seconds(365 * 86400)) else {
                    return nil
                }
                connected.withLock { $0 = true }
                await Self.control(control, process, terminal: nil)
                return nil
            }
            return await Self.status(of: &group, after: pumps)
        }
    }

    /// The command's status once it has ended and all it wrote is sent; then the rest is let go.
    private static func status(of group: inout TaskGroup<Int32?>, after pumps: [Task<Void, Never>]) async -> Int32 {
        var status: Int32 = 255
        while let result = await group.next() {
            guard let result else { continue }
            status = result
            break
        }
        for pump in pumps { await pump.value }
        group.cancelAll()
        return status
    }

    // MARK: Directions

    /// Sends what a stream gives as binary messages, then an empty text message: the mark of the end.
    private static func send(from stream: AsyncDescriptor, to socket: any OperationSocket) async {
        do {
            while let bytes = try await stream.read() { try await socket.send(.binary(bytes)) }
            try await socket.send(.text([]))
        } catch {
            // The client has gone: let the command see it as a reader that has gone.
            stream.close()
        }
    }

    /// Writes what the client sends until its end mark.
    private static func receive(from socket: any OperationSocket, into stream: AsyncDescriptor) async {
        do {
            while let message = try await socket.receive() {
                guard case .binary(let bytes) = message else { return }
                try await stream.write(bytes)
            }
        } catch {
            // The command does not read any more, or the client has gone; either shows elsewhere.
        }
    }

    /// Obeys the control connection; a client that leaves it open to the end is well, one that loses it ends the command.
    private static func control(
        _ socket: any OperationSocket, _ process: ExecProcess, terminal: AsyncDescriptor?
    ) async {
        do {
            while let message = try await socket.receive() {
                // What is not understood is left alone, as LXD does.
                guard let order = try? LXDJSON.decode(InstanceExecControl.self, from: Data(message.bytes)) else {
                    continue
                }
                switch order.command {
                case "window-resize":
                    guard let terminal, let columns = Int(order.args["width"] ?? ""),
                        let rows = Int(order.args["height"] ?? "")
                    else { continue }
                    try terminal.resize(rows: rows, columns: columns)
                case "signal": try process.signal(Int32(clamping: order.signal))
                default: continue
                }
            }
        } catch {
            // Falls through: the connection is broken.
        }
        if !Task.isCancelled { try? process.signal(sigkill) }
    }
}
