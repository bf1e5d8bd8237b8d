package import LXDAPI
import LXDDatabase

/// How images that came from other servers are kept: the project's rules where it has some, else the server's.
package struct ImageUpdateRules: Sendable, Equatable {
    /// Hours between looks for newer images; 0 for never.
    package var intervalHours: Int64 = 6
    /// Whether images that were fetched for instances are replaced by newer ones.
    package var updatesCached = true
    /// Days after which such images go when nothing used them; 0 for never.
    package var expiryDays: Int64 = 10

    package init(server: [String: String], project: [String: String] = [:]) {
        func value(_ key: String) -> String? {
            [project[key], server[key]].compactMap { $0 }.first { !$0.isEmpty }
        }
        if let hours = value("images.auto_update_interval").flatMap({ Int64($0) }) { intervalHours = max(0, hours) }
        if let cached = value("images.auto_update_cached") { updatesCached = isTrue(cached) }
        if let days = value("images.remote_cache_expiry").flatMap({ Int64($0) }) { expiryDays = max(0, days) }
    }

    /// - Parameter project: nil for the server's rules alone.
    init(_ tx: Transaction, project: String? = nil) throws {
        self.init(server: try tx.serverConfig(), project: try project.flatMap { try tx.project($0)?.config } ?? [:])
    }

    /// Whether it is time to look, so many whole hours after the daemon's start; at the start it is.
    package func isDue(hoursSinceStart: Int64) -> Bool {
        intervalHours > 0 && hoursSinceStart % intervalHours == 0
    }

    /// Whether an image last used then has been kept long enough.
    package func isExpired(lastUsed: LXDTime, now: LXDTime) -> Bool {
        expiryDays > 0 && now - lastUsed >= .seconds(expiryDays.multipliedReportingOverflow(by: 86_400).partialValue)
    }
}
