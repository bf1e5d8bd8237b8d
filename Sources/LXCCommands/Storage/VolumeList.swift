import LXDAPI
import LXDClient

struct VolumeList: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List storage volumes",
        usage: "[<remote>:]<pool> [<filter>...]",
        discussion: """
            List storage volumes

            The -c option takes a (optionally comma-separated) list of arguments
            that control which image attributes to output when displaying in table
            or csv format.

            Column shorthand chars:
                c - Content type (filesystem or block)
                d - Description
                e - Project name
                L - Location of the instance (e.g. its cluster member)
                n - Name
                t - Type of volume (custom, image, container or virtual-machine)
                u - Number of references (used by)
                U - Current disk usage
            """,
        aliases: ["ls"])
    static let argumentCount = 1...Int.max
    static let examples = """
        lxc storage volume list default type=custom
            Show the volumes of a pool that users made.
        """

    @Flag(help: "All projects") var allProjects = false
    @Option(short: "c", help: "Columns") var columns = Self.usualColumns
    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    var arguments: [String] = []

    private static let usualColumns = "etndcuL"

    private struct Column: Sendable {
        let title: String
        let text: @Sendable (StorageVolume, StorageVolumeState?) -> String
        var needsState = false
    }

    private static let known: [Character: Column] = [
        "t": Column(title: "TYPE") { volume, _ in volume.name.contains("/") ? "\(volume.type) (snapshot)" : volume.type
        },
        "n": Column(title: "NAME") { volume, _ in volume.name },
        "d": Column(title: "DESCRIPTION") { volume, _ in volume.description },
        "c": Column(title: "CONTENT-TYPE") { volume, _ in volume.contentType.isEmpty ? "filesystem" : volume.contentType
        },
        "u": Column(title: "USED BY") { volume, _ in "\(volume.usedBy.count)" },
        "U": Column(
            title: "USAGE", text: { _, state in state?.usage.map { ByteText.iec(Int64(clamping: $0.used)) } ?? "" },
            needsState: true),
        "L": Column(title: "LOCATION") { volume, _ in volume.location },
        "e": Column(title: "PROJECT") { volume, _ in volume.project },
    ]

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: StorageGroup.missingName)
        let server = resource.server
        let volumes = try await server.storageVolumes(
            resource.name, filters: Array(arguments.dropFirst()), allProjects: allProjects)
        let letters = allProjects ? columns : columns.filter { $0 != "e" }
        let usual = allProjects ? Self.usualColumns : Self.usualColumns.filter { $0 != "e" }
        let chosen = try ColumnLetters.parse(letters, usual: usual, isClustered: try await server.isClustered()) {
            Self.known[$0]
        }
        var rows: [[String]] = []
        for volume in volumes {
            var state: StorageVolumeState?
            if chosen.contains(where: \.needsState), !volume.name.contains("/"), volume.type != "image" {
                state = try await server.storageVolumeState(resource.name, volume.type, volume.name)
            }
            rows.append(chosen.map { $0.text(volume, state) })
        }
        var table = Table(chosen.map(\.title))
        table.rows = chosen.count >= 2 ? Self.sorted(rows) : rows
        Standard.output(try table.render(try TableFormat(named: format), raw: volumes))
    }

    /// By the first column and then by the second, with snapshots beside what they are of.
    private static func sorted(_ rows: [[String]]) -> [[String]] {
        rows.sorted { left, right in
            let leftType = left[0].prefix { $0 != " " }
            let rightType = right[0].prefix { $0 != " " }
            if leftType != rightType { return left[0].isNaturallyLess(than: right[0]) }
            if left[1].isEmpty { return false }
            if right[1].isEmpty { return true }
            return left[1].isNaturallyLess(than: right[1])
        }
    }
}
