/// The page that lists all configuration keys, made from the tables that check them.
package enum ReferencePage {
    /// The page as Markdown.
    package static func text() -> String {
        var page = """
            # Configuration keys

            This page is made from the tables in `Sources/LXDConfig/Tables` that the server checks values with; do not edit
            it. `scripts/test` compares the two. A name ending in `.*` stands for any name that begins so, and `NAME` for any
            one name.

            | Value | What it may be |
            | :--- | :--- |
            | bool | `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in either case |
            | integer, uint32 | a whole number; uint32 is not negative |
            | size | bytes, or a number with `kB MB GB TB PB EB` (thousands) or `KiB MiB GiB TiB PiB EiB` (1024s) |
            | list | values separated by commas |
            | blob | text of several lines; all others are of one line |

            Keys marked *low-level* can be set in a restricted project only with `restricted.containers.lowlevel=allow`; those
            marked *host* act on the host and have restrictions of their own.


            """
        for (title, table, columns) in sections { page += section(title, table, columns) }
        return page
    }

    private struct Columns: OptionSet {
        let rawValue: Int
        static let live = Columns(rawValue: 1)
        static let scope = Columns(rawValue: 2)
    }

    private static var sections: [(String, KeyTable, Columns)] {
        var sections: [(String, KeyTable, Columns)] = [
            ("Instances and profiles", InstanceKeys.table, [.live, .scope]), ("Server", ServerKeys.table, .scope),
            ("Projects", ProjectKeys.table, []), ("Bridge networks", NetworkKeys.table, []),
            ("Storage pools", PoolKeys.table, []), ("Storage volumes", VolumeKeys.table, []),
        ]
        for type in ["disk", "unix-char", "unix-hotplug", "usb", "gpu", "proxy", "tpm", "pci"] {
            if let table = DeviceKeys.table(type: type) { sections.append(("Devices of type \(type)", table, [])) }
        }
        for nicType in ["bridged", "macvlan", "p2p"] {
            guard let table = DeviceKeys.table(type: "nic", nicType: nicType) else { continue }
            sections.append(("Devices of type nic, nictype \(nicType)", table, []))
        }
        return sections
    }

    private static func section(_ title: String, _ table: KeyTable, _ columns: Columns) -> String {
        var header = ["Key", "Value", "Default"]
        if columns.contains(.live) { header.append("Live") }
        if columns.contains(.scope) { header.append("Applies to") }
        header.append("What it does")
        var text = "## \(title)\n\n" + row(header) + row(header.map { _ in ":---" })
        for key in table.keys.sorted(by: { $0.name < $1.name }) {
            var cells = ["`\(key.name)`", key.kind.rawValue, key.defaultValue.isEmpty ? "-" : "`\(key.defaultValue)`"]
            if columns.contains(.live) { cells.append(key.isLive ? "yes" : "no") }
            if columns.contains(.scope) { cells.append(key.scope.rawValue) }
            cells.append(key.text + note(key.privilege))
            text += row(cells)
        }
        return text + "\n"
    }

    private static func note(_ privilege: ConfigKey.Privilege) -> String {
        switch privilege {
        case .safe: ""
        case .lowLevel: " *Low-level.*"
        case .host: " *Host.*"
        }
    }

    private static func row(_ cells: [String]) -> String {
        "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
    }
}
