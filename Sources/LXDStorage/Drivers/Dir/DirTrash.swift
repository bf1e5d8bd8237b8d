internal import CLXDLinux
internal import Glibc
internal import LXDLinux
internal import Logging
internal import Synchronization
internal import SystemPackage

/// What is to be removed: moved aside at once, emptied in the background by `lxd-archive`, after a crash at the next start.
final class DirTrash: Sendable {
    private struct State {
        var task: Task<Void, Never>?
        var isDirty = false
    }

    private let layout: DirLayout
    private let archive: ArchiveTool
    private let log: Logger
    private let state = Mutex(State())

    init(layout: DirLayout, archive: ArchiveTool, log: Logger) {
        self.layout = layout
        self.archive = archive
        self.log = log
    }

    /// Moves a path of the pool aside and sees to its removal. A missing one is no error.
    func take(_ path: String) throws {
        let result = clxd_renameat2(
            CLXD_AT_FDCWD, path, CLXD_AT_FDCWD, layout.trash + "/" + DirLayers.newIdentifier(), 0)
        if result == -ENOENT { return }
        try check(result)
        sweep()
    }

    /// Starts emptying unless that is going on; then once more afterwards.
    func sweep() {
        state.withLock { state in
            state.isDirty = true
            guard state.task == nil else { return }
            state.task = Task { await self.run() }
        }
    }

    /// Waits until everything that was taken is gone.
    func settle() async {
        while let task = state.withLock({ $0.task }) { await task.value }
    }

    private func run() async {
        while state.withLock({ state in
            let again = state.isDirty
            state.isDirty = false
            if !again { state.task = nil }
            return again
        }) {
            do {
                let folder = try ConfinedDirectory(path: layout.trash)
                var command = ArchiveCommand("sweep")
                command.add("--in", descriptor: folder.descriptor.rawValue)
                try await archive.run(command)
            } catch {
                // The next removal or the next start tries again.
                log.warning(
                    "Removed storage could not be freed", metadata: ["pool": "\(layout.pool)", "error": "\(error)"])
            }
        }
    }
}
