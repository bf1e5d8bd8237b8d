import LXDAPI
import Testing

@Suite struct WireValueTests {
    @Test func anAbsentFieldIsTheZeroValue() throws {
        let instance = try LXDJSON.decode(Instance.self, from: "{}")
        #expect(instance == Instance())
        #expect(instance.lastUsedAt == .zero)
    }

    @Test func nullIsTheZeroValue() throws {
        let post = try LXDJSON.decode(InstancesPost.self, from: #"{"name":null,"config":null,"profiles":null,"source":null}"#)
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
}
