import LXDAPI
import LXDDatabase
import LXDLinux
import Testing

@testable import LXDCore

/// A host that is for unprivileged containers only (`LXD_UNPRIVILEGED_ONLY`) has no others, whatever way they come
/// (row 69 of the project's security table).
@Suite struct UnprivilegedOnlyTests {
    static let refused: [[String: String]] = [
        ["security.privileged": "true"], ["security.privileged": "1"], ["raw.idmap": "both 0 1000"], ["raw.idmap": "uid 0-5 10-15"],
        ["raw.lxc": "lxc.idmap=u 0 0 65536"], ["raw.lxc": "lxc.include=/tmp/x"], ["raw.lxc": "  LXC.Include = /tmp/x"],
    ]
    static let allowed: [[String: String]] = [
        [:], ["security.privileged": "false"], ["raw.idmap": "both 1000 1000"], ["raw.lxc": "lxc.mount.auto=proc"],
    ]

    private func gate(isUnprivilegedOnly: Bool) throws -> ConfigGate {
        ConfigGate(
            devices: LenientRules(), hostIDs: .fallback, architectures: [try Architectures.local().id],
            isUnprivilegedOnly: isUnprivilegedOnly)
    }

    private func row(_ config: [String: String]) throws -> InstanceRow {
        var row = InstanceRow(project: "default", name: "c1", createdAt: .now())
        row.architecture = try Architectures.local().id
        row.config = config
        row.devices = ["root": ["type": "disk", "path": "/", "pool": "p"]]
        row.profiles = ["default"]
        return row
    }

    @Test func noWayLeadsToRootOfTheHost() async throws {
        try await World.with { world in
            let (strict, open) = (try gate(isUnprivilegedOnly: true), try gate(isUnprivilegedOnly: false))
            let ways: [ConfigGate.Way] = [.create, .update, .copy, .restore, .importBackup, .profileChange]
            for config in Self.refused {
                let row = try row(config)
                try await world.store.read { tx in
                    for way in ways {
                        #expect(throws: LXDError.self, "\(config) by \(way)") { _ = try strict.admit(row, replacing: nil, way, tx) }
                    }
                    _ = try open.admit(row, replacing: nil, .create, tx)
                    var profile = ProfileRow(project: "default", name: "x", description: "")
                    profile.config = config
                    let final = profile
                    #expect(throws: LXDError.self, "\(config) in a profile") { try strict.admitProfile(final, tx) }
                }
            }
            for config in Self.allowed {
                let row = try row(config)
                try await world.store.read { _ = try strict.admit(row, replacing: nil, .create, $0) }
            }
        }
    }

    @Test func aProfileCountsAsWell() async throws {
        try await World.with { world in
            let strict = try gate(isUnprivilegedOnly: true)
            let row = try row([:])
            try await world.store.write { tx in
                var profile = try #require(try tx.profile(project: "default", name: "default"))
                profile.config["security.privileged"] = "true"
                try tx.updateProfile(profile)
            }
            await #expect(throws: LXDError.self) {
                try await world.store.read { _ = try strict.admit(row, replacing: nil, .create, $0) }
            }
        }
    }
}
