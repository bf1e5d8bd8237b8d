import Logging

/// What has been done so far, so that it can be undone in reverse when a later step fails.
///
/// Undoing runs to its end even if the caller is cancelled; a step that cannot be undone is logged and the others
/// still are.
struct UndoStack {
    private var steps: [(name: String, undo: @Sendable () async throws -> Void)] = []

    mutating func add(_ name: String, _ undo: @escaping @Sendable () async throws -> Void) {
        steps.append((name, undo))
    }

    /// Keeps everything: nothing will be undone.
    mutating func keep() { steps = [] }

    mutating func undo(_ logger: Logger) async {
        let steps = steps
        self.steps = []
        await Task {
            for (name, undo) in steps.reversed() {
                do { try await undo() } catch {
                    logger.error("Failed undoing \(name)", metadata: ["error": "\(error)"])
                }
            }
        }.value
    }
}

/// Runs `body` and undoes what it recorded if it throws.
func withUndo<Result>(
    _ logger: Logger, isolation: isolated (any Actor)? = #isolation,
    _ body: (inout UndoStack) async throws -> Result
) async throws -> Result {
    var stack = UndoStack()
    do {
        return try await body(&stack)
    } catch {
        await stack.undo(logger)
        throw error
    }
}
