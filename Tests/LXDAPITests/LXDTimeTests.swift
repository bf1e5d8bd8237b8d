import LXDAPI
import Testing

@Suite struct LXDTimeTests {
    @Test(arguments: [
        "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2021-03-23T17:38:37.753398689-04:00", "2024-02-29T23:59:59.1Z",
        "2000-12-31T00:00:00.000000001+05:30", "1900-03-01T12:00:00Z", "9999-12-31T23:59:59.999999999Z",
    ])
    func aTimeIsWrittenAsItWasRead(text: String) throws {
        #expect(try #require(LXDTime(rfc3339: text)).description == text)
    }

    @Test(arguments: [
        "", "2021", "2021-03-23", "2021-13-23T00:00:00Z", "2021-03-23T24:00:00Z", "2021-03-23T00:00:00",
        "2021-03-23T00:00:00.Z",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(LXDTime(rfc3339: text) == nil)
    }

    @Test func offsetsDoNotChangeTheInstant() throws {
        #expect(LXDTime(rfc3339: "2021-03-23T12:00:00-04:00") == LXDTime(rfc3339: "2021-03-23T16:00:00Z"))
        #expect(LXDTime(rfc3339: "2021-03-23T16:00:00Z")?.seconds == 1_616_515_200)
    }

    @Test(arguments: [Int64(0), 1, -1, 1_616_515_200_123_456_789, -1_000_000_001])
    func nanosecondsSurviveTheDatabase(nanoseconds: Int64) {
        #expect(LXDTime(unixNanoseconds: nanoseconds).unixNanoseconds == nanoseconds)
    }

    @Test func durationsAddAndSubtract() {
        let start = LXDTime(seconds: 10, nanoseconds: 900_000_000)
        let end = start + .milliseconds(200)
        #expect(end == LXDTime(seconds: 11, nanoseconds: 100_000_000))
        #expect(end - start == .milliseconds(200))
    }
}
