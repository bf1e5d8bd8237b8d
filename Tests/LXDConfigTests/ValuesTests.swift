import LXDAPI
import LXDConfig
import Testing

@Suite struct ValuesTests {
    @Test(
        arguments: [
            ("", 0), ("10", 10), ("1kB", 1000), ("1KiB", 1024), ("2GB", 2_000_000_000), ("1EiB", 1 << 60),
            ("5 bytes", 5),
        ] as [(String, Int64)])
    func sizes(text: String, bytes: Int64) throws {
        #expect(try ByteCount.parse(text) == bytes)
    }

    @Test(arguments: ["x", "1XB", "1.5GB", "-1", "99999999999999999999", "9EiB", "1 GB"])
    func sizesThatAreNone(text: String) {
        #expect(throws: LXDError.self) { try ByteCount.parse(text) }
    }

    @Test(arguments: [(0, "0B"), (999, "999B"), (1500, "1.50kB"), (123_456_789, "123.46MB")] as [(Int64, String)])
    func sizesForPeople(bytes: Int64, text: String) {
        #expect(ByteCount.format(bytes) == text)
    }

    @Test(arguments: [("10Mbit", 10_000_000), ("1Kibit", 1024), ("5", 5)] as [(String, Int64)])
    func rates(text: String, bits: Int64) throws {
        #expect(try BitRate.parse(text) == bits)
    }

    @Test func processors() throws {
        #expect(try CPUSet.parse("4") == .count(4))
        #expect(try CPUSet.parse("0-2,5") == .pinned([0, 1, 2, 5]))
        #expect(try CPUSet.parseKernelList("0-1\n") == [0, 1])
        #expect(try CPUSet.parseKernelList("3\n") == [3])
        #expect(throws: LXDError.self) { try CPUSet.parse("0-99999999999") }
    }

    @Test(arguments: [
        ("1M", "2021-01-31T12:01:00Z"), ("2H 30S", "2021-01-31T14:00:30Z"), ("1d", "2021-02-01T12:00:00Z"),
        ("1w", "2021-02-07T12:00:00Z"),
        ("1m", "2021-03-03T12:00:00Z"), ("1y 1m", "2022-03-03T12:00:00Z"),
    ])
    func expiryFollowsTheCalendar(text: String, expected: String) throws {
        let start = try #require(LXDTime(rfc3339: "2021-01-31T12:00:00Z"))
        #expect(try Expiry.date(text, after: start).description == expected)
    }

    @Test(arguments: ["x", "1", "1H 2H", "1h", "H", "-1d", "1d  1H"])
    func expiryThatIsNone(text: String) {
        #expect(throws: LXDError.self) { try Expiry.parse(text) }
    }

    @Test func schedulesNameTheirMinutes() throws {
        // A Tuesday.
        let time = try #require(LXDTime(rfc3339: "2021-03-23T06:30:00Z"))
        #expect(try CronSchedule("30 6 * * tue").matches(time))
        #expect(try CronSchedule("*/15 6-8 * mar *").matches(time))
        #expect(try !CronSchedule("30 6 * * mon").matches(time))
        #expect(try CronSchedule("30 6 23 * mon").matches(time))
        #expect(try CronSchedule.parse("@daily, @startup").count == 1)
        #expect(throws: LXDError.self) { try CronSchedule("60 * * * *") }
    }

    @Test(arguments: [
        ("snap%d", "snap%d"), ("{{ creation_date|date:'2006-01-02_15-04-05' }}", "2021-03-23_06-30-07"),
        ("auto-{{creation_date|date:'Jan _2 Mon'}}", "auto-Mar 23 Tue"),
    ])
    func snapshotsAreNamedByTheirTime(pattern: String, expected: String) throws {
        let time = try #require(LXDTime(rfc3339: "2021-03-23T06:30:07Z"))
        #expect(try SnapshotPattern.render(pattern, at: time) == expected)
    }

    @Test(arguments: [
        "{{ config }}", "{% include '/etc/passwd' %}", "{{ creation_date|ssi:'/etc/passwd' }}", "{{ creation_date",
    ])
    func patternsReachNothingElse(pattern: String) {
        #expect(throws: LXDError.self) { try SnapshotPattern.render(pattern, at: .epoch) }
    }

    @Test(arguments: [
        ("True", true), ("1", true), ("yes", true), ("ON", true), ("0", false), ("off", false), ("No", false),
    ])
    func booleans(text: String, expected: Bool) {
        #expect(ConfigBool.parse(text) == expected)
    }
}
