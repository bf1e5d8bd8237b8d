internal import LXDLinux
package import LXDRuntimePlan
package import SystemPackage

extension ContainerRuntime {
    // MARK: Ending

    /// Ends a container at once and waits until it is cleaned up; one that does not run is no error.
    package func kill(_ name: String) async throws {
        guard let entry = try? entry(name) else { return }
        try entry.initProcess.signal(9)
        // What is frozen does not die.
        if entry.group.isFrozen { try? entry.group.setFrozen(false) }
        if await waitForEnd(name, timeout: .seconds(20)) { return }
        // The monitor hangs: end it too, the rest is cleaned up after it.
        try entry.monitor.signal(9)
        guard await waitForEnd(name, timeout: .seconds(20)) else {
            throw RuntimeError.deadlineExceeded("stop the container")
        }
    }

    /// Asks init to end and waits.
    ///
    /// - Parameter timeout: nil waits for ever.
    /// - Throws: `RuntimeError.deadlineExceeded` when it still runs then.
    package func shutdown(_ name: String, timeout: Duration?) async throws {
        let entry = try entry(name)
        try entry.initProcess.signal(haltSignal(ofInit: entry.initProcess.pid))
        guard await waitForEnd(name, timeout: timeout) else {
            throw RuntimeError.deadlineExceeded("shut down the container")
        }
    }

    // MARK: Freezing

    /// Stops all processes where they are, and waits until they stand.
    package func freeze(_ name: String) async throws {
        let group = try entry(name).group
        try group.setFrozen(true)
        for attempt in 1...3000 {
            if group.isFrozen { return }
            // Version 1 of the control groups may miss what was being forked at that moment.
            if attempt.isMultiple(of: 100) { try group.setFrozen(true) }
            try await Task.sleep(for: .milliseconds(10))
        }
        try group.setFrozen(false)
        throw RuntimeError.deadlineExceeded("freeze the container")
    }

    package func unfreeze(_ name: String) async throws { try entry(name).group.setFrozen(false) }

    // MARK: Limits

    /// Writes a file of the container's cgroup.
    package func setCgroup(_ name: String, _ setting: CgroupSetting) throws {
        try entry(name).group.write(setting.file, setting.value)
    }

    /// Reads a file of the container's cgroup; nil where it is missing.
    package func cgroupValue(_ name: String, _ file: String) -> String? { try? entry(name).group.read(file) }

    // MARK: Hot-plugging

    /// Mounts something into a running container.
    package func attachMount(_ name: String, _ mount: MountEntry, idmap: [IDMapEntry]) async throws {
        let pid = try entry(name).initProcess.pid
        _ = try await helper.perform(
            .attachMount(initPID: pid, entry: mount, idmap: idmap), purpose: "attach the mount")
    }

    /// Unmounts a path inside a running container; one that is no mount is no error.
    package func detachMount(_ name: String, target: String) async throws {
        let pid = try entry(name).initProcess.pid
        _ = try await helper.perform(.detachMount(initPID: pid, target: target), purpose: "detach the mount")
    }

    /// Lets a running container use a device, or no longer. In either layout of cgroups.
    package func setDevice(_ name: String, _ node: DeviceNode, isAllowed: Bool) async throws {
        _ = try entry(name)
        let rule = "\(node.isBlock ? "b" : "c") \(node.major):\(node.minor) rwm"
        _ = try await helper.perform(
            .device(name: name, stateDirectory: stateDirectory, rule: rule, isAllowed: isAllowed),
            purpose: "change the devices of the container")
    }

    // MARK: Console

    /// What the console's ring buffer holds; optionally emptied instead.
    package func consoleLog(_ name: String, clear: Bool = false) async throws -> [UInt8] {
        _ = try entry(name)
        let answer = try await helper.perform(
            .readConsoleLog(name: name, stateDirectory: stateDirectory, clear: clear), purpose: "read the console log")
        guard let file = answer.take(0) else { return [] }
        return try readAll(file.descriptor, limit: 64 << 20)
    }

    // MARK: Files

    /// A connection to an SFTP server (version 3) that sees the files as the container's root does.
    ///
    /// - Parameter stopped: What to mount when the container does not run.
    /// - Returns: One end of a socket; the server ends when it is closed.
    package func fileServer(
        _ name: String, stopped: (rootfs: RootFilesystem, mountPoint: String, idmap: [IDMapEntry])
    ) async throws -> FileDescriptor {
        let request: HelperRequest
        if let container = running(name) {
            request = .serveFiles(initPID: container.initPID)
        } else {
            request = .serveStoppedFiles(rootfs: stopped.rootfs, mountPoint: stopped.mountPoint, idmap: stopped.idmap)
        }
        return try await connectFiles(name, request)
    }

    private func connectFiles(_ name: String, _ request: HelperRequest) async throws -> FileDescriptor {
        try await BlockingPool.shared.run { [self] in
            var sockets = try SocketPair(.stream)
            let server = try helper.start(
                "request", plan: request, descriptors: [HelperDescriptor.connection: sockets.secondNumber])
            // Known before it has mounted anything, so that a start can end it.
            addFileServer(name, server.process)
            _ = try server.receive(purpose: "open the files", deadline: .seconds(30))
            guard let near = sockets.first.take() else { throw RuntimeError.helperDied("open the files") }
            return near.release()
        }
    }

    /// Ends the file servers of a container: they hold its layers mounted.
    package func closeFiles(_ name: String) async {
        for server in takeFileServers(name) {
            // One that has ended already is what is wanted.
            try? server.signal(9)
            _ = await server.wait(timeout: .seconds(5))
        }
    }

    /// What liblxc and the kernel offer, found out anew.
    package func features() async throws -> HostFeatures {
        let answer = try await helper.perform(.probe, purpose: "find out what the host offers")
        guard case .features(let features) = answer.message else {
            throw RuntimeError.helperDied("find out what the host offers")
        }
        return features
    }
}
