package import LXDAPI
import LXDConfig
import LXDDatabase
import Logging

extension SnapshotService {
    /// Takes the snapshots that `snapshots.schedule` asks for in this minute; what fails is logged and the rest goes on.
    package func takeScheduled(at time: LXDTime) async {
        let instances: [LoadedInstance]
        do {
            instances = try await environment.store.read { tx in
                try tx.loadInstances().filter {
                    try $0.expandedConfig["snapshots.schedule"]?.isEmpty == false && tx.allowsSnapshots(project: $0.project)
                }
            }
        } catch {
            environment.logger.error("Failed loading instances for snapshots", metadata: ["error": "\(error)"])
            return
        }
        for instance in instances where Self.isDue(instance, at: time) {
            let isWanted = isTrue(instance.expandedConfig["snapshots.schedule.stopped"])
            guard await lifecycle.isRunning(instance.key) || isWanted else { continue }
            do {
                let (name, expiresAt) = try await plan(instance.key, InstanceSnapshotsPost())
                try await create(instance.key, name: name, expiresAt: expiresAt, by: nil)
            } catch {
                environment.logger.error(
                    "Error creating snapshot", metadata: ["instance": "\(instance.key)", "error": "\(error)"])
            }
        }
    }

    /// Whether the minute of `time` is one of an instance's schedule.
    static func isDue(_ instance: LoadedInstance, at time: LXDTime) -> Bool {
        // The gate has checked the text; one that an older version let in never comes due.
        let schedules = (try? CronSchedule.parse(instance.expandedConfig["snapshots.schedule"] ?? "")) ?? []
        return schedules.contains { $0.matches(time) }
    }
}
