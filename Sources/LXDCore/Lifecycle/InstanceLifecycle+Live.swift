import Foundation
import LXDAPI
import LXDDatabase
import LXDLinux

/// What the move of a running instance needs at its target.
extension InstanceLifecycle {
    /// Starts an instance whose processes come from elsewhere, for a caller that holds its lock.
    ///
    /// - Parameters:
    ///   - arrival: Called when the devices are up; gives the folder of images once they and the volume are complete.
    ///   - hold: Called when everything is restored and nothing has run; by throwing it takes everything back.
    ///   - pages: Of a post-copy.
    ///   - plugged: Called when its interfaces are plugged in, right before it runs.
    func startArriving(
        _ instance: LoadedInstance, arrival: @escaping @Sendable () async throws -> String,
        hold: @escaping @Sendable () async throws -> Void, pages: ArrivingPages? = nil,
        plugged: @escaping @Sendable (PluggedInstance) async -> Void = { _ in }
    ) async throws {
        try await engine.requireCheckpoints()
        try await withUndo(environment.logger) { undo in
            try await self.runStart(instance, from: .images(arrival, hold: hold, pages: pages, plugged: plugged), &undo)
        }
    }

    /// Keeps images with an instance, as a stateful stop does.
    func keepState(of instance: LoadedInstance, from images: String) async throws {
        let directory = try await imageDirectory(instance)
        try await BlockingPool.shared.run {
            try removeHostTree(directory)
            try FileManager.default.copyItem(atPath: images, toPath: directory)
        }
        let id = instance.row.id
        try await environment.store.write { try $0.setInstanceStateful(id: id, true) }
    }
}
