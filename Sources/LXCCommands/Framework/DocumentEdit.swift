import LXDAPI
import LXDClient

/// Changes something that has a YAML form: from the standard input when that is no terminal, else in an editor.
enum DocumentEdit {
    /// - Parameters:
    ///   - help: Comment lines shown above the document in the editor; empty for none.
    ///   - load: Reads the document and the tag of its version; only called when an editor opens.
    ///   - apply: Stores what came back. The tag is empty when the document came from the standard input, which means
    ///     to overwrite whatever is there.
    static func run<Document: WireValue, Shown: Encodable>(
        help: String,
        load: () async throws -> Versioned<Shown>,
        apply: (Document, _ etag: String) async throws -> Void
    ) async throws {
        if !Standard.isTerminal(Standard.input) {
            return try await apply(try LXDYAML.decode(Document.self, from: try Standard.readInputText()), "")
        }
        let current = try await load()
        let text = (help.isEmpty ? "" : help + "\n\n") + (try LXDYAML.encode(current.value))
        try await Editor.edit(text) { edited in
            try await apply(try LXDYAML.decode(Document.self, from: edited), current.etag)
        }
    }
}
