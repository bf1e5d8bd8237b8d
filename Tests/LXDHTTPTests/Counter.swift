import Synchronization

/// A number that tasks count up.
final class Counter: Sendable {
    private let count = Mutex(0)
    func add(_ amount: Int = 1) { count.withLock { $0 += amount } }
    var value: Int { count.withLock { $0 } }
}
