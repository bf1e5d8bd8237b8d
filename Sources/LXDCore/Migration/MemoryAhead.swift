import LXDAPI
import LXDConfig
import Logging
import Synchronization

/// What is said to whoever asks for memory to be sent ahead while an instance still runs (`migration.incremental.memory`): it
/// is not, and why. The log has it once, each move's operation has it too.
final class MemoryAheadNote: Sendable {
    private let isSaid = Mutex(false)

    /// Whether it has not been said before.
    func first() -> Bool {
        isSaid.withLock { isSaid in
            defer { isSaid = true }
            return !isSaid
        }
    }

    /// - Parameter refusal: Why this host could not, nil when it could.
    static func text(_ refusal: String?) -> String {
        let why = refusal.map { "on this host, \($0)" } ?? "this server does not do that yet"
        return "Memory is not sent ahead of the move (migration.incremental.memory): \(why)"
    }
}

extension MigrationService {
    /// Says of a move that its memory is not sent ahead, where that was asked for.
    func noteMemoryAhead(_ key: InstanceKey, _ handle: OperationHandle) async throws {
        let instance = try await environment.load(key)
        guard isTrue(instance.expandedConfig["migration.incremental.memory"]) else { return }
        let text = MemoryAheadNote.text(await lifecycle.engine.preCopyRefusal())
        handle.update(["incremental_memory": .string(text)])
        if memoryAhead.first() { environment.logger.warning("\(text)", metadata: ["instance": "\(key)"]) }
    }
}
