package import LXDAPI

/// The life of an operation as a pure status machine: pending, running, perhaps cancelling, then one of three ends.
package struct OperationProgress: Sendable, Equatable {
    package enum End: Sendable, Equatable {
        case success
        case failure(String)
        case cancelled
    }

    package enum Status: Sendable, Equatable {
        case pending
        case running
        case cancelling
        case ended(End)
    }

    package private(set) var status = Status.pending

    package init() {}

    /// - Throws: When it has been started before.
    package mutating func start() throws(LXDError) {
        guard status == .pending else { throw .badRequest("Only pending operations can be started") }
        status = .running
    }

    /// - Parameter mayCancel: Whether the work can be stopped at all.
    /// - Throws: LXD's texts for an operation that is not running or cannot be cancelled.
    package mutating func cancel(mayCancel: Bool) throws(LXDError) {
        guard status == .running else { throw .badRequest("Only running operations can be cancelled") }
        guard mayCancel else { throw .badRequest("This operation can't be cancelled") }
        status = .cancelling
    }

    /// What the end of the work means now: work that was cancelled and stopped for it counts as cancelled, work that
    /// was done before the cancellation reached it as done.
    ///
    /// - Returns: False when it had ended before.
    @discardableResult
    package mutating func finish(_ result: Result<Void, any Error>) -> Bool {
        switch (status, result) {
        case (.ended, _): return false
        case (_, .success): status = .ended(.success)
        case (.cancelling, .failure): status = .ended(.cancelled)
        case (_, .failure(let error)) where error is CancellationError: status = .ended(.cancelled)
        case (_, .failure(let error)): status = .ended(.failure(LXDError.from(error).message))
        }
        return true
    }

    package var isEnded: Bool { if case .ended = status { true } else { false } }
    package var canUpdate: Bool { status == .pending || status == .running }

    /// LXD's number for it.
    package var code: StatusCode {
        switch status {
        case .pending: .pending
        case .running: .running
        case .cancelling: .cancelling
        case .ended(.success): .success
        case .ended(.failure): .failure
        case .ended(.cancelled): .cancelled
        }
    }

    /// The message of a failed operation, else empty.
    ///
    /// One that was cancelled has a message too: clients look at nothing else, and `lxc move` would delete the original
    /// after a copy that was cancelled.
    package var errorText: String {
        switch status {
        case .ended(.failure(let text)): text
        case .ended(.cancelled): "Operation was cancelled"
        default: ""
        }
    }
}
