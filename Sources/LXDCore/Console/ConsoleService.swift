internal import FoundationEssentials
package import LXDAPI
internal import LXDLinux
package import LXDRuntime
internal import SystemPackage

/// The consoles of instances: attaching to one, and what was written on it.
package final class ConsoleService: Sendable {
    private let environment: InstanceEnvironment
    private let runtime: ContainerRuntime
    private let operations: Operations
    private static let logBytesMax = 64 << 20

    package init(environment: InstanceEnvironment, runtime: ContainerRuntime, operations: Operations) {
        self.environment = environment
        self.runtime = runtime
        self.operations = operations
    }

    // MARK: Attaching

    package func attach(
        _ key: InstanceKey, _ request: InstanceConsolePost, by requestor: EventLifecycleRequestor?
    ) async throws -> Operation {
        switch request.type {
        case "", "console": break
        case "vga":
            _ = try await environment.load(key)
            throw LXDError.badRequest("VGA console is only supported by virtual machines")
        default: throw LXDError.badRequest("Unknown console type \(goQuoted(request.type))")
        }
        let instance = try await environment.load(key)
        try runtime.requireActive(instance)
        return try operations.startWebsocket(
            .consoleShow, project: key.project, resources: InstanceResources.of([key.name]), sockets: ["0", "control"],
            requestor: requestor,
            metadata: { ["fds": .object($0.mapValues { .string($0) })] },
            work: { [self] handle in try await serve(instance, request, handle, requestor) })
    }

    private func serve(
        _ instance: LoadedInstance, _ request: InstanceConsolePost, _ handle: OperationHandle,
        _ requestor: EventLifecycleRequestor?
    ) async throws {
        let socket = try await handle.socket("0", within: .seconds(30))
        let result: Result<Void, any Error>
        do {
            let control = try await handle.socket("control", within: .seconds(30))
            try await serve(instance, request, socket, control, requestor)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await socket.close()
        try result.get()
    }

    private func serve(
        _ instance: LoadedInstance, _ request: InstanceConsolePost, _ socket: any OperationSocket,
        _ control: any OperationSocket, _ requestor: EventLifecycleRequestor?
    ) async throws {
        let console = try await open(instance)
        defer { console.close() }
        environment.announce(.instanceConsole, instance.key, by: requestor, context: ["type": "console"])
        if request.width > 0 && request.height > 0 {
            try console.resize(rows: request.height, columns: request.width)
        }
        await Self.mirror(console, socket, control)
    }

    /// Carries bytes both ways until either side has gone.
    private static func mirror(
        _ console: ConsoleSession, _ socket: any OperationSocket, _ control: any OperationSocket
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await send(from: console, to: socket) }
            group.addTask { await receive(from: socket, into: console) }
            group.addTask { await obey(control, console) }
            await group.next()
            group.cancelAll()
            console.leave()
        }
        // A client that has gone does not read it.
        try? await socket.send(.binary(Array("\n\r".utf8)))
        await control.close()
    }

    private func open(_ instance: LoadedInstance) async throws -> ConsoleSession {
        do {
            return try await runtime.openConsole(instance.runtimeName)
        } catch RuntimeError.failed {
            throw LXDError.internalError(
                "The console of \(goQuoted(instance.name)) is in use or was closed by the instance")
        }
    }

    private static func send(from console: ConsoleSession, to socket: any OperationSocket) async {
        do {
            try await console.output { try await socket.send(.binary($0)) }
        } catch {
            // The client has gone; the session ends with it.
        }
    }

    private static func receive(from socket: any OperationSocket, into console: ConsoleSession) async {
        do {
            while let message = try await socket.receive() {
                guard case .binary(let bytes) = message else { return }
                try await console.write(bytes)
            }
        } catch {
            // Either side has gone; the session ends with it.
        }
    }

    private static func obey(_ control: any OperationSocket, _ console: ConsoleSession) async {
        do {
            while let message = try await control.receive() {
                guard let order = try? LXDJSON.decode(InstanceConsoleControl.self, from: Data(message.bytes)),
                    order.command == "window-resize", let columns = Int(order.args["width"] ?? ""),
                    let rows = Int(order.args["height"] ?? "")
                else { continue }
                try console.resize(rows: rows, columns: columns)
            }
        } catch {
            // The client has gone; the session ends with it.
        }
    }

    // MARK: Log

    /// What was written on the console: from memory while it runs, else what was kept at its stop.
    package func log(_ key: InstanceKey, by requestor: EventLifecycleRequestor?) async throws -> [UInt8] {
        let instance = try await environment.load(key)
        let bytes: [UInt8]
        if runtime.running(instance.runtimeName) != nil {
            let ring = try await runtime.consoleLog(instance.runtimeName)
            // liblxc gives a container that was restored no ring: the runtime writes the file.
            bytes = ring.isEmpty && FileManager.default.fileExists(atPath: path(instance)) ? try keptLog(path(instance)) : ring
        } else {
            bytes = try keptLog(path(instance))
        }
        environment.announce(.instanceConsoleRetrieved, key, by: requestor)
        return bytes
    }

    private func keptLog(_ path: String) throws -> [UInt8] {
        do {
            return try AtomicFile.read(path, limit: Self.logBytesMax)
        } catch {
            guard error == .noSuchFileOrDirectory else { throw error }
            throw LXDError.notFound("open \(path): no such file or directory")
        }
    }

    package func clearLog(_ key: InstanceKey, by requestor: EventLifecycleRequestor?) async throws {
        let instance = try await environment.load(key)
        if runtime.running(instance.runtimeName) != nil {
            _ = try await runtime.consoleLog(instance.runtimeName, clear: true)
        }
        let logs = try ConfinedDirectory(
            path: environment.paths.instanceLogs(instance.runtimeName), resolution: .beneath)
        do {
            _ = try logs.create("console.log")
        } catch {
            // While it runs, none may have been written yet.
            guard error == .noSuchFileOrDirectory, runtime.running(instance.runtimeName) != nil else { throw error }
        }
        environment.announce(.instanceConsoleReset, key, by: requestor)
    }

    private func path(_ instance: LoadedInstance) -> String {
        environment.paths.instanceLogs(instance.runtimeName) + "/console.log"
    }
}
