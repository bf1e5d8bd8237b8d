import LXDAPI
import Testing

@Suite struct NamesTests {
    @Test(arguments: [
        ("", "Invalid instance name: Name must be 1-63 characters long"),
        ("-a", #"Invalid instance name: Name must not start with "-" character"#),
        ("a-", #"Invalid instance name: Name must not end with "-" character"#),
        ("1a", "Invalid instance name: Name must not start with a number"),
        ("a_b", "Invalid instance name: Name can only contain alphanumeric and hyphen characters"),
        ("a/b", #"The character "/" is reserved for snapshots"#),
        ("é", "Invalid instance name: Name can only contain alphanumeric and hyphen characters"),
    ])
    func aBadInstanceNameIsRefusedInTheReferencesWords(name: String, message: String) {
        #expect { try InstanceName(name) } throws: {
            ($0 as? LXDError)?.message == message && ($0 as? LXDError)?.code == .badRequest
        }
    }

    @Test(arguments: ["a", "web-1", "A9", String(repeating: "x", count: 63)])
    func aGoodInstanceNameIsKept(name: String) throws {
        #expect(try InstanceName(name).rawValue == name)
    }

    @Test(arguments: ["..", ".", "a\nb", "a\u{0}b", "a\u{1b}[31m"])
    func noNameLeadsOutOfItsDirectoryOrEndsALine(name: String) {
        #expect(throws: LXDError.self) { try SnapshotName(name) }
        #expect(throws: LXDError.self) { try ProfileName(name) }
        #expect(throws: LXDError.self) { try PoolName(name) }
        #expect(throws: LXDError.self) { try VolumeName(name) }
        #expect(throws: LXDError.self) { try ProjectName(name) }
        #expect(throws: LXDError.self) { try NetworkName(name) }
    }

    @Test func valuesInMessagesAreQuoted() {
        #expect(goQuoted("a\"b\\c\n\u{1b}é") == #""a\"b\\c\n\x1bé""#)
    }
}
