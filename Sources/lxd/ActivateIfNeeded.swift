import ArgumentParser
import Foundation
import Glibc
import LXDAPI
import LXDCore
import LXDDatabase

/// `lxd activateifneeded`
struct ActivateIfNeeded: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "activateifneeded",
        abstract: "Check if LXD should be started",
        discussion: """
            This command will check if LXD has any auto-started instances, \
            instances which were running prior to LXD's last shutdown or if it's \
            configured to listen on the network address.

            If at least one of those is true, then a connection will be attempted to the \
            LXD socket which will cause a socket-activated LXD to be spawned.
            """)

    @OptionGroup var global: GlobalOptions

    func run() async throws {
        guard geteuid() == 0 else { throw LXDError.forbidden("This must be run as root") }
        let reason = try Store.inspect(path: LocalServer.paths.databaseFile, Self.reason)
        switch reason {
        case nil: debug("No local database, so no need to start the daemon now")
        case .some(nil): debug("No need to start the daemon now")
        case .some(.some(let reason)):
            debug("Daemon has \(reason), activating...")
            _ = try await LocalServer.query("GET", "/1.0")
        }
    }

    private func debug(_ message: String) {
        guard global.debug else { return }
        FileHandle.standardError.write(
            Data("time=\"\(LXDTime.now())\" level=debug msg=\"\(message)\"\n".utf8))
    }

    /// Why a daemon is needed; `nil` if it is not.
    private static func reason(_ tx: Transaction) throws -> String? {
        if try tx.serverConfig()["core.https_address"]?.isEmpty == false { return "core.https_address set" }
        for instance in try tx.instances() {
            let home = try tx.effectiveProject(instance.project, .profiles)
            let profiles = try instance.profiles.compactMap { try tx.profile(project: home, name: $0) }
            let config = Expansion.config(profiles, own: instance.config)
            let power = config["volatile.last_state.power"]
            if power == "RUNNING" || power == "Running" || isTrue(config["boot.autostart"]) {
                return "auto-started instances"
            }
            if config["snapshots.schedule"]?.isEmpty == false { return "scheduled instance snapshots" }
        }
        if try tx.storageVolumes(kind: .custom).contains(where: { $0.config["snapshots.schedule"]?.isEmpty == false }) {
            return "scheduled volume snapshots"
        }
        return nil
    }
}
