import LXDAPI
import Testing

@Suite struct YAMLTests {
    @Test(arguments: [
        ("plain", "plain"), ("", "\"\""), ("true", "\"true\""), ("1", "\"1\""), ("1.5", "\"1.5\""),
        ("0x10", "\"0x10\""),
        ("null", "\"null\""), ("~", "\"~\""), ("yes", "\"yes\""), ("a: b", "'a: b'"), ("a #b", "'a #b'"), ("*", "'*'"),
        ("- a", "'- a'"), (" a", "' a'"), ("a ", "'a '"), ("it's", "it's"), ("'quoted'", "'''quoted'''"),
        ("a\tb", "\"a\\tb\""),
        ("2021-03-23", "\"2021-03-23\""), ("10.0.0.1/24", "10.0.0.1/24"), ("a\nb", "|-\n  a\n  b"),
        ("a\nb\n", "|\n  a\n  b"),
        ("/dev/null", "/dev/null"), ("@x", "'@x'"), ("é", "é"), ("[::]:8443", "'[::]:8443'"), ("a:b", "a:b"),
        ("1:30", "\"1:30\""),
    ])
    func textIsQuotedAsTheReferenceQuotesIt(text: String, yaml: String) throws {
        #expect(try LXDYAML.encode(["k": text]) == "k: \(yaml)\n")
    }

    @Test(arguments: [
        "plain", "", "true", "1", "null", "a: b", "a\nb", "a\nb\n", "\na", "  x\ny", "a\u{0}b", "é\u{1b}",
        "it's \"so\"", String(repeating: "word ", count: 40) + "end",
    ])
    func textSurvives(text: String) throws {
        let yaml = try LXDYAML.encode(["k": text])
        #expect(try LXDYAML.decode([String: String].self, from: yaml) == ["k": text])
    }

    @Test func anInstanceLooksAsTheReferenceShowsIt() throws {
        let put = InstancePut.with {
            $0.architecture = "x86_64"
            $0.config = ["limits.cpu": "2", "eth10": "b", "eth2": "a"]
            $0.devices = ["root": ["path": "/", "type": "disk"]]
            $0.profiles = ["default"]
        }
        #expect(
            try LXDYAML.encode(put) == """
                architecture: x86_64
                config:
                  eth2: a
                  eth10: b
                  limits.cpu: "2"
                devices:
                  root:
                    path: /
                    type: disk
                ephemeral: false
                profiles:
                - default
                stateful: false
                description: ""

                """)
    }

    @Test func emptyAndAbsentListsAreEmpty() throws {
        #expect(
            try LXDYAML.encode(Profile()) == "config: {}\ndescription: \"\"\ndevices: {}\nname: \"\"\nused_by: []\n")
        #expect(try LXDYAML.encode(StorageVolumeSnapshotPut()) == "description: \"\"\nexpires_at: null\n")
    }

    @Test func timesAreNotQuoted() throws {
        let time = try #require(LXDTime(rfc3339: "2021-03-23T17:38:37.5Z"))
        #expect(try LXDYAML.encode(["t": time]) == "t: 2021-03-23T17:38:37.5Z\n")
    }

    @Test func anyScalarIsTextWhereTextIsWanted() throws {
        let put = try LXDYAML.decode(
            InstancePut.self,
            from: "config:\n  limits.cpu: 2\n  security.nesting: true\n  user.x:\nephemeral: yes\nprofiles: [default]")
        #expect(put.config == ["limits.cpu": "2", "security.nesting": "true", "user.x": ""])
        #expect(put.ephemeral)
        #expect(put.profiles == ["default"])
    }

    @Test func untypedScalarsGetTheTypeTheyLookLike() throws {
        let put = try LXDYAML.decode(ServerPut.self, from: "config:\n  a: \"1\"\n  b: 1\n  c: true\n  d: x")
        #expect(put.config == ["a": "1", "b": 1, "c": true, "d": "x"])
    }

    @Test func anEmptyDocumentIsTheZeroValue() throws {
        #expect(try LXDYAML.decode(ProfilePut.self, from: "") == ProfilePut())
        #expect(try LXDYAML.decode(ProfilePut.self, from: "### only\n# comments\n") == ProfilePut())
    }

    /// A few hundred bytes that stand for gigabytes.
    @Test(.timeLimit(.minutes(1)))
    func anAliasBombIsRefusedAtOnce() {
        var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        for level in 1...9 {
            bomb +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",") + "]\n"
        }
        #expect(throws: LXDError.self) { try LXDYAML.decode(JSONValue.self, from: bomb) }
    }

    @Test(.timeLimit(.minutes(1)))
    func deepAndLongDocumentsAreRefused() {
        #expect(throws: LXDError.self) {
            try LXDYAML.decode(JSONValue.self, from: String(repeating: "[", count: 100_000))
        }
        #expect(throws: LXDError.self) {
            try LXDYAML.decode(JSONValue.self, from: String(repeating: "- ", count: 200) + "x")
        }
        #expect(throws: LXDError.self) {
            try LXDYAML.decode(JSONValue.self, from: String(repeating: "x", count: 5 << 20))
        }
    }

    @Test(arguments: ["a: [", "a: b: c", "\t- x", "a: 'x", "{a: 1, a: 2}", "? [a]\n: b"])
    func brokenDocumentsAreBadRequests(text: String) {
        #expect { try LXDYAML.decode(JSONValue.self, from: text) } throws: { ($0 as? LXDError)?.code == .badRequest }
    }
}
