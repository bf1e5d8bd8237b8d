import LXDAPI
import Testing

@testable import LXDCore

@Suite struct IDMapSetTests {
    let host = IDMapSet.HostRange(uidBase: 1_000_000, uidRange: 1_000_000, gidBase: 1_000_000, gidRange: 1_000_000)

    @Test func withoutFilesTheRangeIsLXDs() {
        #expect(IDMapSet.HostRange(subuid: nil, subgid: nil) == .fallback)
        #expect(IDMapSet.HostRange(subuid: "bob:1:65536\n", subgid: "root:5:65536\n") == .fallback)
    }

    @Test func aRangeTooSmallForASystemIsPassedOver() {
        let range = IDMapSet.HostRange(
            subuid: "root:1:1000\nroot:100000:65536\n", subgid: "root:200000:70000")
        #expect(range == IDMapSet.HostRange(uidBase: 100_000, uidRange: 65_536, gidBase: 200_000, gidRange: 70_000))
    }

    @Test func theJSONIsLXDs() throws {
        let map = IDMapSet(base: 1_000_000, range: 65_536)
        #expect(
            map.json
                == #"[{"Isuid":true,"Isgid":false,"Hostid":1000000,"Nsid":0,"Maprange":65536},{"Isuid":false,"Isgid":true,"Hostid":1000000,"Nsid":0,"Maprange":65536}]"#)
        #expect(try IDMapSet(json: map.json) == map)
        #expect(IDMapSet.privileged.json == "[]")
        #expect(throws: LXDError.self) { try IDMapSet(json: "{") }
    }

    @Test func isolatedContainersGetRangesOfTheirOwn() throws {
        let config = ["security.idmap.isolated": "true"]
        let first = try IDMapSet.plan(config: config, host: host, taken: [])
        #expect(first.base == 1_065_536)
        let taken = [IDMapSet.Reservation(base: 1_065_536, size: 65_536), IDMapSet.Reservation(base: 1_262_144, size: 65_536)]
        #expect(try IDMapSet.plan(config: config, host: host, taken: taken).base == 1_131_072)
        let full = IDMapSet.Reservation(base: 1_065_536, size: 934_000)
        #expect(throws: LXDError.self) { try IDMapSet.plan(config: config, host: host, taken: [full]) }
    }

    @Test func rawMapsCutHoles() throws {
        let map = try IDMapSet.plan(config: ["raw.idmap": "both 1000 1000"], host: host, taken: []).map
        let uids = map.entries.filter(\.isUID)
        #expect(uids.map(\.namespaceID) == [0, 1000, 1001])
        #expect(uids.map(\.hostID) == [1_000_000, 1000, 1_001_001])
        #expect(uids.map(\.range) == [1000, 1, 998_999])
        #expect(map.rootID == 1_000_000)
    }

    @Test(arguments: ["both 1 2 3", "x 1 1", "uid 5-3 1-2", "uid 1-2 1-3", "uid 1000500 5", "uid -1 5"])
    func badRawMapsAreRefused(_ line: String) {
        #expect(throws: LXDError.self) { try IDMapSet.plan(config: ["raw.idmap": line], host: host, taken: []) }
    }
}
