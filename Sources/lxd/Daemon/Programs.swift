import Foundation
import Glibc
import LXDAPI
import Synchronization

/// The daemon's own helper programs.
enum Programs {
    /// `lxd-helper`, beside the running program or where packages put it.
    static func helper() throws -> String {
        var folders = ["/usr/lib/lxd", "/usr/libexec/lxd", "/usr/local/lib/lxd"]
        if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
            folders.insert(URL(fileURLWithPath: own).deletingLastPathComponent().path, at: 0)
        }
        for folder in folders where access(folder + "/lxd-helper", X_OK) == 0 { return folder + "/lxd-helper" }
        throw LXDError.internalError("The program lxd-helper is not installed: it is looked for in \(folders.joined(separator: ", "))")
    }
}

/// Tasks to be cancelled together.
final class TaskList: Sendable {
    private let tasks = Mutex<[Task<Void, Never>]>([])

    func add(_ task: Task<Void, Never>) { tasks.withLock { $0.append(task) } }

    func cancelAll() {
        let all = tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in all { task.cancel() }
    }
}
