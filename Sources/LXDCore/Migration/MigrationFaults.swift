import Glibc
import LXDAPI
import LXDLinux
package import Logging

/// Places in a live migration at which a test can make something go wrong.
///
/// `LXD_MIGRATION_FAULTS` names a file when the daemon starts. At each step the daemon looks into it; `STEP ACTION` there is
/// done once, and the file removed. Without the variable a step costs nothing.
package struct MigrationFaults: Sendable {
    package static let variable = "LXD_MIGRATION_FAULTS"

    /// In the order in which they are passed.
    package enum Step: String, Sendable, CaseIterable {
        /// The instance has been looked at; nothing has been sent.
        case sourceChecked = "source-checked"
        /// The target has all that does not change; the instance still runs.
        case sourceFirstPass = "source-first-pass"
        /// It stands still and its images are complete.
        case sourceDumped = "source-dumped"
        case sourceImagesSent = "source-images-sent"
        /// All images and files have been sent.
        case sourceSent = "source-sent"
        /// The target holds the restored instance.
        case sourceReady = "source-ready"
        /// The decision is on the disk, and nobody knows yet.
        case sourceCommitted = "source-committed"
        /// The target has been told.
        case sourceGo = "source-go"
        /// The instance has ended here.
        case sourceEnded = "source-ended"

        /// The instance has its rows here and nothing else.
        case targetCreated = "target-created"
        /// Its devices are up.
        case targetDevices = "target-devices"
        case targetImages = "target-images"
        /// The volume is complete, too.
        case targetReceived = "target-received"
        /// Everything is restored and stands still.
        case targetRestored = "target-restored"
        /// That is on the disk, and the source does not know yet.
        case targetReady = "target-ready"
        /// The source has been told.
        case targetWaiting = "target-waiting"
        /// The decision is known: it is ours.
        case targetGo = "target-go"
        /// It runs; its rows do not say so.
        case targetResumed = "target-resumed"
        /// They do; the source does not know.
        case targetDone = "target-done"
        /// Of a post-copy: it runs, and waits for its memory.
        case targetPages = "target-pages"
    }

    package enum Action: String, Sendable {
        /// The daemon is killed as by `kill -9`.
        case kill
        /// The step fails.
        case fail
        /// The daemon writes the step's name to `FILE.paused` and goes on when that has been removed.
        case pause
    }

    private let path: String?
    private let logger: Logger?

    /// - Parameter logger: Told of each step, for those who want to know what takes its time.
    package init(environment: [String: String], logger: Logger? = nil) {
        path = environment[Self.variable].flatMap { $0.isEmpty ? nil : $0 }
        self.logger = logger
    }

    func reach(_ step: Step) async throws {
        logger?.debug("Live migration", metadata: ["step": "\(step.rawValue)", "at": "\(LXDTime.now())"])
        guard let path, let action = await BlockingPool.shared.run({ Self.take(step, path) }) else { return }
        switch action {
        case .kill: Glibc.kill(getpid(), SIGKILL)
        case .fail: throw LXDError.internalError("A test made \(step.rawValue) fail")
        case .pause:
            let mark = path + ".paused"
            try AtomicFile.write(step.rawValue, to: mark, sync: false)
            while access(mark, F_OK) == 0 { try await Task.sleep(for: .milliseconds(10)) }
        }
    }

    private static func take(_ step: Step, _ path: String) -> Action? {
        // Most of the time there is no file.
        guard let text = try? AtomicFile.readText(path, limit: 4096) else { return nil }
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count == 2, words[0] == step.rawValue, let action = Action(rawValue: words[1]) else { return nil }
        unlink(path)
        return action
    }
}
