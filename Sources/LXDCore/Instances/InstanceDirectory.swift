import LXDDatabase
import Synchronization

/// All instances as last read, for lists: reading a thousand of them costs more than all else of a list, and between
/// two lists seldom anything has changed.
final class InstanceDirectory: Sendable {
    private struct Known {
        let version: UInt64
        let instances: [LoadedInstance]
    }

    private let store: Store
    private let known = Mutex<Known?>(nil)

    init(store: Store) { self.store = store }

    /// The instances of a project, or of all projects, by name; as true as if they were read now.
    ///
    /// - Throws: `notFound` for an unknown project.
    func instances(project: String?) async throws -> [LoadedInstance] {
        let all = try await all()
        guard let project else {
            // They come by project and name.
            return all.sorted { $0.name < $1.name }
        }
        let own = all.filter { $0.project == project }
        if own.isEmpty { _ = try await store.read { try $0.requireProject(project) } }
        return own
    }

    private func all() async throws -> [LoadedInstance] {
        let version = store.version
        if let known = known.withLock({ $0 }), known.version == version { return known.instances }
        let instances = try await store.read { try $0.loadInstances() }
        known.withLock { $0 = Known(version: version, instances: instances) }
        return instances
    }
}
