import LXDAPI
import Testing

@testable import LXDCore

/// Counts who is inside at the same time.
private actor Inside {
    private var now = 0
    private(set) var most = 0

    func enter() {
        now += 1
        most = max(most, now)
    }

    func leave() { now -= 1 }
}

@Suite struct KeyedLocksTests {
    @Test func oneTaskAtATimeHoldsAKey() async throws {
        let locks = KeyedLocks<String>()
        let inside = Inside()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await locks.with("a", .update) {
                        await inside.enter()
                        await Task.yield()
                        await inside.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(await inside.most == 1)
        #expect(locks.holder("a") == nil)
    }

    @Test func patienceEndsWithTheNameOfWhatHoldsTheKey() async throws {
        let locks = KeyedLocks<String>(patience: .milliseconds(20))
        try await locks.with("a", .restore) {
            do {
                try await locks.with("a", .stop) { _ = Issue.record("two tasks hold one key") }
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
