package import LXDAPI
internal import LXDLinux
package import LXDRuntime
internal import LXDRuntimePlan
internal import SystemPackage

/// Runs commands in instances.
package final class ExecService: Sendable {
    private let environment: InstanceEnvironment
    private let runtime: ContainerRuntime
    private let operations: Operations

    package init(environment: InstanceEnvironment, runtime: ContainerRuntime, operations: Operations) {
        self.environment = environment
        self.runtime = runtime
        self.operations = operations
    }

    /// Starts a command as an operation: over websockets, or by itself with its output recorded or dropped.
    package func exec(
        _ key: InstanceKey, _ request: InstanceExecPost, by requestor: EventLifecycleRequestor?
    ) async throws -> Operation {
        runtime.expectEntry()
        let instance = try await environment.load(key)
        try runtime.requireActive(instance)
        guard !request.command.isEmpty else { throw LXDError.badRequest("No command was given") }
        var request = request
        request.environment = processEnvironment(of: instance, request)
        let plan = Self.plan(request, of: instance)
        let resources = InstanceResources.of([key.name])
        return request.waitForWebsocket
            ? try overWebsockets(instance, request, plan, resources, requestor)
            : try byItself(instance, request, plan, resources, requestor)
    }

    private static func plan(_ request: InstanceExecPost, of instance: LoadedInstance) -> ExecPlan {
        var plan = ExecPlan()
        plan.command = request.command
        plan.environment = request.environment.sorted { $0.key < $1.key }.map { PlanPair($0.key, $0.value) }
        plan.workingDirectory = request.cwd.isEmpty ? request.environment["HOME"] ?? "" : request.cwd
        plan.uid = request.user
        plan.gid = request.group
        plan.terminal = request.interactive && request.waitForWebsocket
        plan.rows = UInt32(clamping: request.height)
        plan.columns = UInt32(clamping: request.width)
        let limits = "limits.kernel."
        plan.resourceLimits = instance.expandedConfig.filter { $0.key.hasPrefix(limits) }.sorted { $0.key < $1.key }
            .map { PlanPair(String($0.key.dropFirst(limits.count)), $0.value) }
        return plan
    }

    /// The request's own settings over the instance's over LXD's defaults.
    private func processEnvironment(of instance: LoadedInstance, _ request: InstanceExecPost) -> [String: String] {
        var variables = request.environment
        for (key, value) in instance.expandedConfig where key.hasPrefix("environment.") {
            let name = String(key.dropFirst("environment.".count))
            if variables[name] == nil { variables[name] = value }
        }
        if variables["PATH"] == nil {
            variables["PATH"] =
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" + extraPath(instance.runtimeName)
        }
        if request.user == 0 {
            if variables["HOME"] == nil { variables["HOME"] = "/root" }
            if variables["USER"] == nil { variables["USER"] = "root" }
        }
        if variables["LANG"] == nil { variables["LANG"] = "C.UTF-8" }
        return variables
    }

    private func extraPath(_ name: String) -> String {
        // The instance may end at any moment; then the command fails, not this.
        guard let pid = runtime.running(name)?.initPID, let root = try? ConfinedDirectory(path: "/proc/\(pid)/root")
        else {
            return ""
        }
        return (root.exists("snap") ? ":/snap/bin" : "")
            + (root.exists("etc/NIXOS") ? ":/run/current-system/sw/bin" : "")
    }

    private func announce(_ instance: LoadedInstance, _ command: [String], _ requestor: EventLifecycleRequestor?) {
        environment.announce(
            .instanceExec, instance.key, by: requestor, context: ["command": .array(command.map { .string($0) })])
    }

    // MARK: With websockets

    private func overWebsockets(
        _ instance: LoadedInstance, _ request: InstanceExecPost, _ plan: ExecPlan, _ resources: [String: [String]],
        _ requestor: EventLifecycleRequestor?
    ) throws -> Operation {
        let sockets = request.interactive ? ["0", "control"] : ["0", "1", "2", "control"]
        return try operations.startWebsocket(
            .commandExec, project: instance.project, resources: resources, sockets: sockets, requestor: requestor,
            metadata: { secrets in
                [
                    "fds": .object(secrets.mapValues { .string($0) }),
                    "command": .array(request.command.map { .string($0) }),
                    "environment": .object(request.environment.mapValues { .string($0) }),
                    "interactive": .bool(request.interactive),
                ]
            },
            work: { [self] handle in
                let session = ExecSession(handle: handle, isInteractive: request.interactive)
                let status: Int32
                do {
                    status = try await session.run { streams in
                        let process = try await runtime.exec(instance.runtimeName, plan, streams: streams)
                        announce(instance, request.command, requestor)
                        return process
                    }
                } catch {
                    handle.update(["return": .integer(-1)])
                    throw error
                }
                handle.update(["return": .integer(Int64(status))])
                try Self.refuse(status)
            })
    }

    // MARK: Without

    private func byItself(
        _ instance: LoadedInstance, _ request: InstanceExecPost, _ plan: ExecPlan, _ resources: [String: [String]],
        _ requestor: EventLifecycleRequestor?
    ) throws -> Operation {
        try operations.start(
            .commandExec, project: instance.project, resources: resources, requestor: requestor,
            work: { [self] handle in
                var metadata: [String: JSONValue] = [:]
                var files: [FileDescriptor] = []
                defer {
                    // What was written is with the kernel.
                    for file in files { try? file.close() }
                }
                if request.recordOutput {
                    let folder = environment.paths.instanceLogs(instance.runtimeName)
                    let names = ["exec_\(handle.id).stdout", "exec_\(handle.id).stderr"]
                    let logs = try ConfinedDirectory(path: folder, resolution: .beneath)
                    for name in names { files.append(try logs.create(name).release()) }
                    metadata["output"] = [
                        "1": .string("/1.0/instances/\(instance.name)/logs/\(names[0])"),
                        "2": .string("/1.0/instances/\(instance.name)/logs/\(names[1])"),
                    ]
                }
                let process = try await runtime.exec(
                    instance.runtimeName, plan,
                    streams: (nil, files.first, files.last))
                announce(instance, request.command, requestor)
                let status = await process.wait()
                metadata["return"] = .integer(Int64(status))
                handle.update(metadata)
                try Self.refuse(status)
            })
    }

    /// The two statuses by which shells and LXD tell that there was nothing to run.
    private static func refuse(_ status: Int32) throws(LXDError) {
        switch status {
        case 127: throw .badRequest("Command not found")
        case 126: throw .badRequest("Command not executable")
        default: return
        }
    }
}

extension ContainerRuntime {
    /// Refuses what needs a running instance, in LXD's words.
    func requireActive(_ instance: LoadedInstance) throws {
        switch state(instance.runtimeName) {
        case .running: return
        case .frozen: throw LXDError.badRequest("Instance is frozen")
        case .stopped, .starting, .stopping: throw LXDError.badRequest("Instance is not running")
        }
    }
}
