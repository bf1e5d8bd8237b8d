import LXDAPI
import Testing

@Suite struct WireValueTests {
    @Test func anAbsentFieldIsTheZeroValue() throws {
        let instance = try LXDJSON.decode(Instance.self, from: "{}")
        #expect(instance == Instance())
        #expect(instance.lastUsedAt == .zero)
    }

    @Test func nullIsTheZeroValue() throws {
        let post = try LXDJSON.decode(
            InstancesPost.self, from: #"{"name":null,"config":null,"profiles":null,"source":null}"#)
        #expect(post == InstancesPost())
    }

    @Test func emptyMapsAreSentAndOmittedAsTheReferenceDoes() throws {
        let value = try JSONValue(encoding: Instance()).objectValue ?? [:]
        #expect(value["config"] == .object([:]))
        #expect(value["profiles"] == .array([]))
        #expect(value["expanded_config"] == nil)
        #expect(value["restore"] == nil)
        #expect(value["created_at"] == .string("0001-01-01T00:00:00Z"))
    }

    @Test func anAbsentPointerIsSentAsNull() throws {
        let value = try JSONValue(encoding: InstanceFull()).objectValue ?? [:]
        #expect(value["state"] == .null)
        #expect(value["snapshots"] == .null)
    }

    @Test func aPatchReplacesOnlyWhatItNames() throws {
        let current = InstancePut.with {
            $0.description = "old"
            $0.config = ["a": "1"]
        }
        let patched = try LXDJSON.merge(patch: Array(#"{"description":"new"}"#.utf8), into: current)
        #expect(patched.description == "new")
        #expect(patched.config == ["a": "1"])
    }

    @Test func aWrongTypeIsABadRequestThatNamesThePlace() {
        #expect {
            try LXDJSON.decode(InstancesPost.self, from: #"{"config":{"a":1}}"#)
        } throws: { error in
            guard let error = error as? LXDError else { return false }
            return error.code == .badRequest && error.message == "Invalid JSON: config.a: expected a string"
        }
    }

    @Test func slashesAreNotEscaped() throws {
        #expect(try LXDJSON.encodeString(["/1.0/instances"]) == #"["/1.0/instances"]"#)
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\" 1}", "nul", "01", "1.", "1e", "\"a", "\"\\x\"", "\"a\nb\"", "{} {}", "1e999",
        String(repeating: "[", count: 100_000),
    ])
    func brokenTextIsABadRequest(text: String) {
        #expect { try LXDJSON.decode(JSONValue.self, from: text) } throws: { ($0 as? LXDError)?.code == .badRequest }
    }

    @Test(
        arguments: [
            (#""\u00e9\ud83d\ude00\/\n""#, JSONValue.string("é😀/\n")), ("-12", -12), ("1.5e2", .number(150)),
            (" [ ] ", []),
            ("18446744073709551615", .number(1.8446744073709552e19)),
            (#"{"a":{"b":[true,null]}}"#, ["a": ["b": [true, nil]]]),
            (#""\ud800x""#, .string("\u{FFFD}x")),
        ] as [(String, JSONValue)])
    func textIsReadAsItIsMeant(text: String, value: JSONValue) throws {
        #expect(try LXDJSON.decode(JSONValue.self, from: text) == value)
    }

    @Test func aTypeWithContainersOfItsOwnIsEncodedToo() throws {
        struct Odd: Encodable {
            enum Key: String, CodingKey { case a, b }
            func encode(to encoder: any Encoder) throws {
                var outer = encoder.container(keyedBy: Key.self)
                var inner = outer.nestedContainer(keyedBy: Key.self, forKey: .a)
                try inner.encode(1, forKey: .b)
                var list = outer.nestedUnkeyedContainer(forKey: .b)
                try list.encode("x")
            }
        }
        #expect(try LXDJSON.encodeString(Odd()) == #"{"a":{"b":1},"b":["x"]}"#)
    }

    @Test func mapsOfAnythingAreSorted() throws {
        #expect(try LXDJSON.encodeString(["b": [1], "a": [2, 3]]) == #"{"a":[2,3],"b":[1]}"#)
        #expect(try LXDJSON.encodeString(["b": ["y": "1", "x": "2"], "a": [:]]) == #"{"a":{},"b":{"x":"2","y":"1"}}"#)
    }
}
