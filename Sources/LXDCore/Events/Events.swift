internal import FoundationEssentials
package import LXDAPI
internal import Synchronization

/// What happens on this server, sent to everybody who listens. Publishing never waits: a listener that does not keep
/// up is let go with a reason.
package final class Events: Sendable {
    private let subscriptions = Mutex<[ObjectIdentifier: EventSubscription]>([:])
    private let location: String

    /// - Parameter location: This server's name in events; `none` outside a cluster.
    package init(location: String = "none") {
        self.location = location
    }

    /// Whether anybody listens to this type: publishing to nobody should cost nothing.
    package func isHeard(_ type: String) -> Bool {
        subscriptions.withLock { all in all.values.contains { $0.types.contains(type) } }
    }

    /// Starts listening.
    ///
    /// - Parameters:
    ///   - types: `lifecycle`, `operation`, `logging`.
    ///   - project: Nil hears all projects. Events of the server itself are heard by all.
    package func subscribe(types: Set<String>, project: String?) -> EventSubscription {
        let subscription = EventSubscription(types: types, project: project)
        subscriptions.withLock { $0[ObjectIdentifier(subscription)] = subscription }
        return subscription
    }

    /// Stops listening; the subscription's stream ends.
    package func unsubscribe(_ subscription: EventSubscription) {
        subscriptions.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(subscription)) }
        subscription.end(.unsubscribed)
    }

    package func publish(lifecycle: EventLifecycle, project: String) {
        publish(type: EventType.lifecycle, lifecycle, project: project)
    }

    package func publish(operation: Operation, project: String) {
        publish(type: EventType.operation, operation, project: project)
    }

    package func publish(logging: EventLogging) {
        publish(type: EventType.logging, logging, project: "")
    }

    /// Ends all subscriptions; for the daemon's shutdown.
    package func shutdown() {
        let all = subscriptions.withLock { current in
            defer { current = [:] }
            return Array(current.values)
        }
        for subscription in all { subscription.end(.shutdown) }
    }

    private func publish(type: String, _ metadata: some Encodable & Sendable, project: String) {
        let listeners = subscriptions.withLock { all in
            all.values.filter {
                $0.types.contains(type) && (project.isEmpty || $0.project == nil || $0.project == project)
            }
        }
        guard !listeners.isEmpty, let line = encode(type: type, metadata, project: project) else { return }
        for listener in listeners where !listener.offer(line) {
            subscriptions.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(listener)) }
        }
    }

    private func encode(type: String, _ metadata: some Encodable, project: String) -> [UInt8]? {
        let event = OutgoingEvent(
            type: type, timestamp: .now(), metadata: metadata, location: location, project: project)
        // An event of ours that cannot be encoded would be a bug of its type; the work it tells of must go on.
        return (try? LXDJSON.encode(event)).map { Array($0) }
    }
}

/// LXDAPI's `Event` with its metadata not yet turned into a JSON value: one encoding instead of two.
private struct OutgoingEvent<Metadata: Encodable>: Encodable {
    var type: String
    var timestamp: LXDTime
    var metadata: Metadata
    var location: String
    var project: String

    private enum CodingKeys: String, CodingKey { case type, timestamp, metadata, location, project }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(type, forKey: .type)
        try container.encode(timestamp, forKey: .timestamp)
        try container.encode(metadata, forKey: .metadata)
        if !location.isEmpty { try container.encode(location, forKey: .location) }
        if !project.isEmpty { try container.encode(project, forKey: .project) }
    }
}
