import Foundation
import LXDLinux
import LXDTestSupport
import Testing

/// One script of user commands over all four pairs of daemons and clients, ours and Debian's: none may notice a difference.
@Suite(.serialized, .enabled(if: Programs.mayRunContainers, "needs root"))
struct FourPairsTests {
    static let debian = Programs.debian

    @Test(.enabled(if: debian != nil, "needs Debian's lxd and lxd-client"), .timeLimit(.minutes(10)))
    func sixtyCommandsPrintTheSameWithEveryPair() async throws {
        let debian = try #require(Self.debian)
        let expected = try await transcript(debian)
        #expect(expected.filter { $0.hasPrefix("$ ") }.count >= 60)
        let pairs = [
            Programs(daemon: Programs.ours.daemon, client: debian.client, description: "our daemon, Debian's client"),
            Programs(daemon: debian.daemon, client: Programs.ours.client, description: "Debian's daemon, our client"),
            Programs(daemon: Programs.ours.daemon, client: Programs.ours.client, description: "ours"),
        ]
        for pair in pairs {
            let lines = try await transcript(pair)
            let difference = lines.difference(from: expected)
            #expect(difference.isEmpty, "\(pair.description): \(describe(difference))")
        }
    }

    private func transcript(_ programs: Programs) async throws -> [String] {
        let image = try await TestImage.busybox()
        return try await TestDaemon.withDaemon(programs) { daemon in
            let result = try await daemon.run(
                "/bin/bash", [sourceFolder + "/Tests/LXDSystemTests/Fixtures/sixty-commands.sh"],
                extra: ["LXC=\(programs.client)", "IMAGE=\(image)", "WORK=\(daemon.work)"], deadline: .seconds(240))
            return result.outputText.split(separator: "\n").map(String.init)
        }
    }

    private func describe(_ difference: CollectionDifference<String>) -> String {
        difference.map { change in
            switch change {
            case .insert(let line, let text, _): "\n  + \(line): \(text)"
            case .remove(let line, let text, _): "\n  - \(line): \(text)"
            }
        }.joined()
    }
}
