import Foundation
import LXDLinux
import LXDTestSupport
import Testing

/// Two daemons on two hosts: trust, the overview of both, and what happens when one of them is out of reach.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"), .timeLimit(.minutes(10)))
struct TwoHostsTests {
    @Test func aTokenMakesARemoteOnceOnly() async throws {
        try await withTwoDaemons { local, remote in
            try await remote.listen()
            let text = try await remote.mustLxc("config", "trust", "add", "--name", "other")
            let token = try #require(text.split(whereSeparator: \.isWhitespace).last.map(String.init))
            try await local.mustLxc("remote", "add", "far", token)
            try await remote.mustLxc("config", "set", "user.where", "far")
            #expect(try await local.mustLxc("config", "get", "far:", "user.where") == "far\n")

            try await local.mustLxc("remote", "remove", "far")
            for fingerprint in try await fingerprints(remote) { try await remote.mustLxc("config", "trust", "remove", fingerprint) }
            let again = try await local.lxc("remote", "add", "far", token)
            #expect(!again.exit.isSuccess, "a token was taken twice")
        }
    }

    @Test func aCutCableIsAnErrorAndNotAHang() async throws {
        try await TestHost.withPair { one, two in
            try await TestDaemon.withDaemon(on: one) { local in
                try await TestDaemon.withDaemon(on: two) { remote in
                    try await remote.listen()
                    try await local.addRemote("far", remote)
                    try await one.cutCable()
                    let listed = try await local.lxc("list", "far:", deadline: .seconds(60))
                    #expect(!listed.exit.isSuccess)
                    #expect(listed.errorText.contains("10.77.0.2"), "the message does not name the server: \(listed.errorText)")
                    try await one.plugCable()
                    try await local.mustLxc("list", "far:")
                }
            }
        }
    }

    private func withTwoDaemons(_ body: (TestDaemon, TestDaemon) async throws -> Void) async throws {
        try await TestHost.withPair { one, two in
            try await TestDaemon.withDaemon(on: one) { local in
                try await TestDaemon.withDaemon(on: two) { remote in try await body(local, remote) }
            }
        }
    }

    private func fingerprints(_ daemon: TestDaemon) async throws -> [String] {
        try await daemon.mustLxc("config", "trust", "list", "-f", "csv").split(separator: "\n")
            .compactMap { $0.split(separator: ",", omittingEmptySubsequences: false).dropFirst(3).first.map(String.init) }
    }
}
