internal import CLXDLinux
internal import Glibc
internal import LXDLinux
internal import Synchronization

/// What a host can do beyond plain checkpoints; asked of criu and the kernel each time, never guessed from versions.
package enum CheckpointFeatures {
    /// Why memory can't be brought after an instance runs (post-copy), in words that follow "because"; nil when it can.
    package static func postCopyRefusal() async -> String? {
        for (feature, lack) in [
            ("uffd", "the kernel has no userfaultfd"), ("uffd-noncoop", "the kernel's userfaultfd does not tell of forks and unmapped memory"),
        ] {
            if let reason = await refusal(feature, lack) { return reason }
        }
        // They are raised for the time of a move.
        for (path, least) in [(HostTuning.userFaults, UInt64(1)), (HostTuning.pipeSize, 4 << 20)]
        where !HostTuning.mayReach(path, least) {
            return "\(path) is too low and can't be changed"
        }
        return nil
    }

    /// Why memory can't be sent ahead while an instance runs (pre-copy); nil when the kernel could.
    package static func preCopyRefusal() async -> String? {
        await refusal("mem_dirty_track", "the kernel does not track changes of memory (soft-dirty)")
    }

    private static func refusal(_ feature: String, _ lack: String) async -> String? {
        do {
            let result = try await ProcessRunner.run(ContainerRuntime.criuPath, ["check", "--feature", feature], deadline: .seconds(20))
            if result.exit.isSuccess { return nil }
            return (result.outputText + result.errorText).contains("Unknown feature") ? "criu was built without \(feature)" : lack
        } catch {
            return "criu can't be run: \(error)"
        }
    }
}

/// Containers that run here with memory that is still elsewhere.
final class LateMemory: Sendable {
    private let names = Mutex<Set<String>>([])

    func insert(_ name: String) { names.withLock { _ = $0.insert(name) } }
    func remove(_ name: String) { names.withLock { _ = $0.remove(name) } }
    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}
