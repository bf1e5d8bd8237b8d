import Dispatch
import Glibc
import LXDAPI
import LXDClient
import Synchronization

extension Session {
    /// Waits for an operation and shows its progress; ctrl+c asks the server to cancel it.
    ///
    /// - Returns: The operation as it ended.
    @discardableResult
    func wait(_ operation: ServerOperation, showing progress: ProgressRenderer? = nil) async throws -> Operation {
        let progress = progress ?? renderer()
        let interrupts = Interrupts()
        defer {
            interrupts.stop()
            progress.done()
        }
        return try await withThrowingTaskGroup(of: Operation?.self) { group in
            group.addTask { try await Self.end(of: operation, progress) }
            group.addTask {
                if let failure = await Self.cancel(operation, on: interrupts, progress) { throw failure }
                return nil
            }
            defer { group.cancelAll() }
            while let ended = try await group.next() {
                if let ended { return ended }
            }
            throw CommandFailure("The operation was given up")
        }
    }

    private static func end(of operation: ServerOperation, _ progress: ProgressRenderer) async throws -> Operation {
        guard progress.isVisible else { return try await operation.wait() }
        return try await operation.wait { progress.update($0) }
    }

    private static func cancel(
        _ operation: ServerOperation, on interrupts: Interrupts, _ progress: ProgressRenderer
    ) async -> CommandFailure? {
        var count = 0
        for await _ in interrupts.signals {
            do {
                try await operation.cancel()
                return CommandFailure("Remote operation canceled by user")
            } catch {
                count += 1
                if count == 3 {
                    return CommandFailure("User signaled us three times, exiting. The remote operation will keep running")
                }
                progress.warn("\(FailureText.of(error)) (interrupt two more times to force)", for: .seconds(5))
            }
        }
        return nil
    }
}

/// Signals as values, while it lives.
final class SignalStream: Sendable {
    let signals: AsyncStream<Int32>
    // SAFETY: set once; a dispatch source may be cancelled from any thread.
    nonisolated(unsafe) private let sources: [any DispatchSourceSignal]
    private let numbers: [Int32]

    init(_ numbers: [Int32]) {
        self.numbers = numbers
        let (stream, continuation) = AsyncStream.makeStream(of: Int32.self, bufferingPolicy: .bufferingNewest(16))
        signals = stream
        sources = numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
    }

    /// Gives the signals their usual meaning again.
    func stop() {
        for (source, number) in zip(sources, numbers) {
            source.cancel()
            signal(number, SIG_DFL)
        }
    }
}

/// Ctrl+c while something is waited for.
private struct Interrupts: Sendable {
    private let stream = SignalStream([SIGINT])

    var signals: AsyncStream<Int32> { stream.signals }

    func stop() { stream.stop() }
}
