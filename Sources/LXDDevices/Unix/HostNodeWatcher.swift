import Glibc
import LXDLinux
import Synchronization
package import SystemPackage

/// Notices when device nodes of the host come and go, for devices that are not required.
///
/// Watches the folders on the way to each node; any change there makes it look at the nodes again. What is announced is
/// what differs from the last look, so lost or extra events do no harm.
package final class HostNodeWatcher: Sendable {
    private struct Entry {
        var path: String
        var isPresent: Bool
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Watch descriptors by folder.
        var folders: [String: Int32] = [:]
        var isRunning = false
    }

    private let descriptor: Int32
    private let state = Mutex(State())
    private let onChange: @Sendable (_ key: String, _ isPresent: Bool) -> Void

    private static let events = UInt32(
        IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB)

    /// - Parameter onChange: Called on a thread of its own with the key that was watched.
    /// - Throws: `tooManyOpenFiles` when the kernel allows no more watchers.
    package init(onChange: @escaping @Sendable (_ key: String, _ isPresent: Bool) -> Void) throws(Errno) {
        let opened = inotify_init1(Int32(O_CLOEXEC))
        guard opened >= 0 else { throw Errno(rawValue: errno) }
        descriptor = opened
        self.onChange = onChange
    }

    deinit { close(descriptor) }

    /// Watches a node; a second call with the same key replaces the first.
    ///
    /// - Parameters:
    ///   - key: Whose it is; given back with each change.
    ///   - path: Absolute.
    ///   - isPresent: What the caller believes; a difference is announced at once.
    package func watch(_ key: String, path: String, isPresent: Bool) {
        let mustStart = state.withLock { state in
            state.entries[key] = Entry(path: path, isPresent: isPresent)
            let mustStart = !state.isRunning
            state.isRunning = true
            return mustStart
        }
        if mustStart { BlockingPool.shared.submit { [weak self] in self?.read() } }
        look()
    }

    package func unwatch(_ key: String) {
        state.withLock { $0.entries[key] = nil }
    }

    package func unwatch(prefix: String) {
        state.withLock { state in state.entries = state.entries.filter { !$0.key.hasPrefix(prefix) } }
    }

    /// Waits for events until nothing is watched any more.
    private func read() {
        var buffer = [UInt8](repeating: 0, count: 16384)
        while true {
            var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let count = Glibc.poll(&poll, 1, 2000)
            let isOver = state.withLock { state in
                if state.entries.isEmpty { state.isRunning = false }
                return state.entries.isEmpty
            }
            if isOver { return }
            guard count > 0 else { continue }
            _ = Glibc.read(descriptor, &buffer, buffer.count)
            look()
        }
    }

    private func look() {
        let changes = state.withLock { state -> [(String, Bool)] in
            watchFolders(&state)
            var changes: [(String, Bool)] = []
            for (key, entry) in state.entries {
                let isPresent = UnixDevice.attributes(entry.path) != nil
                guard isPresent != entry.isPresent else { continue }
                state.entries[key]?.isPresent = isPresent
                changes.append((key, isPresent))
            }
            return changes
        }
        for (key, isPresent) in changes { onChange(key, isPresent) }
    }

    /// Every folder on the way to a watched node that is there now; those that went come back with their parent's event.
    private func watchFolders(_ state: inout State) {
        var wanted: Set<String> = []
        for entry in state.entries.values {
            var folder = entry.path[...]
            while let slash = folder.lastIndex(of: "/") {
                folder = folder[..<slash]
                // Not above the folder of devices: /tmp and / change all the time.
                guard !folder.isEmpty, folder.utf8.count >= devicePrefix.utf8.count else { break }
                wanted.insert(String(folder))
            }
        }
        for (folder, watch) in state.folders where !wanted.contains(folder) {
            _ = inotify_rm_watch(descriptor, watch)
            state.folders[folder] = nil
        }
        for folder in wanted {
            // Adding it again is no error and follows a folder that was made anew.
            let watch = inotify_add_watch(descriptor, folder, Self.events)
            state.folders[folder] = watch >= 0 ? watch : nil
        }
    }
}
