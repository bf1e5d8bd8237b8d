import LXDAPI
import Synchronization

/// One line of talk that is overwritten as work goes on: on a terminal only, nothing when quiet.
final class ProgressRenderer: Sendable {
    private struct State {
        var longest = 0
        var isDone = false
        var holdUntil: ContinuousClock.Instant?
    }

    /// What stands around the status; `%s` is the status.
    private let format: String
    private let isQuiet: Bool
    private let isTerminal: Bool
    private let state = Mutex(State())

    init(format: String = "%s", quiet: Bool) {
        self.format = format
        isQuiet = quiet
        isTerminal = Standard.isTerminal(Standard.outputDescriptor)
    }

    /// Whether there is anybody to see the progress; else nobody needs to ask the server for it.
    var isVisible: Bool { isTerminal && !isQuiet }

    func update(_ status: String) {
        guard isVisible else { return }
        state.withLock { state in
            guard !state.isDone else { return }
            if let holdUntil = state.holdUntil, holdUntil > .now { return }
            show(fitted(format.replacingFirst("%s", with: status)), &state)
        }
    }

    /// Shows the `_progress` entry of an operation.
    func update(_ operation: Operation) {
        for (key, value) in operation.metadata where key.hasSuffix("_progress") {
            if let text = value.stringValue { update(text) }
            return
        }
    }

    /// Shows a message in place of the status for a while.
    func warn(_ message: String, for duration: Duration) {
        state.withLock { state in
            guard !state.isDone else { return }
            state.holdUntil = .now + duration
            show(fitted(message), &state)
        }
    }

    /// Ends the line with a message, or clears it when the message is empty.
    func done(_ message: String = "") {
        state.withLock { state in
            guard !state.isDone else { return }
            state.isDone = true
            var text = isQuiet ? "" : fitted(message)
            if text.isEmpty, state.longest == 0 { return }
            if !text.isEmpty { text += "\n" }
            let blank = text.count > state.longest ? "" : "\r" + String(repeating: " ", count: state.longest)
            Standard.output(blank + "\r" + text)
        }
    }

    private func show(_ text: String, _ state: inout State) {
        if text.isEmpty, state.longest == 0 { return }
        var blank = ""
        if text.count + 1 > state.longest {
            state.longest = text.count + 1
        } else {
            blank = "\r" + String(repeating: " ", count: state.longest)
        }
        Standard.output(blank + "\r" + text)
    }

    private func fitted(_ text: String) -> String {
        guard let width = Standard.terminalSize(of: Standard.outputDescriptor)?.columns else { return text }
        return width < text.utf8.count ? "" : text
    }
}

extension String {
    func replacingFirst(_ mark: String, with text: String) -> String {
        guard let range = firstRange(of: mark) else { return self }
        return String(self[..<range.lowerBound]) + text + self[range.upperBound...]
    }
}
