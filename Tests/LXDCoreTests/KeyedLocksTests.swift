import LXDAPI
import Synchronization
import Testing

@testable import LXDCore

@Suite struct KeyedLocksTests {
    @Test func oneTaskAtATimeHoldsAKey() async throws {
        let locks = KeyedLocks<String>()
        let inside = Mutex((now: 0, most: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await locks.with("a", .update) {
                        inside.withLock {
                            $0.now += 1
                            $0.most = max($0.most, $0.now)
                        }
                        await Task.yield()
                        inside.withLock { $0.now -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(inside.withLock { $0.most } == 1)
        #expect(locks.holder("a") == nil)
    }

    @Test func patienceEndsWithTheNameOfWhatHoldsTheKey() async throws {
        let locks = KeyedLocks<String>(patience: .milliseconds(20))
        try await locks.with("a", .restore) {
            do {
                try await locks.with("a", .stop) { Issue.record("two tasks hold one key") }
                Issue.record("waiting did not end")
            } catch let error as LXDError {
                #expect(error.code == .conflict)
                #expect(error.message == "Instance is busy running a \"restore\" operation")
            }
            try await locks.with("b", .stop) {}
        }
    }

    @Test func aCancelledWaiterLeavesTheKeyToTheNext() async throws {
        let locks = KeyedLocks<String>()
        try await locks.with("a", .update) {
            let waiter = Task { try await locks.with("a", .stop) {} }
            waiter.cancel()
            await #expect(throws: CancellationError.self) { try await waiter.value }
        }
        try await locks.with("a", .start) {}
    }
}
