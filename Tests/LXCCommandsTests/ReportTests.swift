import LXDAPI
import Testing

@testable import LXCCommands

@Suite struct ReportTests {
    @Test func usersOfAPoolAreGroupedByKind() {
        let users = StorageInfo.users([
            "/1.0/instances/web", "/1.0/instances/db?project=team%201", "/1.0/profiles/default",
            "/1.0/storage-pools/default/volumes/custom/data?project=p&target=m1", "/1.0", "nonsense",
        ])
        #expect(
            users == [
                "instances": ["web", #"db (project "team 1")"#], "profiles": ["default"],
                "volumes": [#"data (project "p", target "m1")"#],
            ])
    }

    @Test func columnLettersMayBeSeparatedByCommas() throws {
        func parse(_ letters: String, clustered: Bool = false) throws -> [Character] {
            try ColumnLetters.parse(letters, usual: "utL", isClustered: clustered) { "utL".contains($0) ? $0 : nil }
        }
        #expect(try parse("u,t") == ["u", "t"])
        #expect(try parse("utL") == ["u", "t"])
        #expect(try parse("utL", clustered: true) == ["u", "t", "L"])
        #expect(throws: CommandFailure.self) { try parse("uL") }
        #expect(throws: CommandFailure.self) { try parse("u,,t") }
        #expect(throws: CommandFailure.self) { try parse("x") }
    }

    @Test func aBridgeIsReportedAsTheReferenceDoes() {
        let state = NetworkState.with {
            $0.hwaddr = "00:16:3e:00:00:01"
            $0.mtu = 1500
            $0.state = "up"
            $0.type = "broadcast"
            $0.addresses = [
                .with {
                    $0.family = "inet"
                    $0.address = "10.0.0.1"
                    $0.netmask = "24"
                    $0.scope = "global"
                }
            ]
            $0.counters.bytesReceived = 1500
        }
        #expect(
            NetworkReport(name: "br0", state: state).text == """
                Name: br0
                MAC address: 00:16:3e:00:00:01
                MTU: 1500
                State: up
                Type: broadcast

                IP addresses:
                  inet\t10.0.0.1/24 (global)

                Network usage:
                  Bytes received: 1.50kB
                  Bytes sent: 0B
                  Packets received: 0
                  Packets sent: 0

                """)
    }
}
