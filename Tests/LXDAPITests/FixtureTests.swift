import FoundationEssentials
import LXDAPI
import Testing

/// Answers of LXD 5.0.2 that were written down: reading and writing one again must not change it.
@Suite struct FixtureTests {
    struct Fixture: Sendable, CustomStringConvertible {
        let name: String
        let again: @Sendable (JSONValue) throws -> JSONValue
        var description: String { name }

        init<Value: WireValue>(_ name: String, _ type: Value.Type) {
            self.name = name
            again = { value in try JSONValue(encoding: try value.decode(Value.self)) }
        }
    }

    static let all: [Fixture] = [
        .init("certificates", [Certificate].self), .init("cluster", Cluster.self), .init("image", Image.self),
        .init("image-aliases", [ImageAliasesEntry].self), .init("instance", Instance.self),
        .init("instance-metadata", ImageMetadata.self), .init("instance-snapshots", [InstanceSnapshot].self),
        .init("instance-state", InstanceState.self), .init("instance-state-stopped", InstanceState.self),
        .init("instances-full", [InstanceFull].self), .init("network-leases", [NetworkLease].self),
        .init("network-state", NetworkState.self), .init("networks", [Network].self), .init("profile", Profile.self),
        .init("project", Project.self), .init("project-state", ProjectState.self), .init("resources", Resources.self),
        .init("server", Server.self), .init("storage-pool", StoragePool.self),
        .init("storage-pool-resources", ResourcesStoragePool.self),
        .init("storage-volume-snapshots", [StorageVolumeSnapshot].self), .init("storage-volumes", [StorageVolume].self),
        .init("warnings", [Warning].self), .init("operations", [String: [LXDAPI.Operation]].self),
    ]

    static func load(_ name: String) throws -> JSONValue {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try LXDJSON.decode(from: try Data(contentsOf: folder.appending(path: "Fixtures/api/\(name).json")))
    }

    @Test(arguments: all)
    func anAnswerOfTheReferenceSurvives(fixture: Fixture) throws {
        let value = try Self.load(fixture.name)
        let again = try fixture.again(value)
        let differences = Self.differences(value, again, at: "")
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    /// Where two values differ. The reference itself sends some lists of interfaces it does not manage as `null` here and
    /// as `[]` there, so these two count as equal.
    static func differences(_ left: JSONValue, _ right: JSONValue, at path: String) -> [String] {
        switch (left, right) {
        case (.object(let a), .object(let b)):
            return Set(a.keys).union(b.keys).sorted().flatMap { key -> [String] in
                guard let x = a[key] else { return ["\(path).\(key) was added"] }
                guard let y = b[key] else { return ["\(path).\(key) is gone"] }
                return differences(x, y, at: "\(path).\(key)")
            }
        case (.array(let a), .array(let b)) where a.count == b.count:
            return zip(a, b).enumerated().flatMap { differences($1.0, $1.1, at: "\(path)[\($0)]") }
        case (.null, .array([])) where path.hasSuffix(".used_by"): return []
        default: return left == right ? [] : ["\(path): \(left) became \(right)"]
        }
    }
}
