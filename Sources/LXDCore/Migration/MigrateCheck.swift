package import LXDAPI

extension MigrationService {
    /// Looks for what keeps an instance from moving while it runs, without stopping or changing anything.
    ///
    /// What a target says of it (its kernel, criu, ids, free memory) is known only when it is asked.
    package func check(_ key: InstanceKey) async throws -> InstanceMigrateCheck {
        let instance = try await environment.load(key)
        let obstacles = try await obstacles(of: instance)
        return .with {
            $0.possible = obstacles.isEmpty
            $0.obstacles = obstacles
        }
    }

    private func obstacles(of instance: LoadedInstance) async throws -> [String] {
        guard await lifecycle.isRunning(instance.key) else {
            return ["Instance isn't running: it moves without state"]
        }
        var found: [String] = []
        do {
            try await lifecycle.requireStartedForCheckpoints(instance)
            found += try await lifecycle.engine.checkpointObstacles(instance.runtimeName)
            _ = try await wantsPostCopy(instance)
        } catch {
            found.append(LXDError.from(error).message)
        }
        if await identity.addresses().isEmpty { found.append(Self.unreachable) }
        return found
    }

    static let unreachable =
        "Live migration needs this server to listen on the network too: set core.https_address, or use --stateless"
}
