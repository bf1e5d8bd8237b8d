import LXDAPI
import LXDCore
import Logging
import Testing

@Suite struct EventTests {
    private let events = Events()

    private func lifecycle(_ action: String) -> EventLifecycle { .with { $0.action = action } }

    private func actions(_ batch: [[UInt8]]?) throws -> [String] {
        try (batch ?? []).map { try LXDJSON.decode(Event.self, from: $0).metadata["action"].stringValue ?? "" }
    }

    @Test func listenersHearTheirTypesAndProjects() async throws {
        let mine = events.subscribe(types: [EventType.lifecycle], project: "default")
        let all = events.subscribe(types: [EventType.lifecycle], project: nil)
        let other = events.subscribe(types: [EventType.operation], project: nil)
        events.publish(lifecycle: lifecycle("a"), project: "default")
        events.publish(lifecycle: lifecycle("b"), project: "shop")
        events.publish(lifecycle: lifecycle("c"), project: "")
        #expect(try actions(await mine.next()) == ["a", "c"])
        #expect(try actions(await all.next()) == ["a", "b", "c"])
        events.shutdown()
        #expect(await other.next() == nil)
        #expect(other.end == .shutdown)
    }

    @Test func theEnvelopeIsLXDs() async throws {
        let listener = events.subscribe(types: [EventType.lifecycle], project: nil)
        events.publish(
            lifecycle: .with {
                $0.action = "instance-started"; $0.source = "/1.0/instances/c1"
            }, project: "default")
        let event = try LXDJSON.decode(Event.self, from: try #require(await listener.next()?.first))
        #expect(event.type == "lifecycle" && event.project == "default" && event.location == "none")
        #expect(event.metadata["source"] == "/1.0/instances/c1")
    }

    @Test func aSlowListenerIsLetGoWithAReason() async throws {
        let listener = events.subscribe(types: [EventType.lifecycle], project: nil)
        for number in 0..<5000 { events.publish(lifecycle: lifecycle("\(number)"), project: "") }
        #expect(listener.end == .overflow)
        #expect(!events.isHeard(EventType.lifecycle))
        var count = 0
        while let batch = await listener.next() { count += batch.count }
        #expect(count == 1000)
    }

    @Test func aListenerIsLetGoAtAThousandEventsOrAMebibyte() async throws {
        let many = events.subscribe(types: [EventType.lifecycle], project: nil)
        for number in 0..<1000 { events.publish(lifecycle: lifecycle("\(number)"), project: "") }
        #expect(many.end == nil)
        events.publish(lifecycle: lifecycle("one too many"), project: "")
        #expect(many.end == .overflow)

        let big = events.subscribe(types: [EventType.lifecycle], project: nil)
        let text = String(repeating: "x", count: 100_000)
        for _ in 0..<10 { events.publish(lifecycle: lifecycle(text), project: "") }
        #expect(big.end == nil)
        events.publish(lifecycle: lifecycle(text), project: "")
        #expect(big.end == .overflow)
    }

    /// 200 listeners of which 50 never read, 10 000 events: those who read lose nothing, the others cost no memory.
    @Test func slowListenersDoNotHarmOthers() async throws {
        let events = events
        let slow = (0..<50).map { _ in events.subscribe(types: [EventType.lifecycle], project: nil) }
        let counts = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<150 {
                let listener = events.subscribe(types: [EventType.lifecycle], project: nil)
                group.addTask {
                    var count = 0
                    while count < 10_000, let batch = await listener.next() { count += batch.count }
                    return count
                }
            }
            for number in 0..<10_000 {
                events.publish(lifecycle: lifecycle("\(number)"), project: "")
                // A publisher does other things between two events; this one lets readers run.
                if number % 100 == 0 { try? await Task.sleep(for: .milliseconds(5)) }
            }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(counts == Array(repeating: 10_000, count: 150))
        for listener in slow { #expect(listener.end == .overflow) }
    }

    @Test func aWaitingListenerIsWoken() async throws {
        let events = events
        let listener = events.subscribe(types: [EventType.lifecycle], project: nil)
        async let batch = listener.next()
        try await Task.sleep(for: .milliseconds(50))
        events.publish(lifecycle: lifecycle("late"), project: "")
        #expect(try actions(await batch) == ["late"])
        events.unsubscribe(listener)
        #expect(await listener.next() == nil)
    }

    @Test func logLinesBecomeEvents() async throws {
        let listener = events.subscribe(types: [EventType.logging], project: nil)
        let events = events
        let logger = Logger(label: "x") { _ in EventLogHandler(events: events, logLevel: .info) }
        logger.warning("careful", metadata: ["instance": "c1"])
        let event = try LXDJSON.decode(Event.self, from: try #require(await listener.next()?.first))
        #expect(event.metadata == ["message": "careful", "level": "warning", "context": ["instance": "c1"]])
    }
}
