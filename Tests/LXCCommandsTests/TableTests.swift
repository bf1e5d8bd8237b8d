import LXDAPI
import Testing

@testable import LXCCommands

/// The same rows as LXD's own client was seen to draw.
struct TableTests {
    private let table = Table(
        ["ALIAS", "TARGET"],
        [["a_b.c", "list -c ns"], ["zed", "multi,comma \"q\" x"], ["漢字", "exec @ARGS@"]])

    @Test func bordersHeadersAndWideCharactersAreDrawnAsByLXD() throws {
        try Golden.expect(table.drawn(borders: true), is: "table")
    }

    @Test func compactTablesHaveNoLines() throws {
        try Golden.expect(table.drawn(borders: false), is: "table-compact")
    }

    @Test func tableWithoutRowsStillHasItsHeader() throws {
        try Golden.expect(Table(["NAME", "STATE"]).drawn(borders: true), is: "table-empty")
    }

    @Test func cellsOfSeveralLinesKeepTheirRow() throws {
        let text = Table(["NAME", "IPV4"], [["c1", "10.0.0.1 (eth0)\n10.1.1.1 (eth1)"], ["c2", ""]]).drawn(borders: true)
        try Golden.expect(text, is: "table-lines")
    }

    @Test func csvQuotesOnlyWhatNeedsIt() throws {
        let text = CSV.text([["plain", "a,b", "say \"x\"", " led", "two\nlines", ""]])
        #expect(text == "plain,\"a,b\",\"say \"\"x\"\"\",\" led\",\"two\nlines\",\n")
    }

    @Test func unknownFormatIsNamed() {
        #expect(throws: CommandFailure.self) { try TableFormat(named: "xml") }
        #expect(throws: Never.self) { try TableFormat(named: "compact") }
    }

    @Test(arguments: [
        ("user.comment", "USER COMMENT"), ("storage_pool", "STORAGE POOL"), ("v1.5", "V1.5"), ("1.5", "1.5"), ("", ""),
        ("IPV4", "IPV4"),
    ])
    func headersAreShownAsByLXD(name: String, shown: String) {
        #expect(Table.title(name) == shown)
    }
}

struct TextTests {
    @Test(arguments: [("c2", "c10"), ("c1", "c2"), ("a", "b"), ("c1x", "c01"), ("web", "web1")])
    func numbersInNamesCount(first: String, second: String) {
        #expect(first.isNaturallyLess(than: second))
        #expect(!second.isNaturallyLess(than: first))
    }

    @Test func emptyCellsComeLast() {
        #expect([["", "a"], ["b", ""], ["a", "x"]].sortedByColumns() == [["a", "x"], ["b", ""], ["", "a"]])
    }

    @Test(arguments: [(0, "0B"), (1023, "1023B"), (1024, "1.00KiB"), (1_610_612_736, "1.50GiB"), (5_242_880, "5.00MiB")])
    func sizesAreShownInSteps(bytes: Int64, text: String) {
        #expect(ByteText.iec(bytes) == text)
    }

    @Test(arguments: [("512MiB", 536_870_912), ("2GB", 2_000_000_000), ("10", 10), ("1kB", 1000)])
    func limitsAreRead(text: String, bytes: Int64) {
        #expect(ByteText.parse(text) == bytes)
    }

    @Test(arguments: ["1XB", "GB", "", "99999999999EB"])
    func whatIsNoSizeIsRefused(text: String) {
        #expect(ByteText.parse(text) == nil)
    }

    @Test func quotesAreEscapedLikeGo() {
        #expect("a\"b\\c\n".goQuoted == "\"a\\\"b\\\\c\\n\"")
    }

    @Test(arguments: [
        ("/a/../b/./c//d", "/b/c/d"), ("a/..", "."), ("../x", "../x"), ("/..", "/"), ("", "."), ("x/", "x"),
    ])
    func pathsAreCleaned(path: String, clean: String) {
        #expect(PathText.clean(path) == clean)
    }
}
