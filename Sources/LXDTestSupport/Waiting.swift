internal import Synchronization

/// Asks again and again until the answer is there or the deadline has passed.
///
/// - Returns: The first answer that is not nil.
/// - Throws: `TestFailure` that names what was waited for.
@discardableResult
package func eventually<Value: Sendable>(
    _ what: String, within limit: Duration = .seconds(20), every pause: Duration = .milliseconds(50),
    _ ask: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if let value = try await ask() { return value }
        try await Task.sleep(for: pause)
    }
    throw TestFailure("waited \(limit) in vain for: \(what)")
}

/// A value behind a mutex that a Sendable class can hold.
package final class Locked<Value: Sendable>: Sendable {
    private let value: Mutex<Value>
    package init(_ value: Value) { self.value = Mutex(value) }
    package func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result { value.withLock { body(&$0) } }
}
