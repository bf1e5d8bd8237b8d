import LXDAPI
import Testing

/// The quick reader of plain YAML must read what it reads just as the library does.
@Suite struct PlainYAMLReaderTests {
    /// Some plain, some not: all of them mean the same to both.
    private static let documents = [
        "a: b\n", "a: b", "a:\n  b: c\n  d:\n    e: f\ng: h\n", "a:\nb: c\n", "a: {}\nb: []\nc:\n  d: {}\n", "a: 1\nb: true\nc: 1.5\nd: ~\ne: null\n",
        "addr: https://127.0.0.1:8443\n", "ll: list -c ns46\n", "a:   b   \n", "# one\na: b\n\n  # two\nc: d\n", "a: b # c\n", "a: 'b'\n", "a: \"b\\n\"\n",
        "a:\n- b\n- c\n", "a:\n  - b\n", "a: [b, c]\n", "a: {b: c}\n", "a: |\n  b\n  c\n", "a: >\n  b\n", "a: b\n  c\n", "a: -1\n", "- a\n", "a b: c\n", "a:b\n",
        "a: b:c\n", "a: 2020-01-01\n", "a: 0x10\nb: 0o7\nc: 1e3\nd: yes\n", "---\na: b\n", "user.x: y\nvolatile.eth0.hwaddr: 00:16:3e:00:00:01\n", "1: 2\n", "a: =\n",
        "a: <<\n", "a:\n    b: c\n    d: e\nf:\n g: h\n", "a: x-y z,w [v] {u}\n", "a: b\r\n", "{}", "",
    ]

    @Test(arguments: documents)
    func readsWhatTheLibraryReads(document: String) throws {
        let quick: JSONValue = try LXDYAML.decode(from: document)
        // A letter outside ASCII makes the quick reader give up.
        let library: JSONValue = try LXDYAML.decode(from: document + (document.hasSuffix("\n") ? "" : "\n") + "# é\n")
        #expect(quick == library)
    }

    @Test(arguments: ["a: b\na: c\n", "a: b\n  c: d\n", "a:\n  b: c\n d: e\n", "a: b: c\n", "a: *b\n"])
    func mistakesAreStillMistakes(document: String) {
        #expect(throws: LXDError.self) { try LXDYAML.decode(JSONValue.self, from: document) }
    }
}
