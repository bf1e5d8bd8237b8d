import LXDAPI
import LXDClient

/// What the server keeps with a configuration of keys and values: profiles, projects, networks, pools, volumes.
protocol ConfiguredDocument: WireValue {
    associatedtype Change: ConfiguredChange
    var config: [String: String] { get }
    var usedBy: [String] { get set }
    /// The part of it that can be changed.
    var writable: Change { get }
}

protocol ConfiguredChange: WireValue {
    var config: [String: String] { get set }
}

extension Profile: ConfiguredDocument {}
extension ProfilePut: ConfiguredChange {}
extension Project: ConfiguredDocument {}
extension ProjectPut: ConfiguredChange {}
extension Network: ConfiguredDocument {}
extension NetworkPut: ConfiguredChange {}
extension StoragePool: ConfiguredDocument {}
extension StoragePoolPut: ConfiguredChange {}
extension StorageVolume: ConfiguredDocument {}
extension StorageVolumePut: ConfiguredChange {}

/// One of these on its server: what `get`, `set`, `unset`, `edit` and `show` of each kind do.
struct ConfiguredThing<Document: ConfiguredDocument>: Sendable {
    let load: @Sendable () async throws -> Versioned<Document>
    let store: @Sendable (_ changed: Document.Change, _ etag: String) async throws -> Void
    /// Throws for what is shown but cannot be changed.
    var checkChangeable: @Sendable (Document) throws -> Void = { _ in }

    /// - Parameter sorted: Whether what uses it is sorted, as LXD's client has it of some.
    func show(sorted: Bool = true) async throws {
        var document = try await load().value
        if sorted { document.usedBy.sort() }
        Standard.output(try LXDYAML.encode(document))
    }

    /// - Parameter missing: What is printed for a key that is not set.
    func get(_ key: String, missing: String = "") async throws {
        Standard.output(try await load().value.config[key].map { $0 + "\n" } ?? missing)
    }

    /// - Parameter words: `["k=v", "k2=v2"]` or `["k", "v"]`.
    func set(_ words: some Sequence<String>) async throws {
        let values = try KeyValues.parse(Array(words))
        let current = try await load()
        try checkChangeable(current.value)
        var changed = current.value.writable
        changed.config.merge(values) { _, new in new }
        try await store(changed, current.etag)
    }

    func unset(_ key: String) async throws { try await set([key, ""]) }

    /// - Parameter help: Comment lines shown above the document in the editor.
    func edit(help: String) async throws {
        try await DocumentEdit.run(help: help) {
            let current = try await load()
            try checkChangeable(current.value)
            return current
        } apply: { (edited: Document.Change, etag) in
            try await store(edited, etag)
        }
    }
}
