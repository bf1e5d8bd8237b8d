import LXDAPI
import LXDClient
import _StringProcessing

struct ImageList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List images",
        usage: "[<remote>:] [<filter>...]",
        discussion: """
            List images

            Filters may be of the <key>=<value> form for property based filtering,
            or part of the image hash or part of the image alias name.

            The -c option takes a (optionally comma-separated) list of columns
            that are shown in table or csv format.

            Default column layout is: lfpdasu

            Column shorthand chars:

                l - Shortest image alias (and optionally number of other aliases)
                L - Newline-separated list of all image aliases
                f - Fingerprint (short)
                F - Fingerprint (long)
                p - Whether image is public
                d - Description
                a - Architecture
                s - Size
                u - Upload date
                t - Type
            """,
        aliases: ["ls"])
    static let argumentCount = 0...Int.max
    static let examples = """
        lxc image list os=debian
            Show the images whose property "os" is "debian".
        """

    @Option(short: "c", help: "Columns") var columns = "lfpdatsu"
    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let reference = try ImageReference(arguments.first ?? "", session)
        var filters = Array(arguments.dropFirst())
        if !reference.reference.name.isEmpty { filters.insert(reference.reference.name, at: 0) }
        let columns = try Self.parseColumns(columns)
        let (images, rest) = try await load(reference.shelf, filters)
        let shown = images.filter { image in rest.allSatisfy { Self.matches($0, image) } }
        var table = Table(columns.map(\.header))
        table.rows = shown.map { image in columns.map { $0.text(image) } }.sortedByColumns()
        Standard.output(try table.render(try TableFormat(named: format), raw: shown))
    }

    private func load(_ shelf: ImageShelf, _ filters: [String]) async throws -> ([Image], [String]) {
        guard case .lxd(let server) = shelf else { return (try await shelf.images(), filters) }
        let known: Set<String> = [
            "auto_update", "properties", "public", "expires_at", "profiles", "aliases", "architecture", "cached", "filename",
            "fingerprint", "size", "update_source", "type", "created_at", "last_used_at", "uploaded_at",
        ]
        var forServer: [String] = []
        var rest: [String] = []
        for filter in filters {
            if let (key, value) = filter.split(once: "="), known.contains(key), !value.contains(",") {
                forServer.append("\(key) eq \(value)")
            } else {
                rest.append(filter)
            }
        }
        do {
            return (try await server.images(filter: forServer.joined(separator: " and ")), rest)
        } catch {
            // A server that cannot filter sends all.
            return (try await server.images(), filters)
        }
    }

    struct Column {
        let header: String
        let text: (Image) -> String
    }

    static func parseColumns(_ text: String) throws -> [Column] {
        try text.split(separator: ",", omittingEmptySubsequences: false).flatMap { entry in
            if entry.isEmpty {
                throw CommandFailure("Empty column entry (redundant, leading or trailing command) in '\(text)'")
            }
            return try entry.map { letter in
                guard let column = column(letter) else {
                    throw CommandFailure("Unknown column shorthand char '\(letter)' in '\(entry)'")
                }
                return column
            }
        }
    }

    private static func column(_ letter: Character) -> Column? {
        switch letter {
        case "l": Column(header: "ALIAS", text: alias)
        case "L": Column(header: "ALIASES") { $0.aliases.map(\.name).sorted().joined(separator: "\n") }
        case "f": Column(header: "FINGERPRINT") { String($0.fingerprint.prefix(12)) }
        case "F": Column(header: "FINGERPRINT") { $0.fingerprint }
        case "p": Column(header: "PUBLIC") { $0.public ? "yes" : "no" }
        case "d": Column(header: "DESCRIPTION") { $0.properties["description"] ?? "" }
        case "a": Column(header: "ARCHITECTURE") { $0.architecture }
        case "s": Column(header: "SIZE") { ByteText.fixed(Double($0.size) / 1024 / 1024, 2) + "MB" }
        case "u": Column(header: "UPLOAD DATE") { TimeText.uploaded($0.uploadedAt) }
        case "t": Column(header: "TYPE") { $0.type.isEmpty ? "CONTAINER" : $0.type.uppercased() }
        default: nil
        }
    }

    private static func alias(_ image: Image) -> String {
        let shortest = image.aliases.map(\.name).filter { !$0.isEmpty }.min { $0.utf8.count < $1.utf8.count } ?? ""
        return image.aliases.count > 1 ? "\(shortest) (\(image.aliases.count - 1) more)" : shortest
    }

    static func matches(_ filter: String, _ image: Image) -> Bool {
        guard let (key, value) = filter.split(once: "=") else {
            return image.fingerprint.contains(filter) || image.aliases.contains { $0.name.contains(filter) }
        }
        let anchored = value.contains("^") || value.contains("$") ? value : "^(?:\(value))$"
        let expression = try? Regex(anchored)  // What is no expression is compared as it is.
        for (name, current) in image.properties where ListFilter.isAbbreviation(key, of: name) {
            if expression.map({ current.firstMatch(of: $0) != nil }) ?? (current == value) { return true }
        }
        guard let fields = try? JSONValue(encoding: image).objectValue, let field = fields[key] else { return false }
        return switch field {
        case .string(let text): text == value
        case .bool(let flag): "\(flag)" == value
        case .integer(let number): "\(number)" == value
        default: false
        }
    }
}
