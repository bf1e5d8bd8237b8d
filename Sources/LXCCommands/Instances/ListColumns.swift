import LXDAPI
import LXDConfig

/// A column of `lxc list`.
struct ListColumn {
    let header: String
    let text: (InstanceFull) -> String
}

/// The columns that were asked for.
struct ListColumns {
    static let standard = "ns46tSL"
    static let standardAllProjects = "ens46tSL"

    let columns: [ListColumn]
    /// Whether any column shows the state or the snapshots, which a plain list does not carry.
    let needsFull: Bool

    init(_ text: String, allProjects: Bool, fast: Bool, clustered: Bool) throws {
        var text = allProjects && text == Self.standard ? Self.standardAllProjects : text
        let isStandard = text == Self.standard || text == Self.standardAllProjects
        if fast {
            guard isStandard else { throw CommandFailure("Can't specify --fast with --columns") }
            text = text == Self.standardAllProjects ? "ensacPt" : "nsacPt"
        }
        if !clustered {
            if !isStandard, !fast, Self.shorthands(in: text).contains("L") {
                throw CommandFailure("Can't specify column L when not clustered")
            }
            if isStandard { text.removeAll { $0 == "L" } }
        }
        var columns: [ListColumn] = []
        var needsFull = false
        for entry in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            if entry.isEmpty {
                throw CommandFailure("Empty column entry (redundant, leading or trailing command) in '\(text)'")
            }
            if entry.contains(".") {
                columns.append(try Self.keyColumn(entry))
                continue
            }
            for letter in entry {
                guard let known = Self.letters[letter] else {
                    throw CommandFailure("Unknown column shorthand char '\(letter)' in '\(entry)'")
                }
                columns.append(known.column)
                needsFull = needsFull || known.needsFull
            }
        }
        self.columns = columns
        self.needsFull = needsFull
    }

    /// The letters among the entries.
    static func shorthands(in text: String) -> Set<Character> {
        Set(text.split(separator: ",").filter { !$0.contains(".") }.joined())
    }

    private static func keyColumn(_ entry: String) throws -> ListColumn {
        var fields = entry.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var isDevice = false
        if fields.count > 1, fields[0] == "config" || fields[0] == "devices" {
            isDevice = fields.removeFirst() == "devices"
        }
        guard fields.count <= 3 else {
            throw CommandFailure("Invalid config key column format (too many fields): '\(entry)'")
        }
        let key = fields[0]
        if !isDevice, InstanceKeys.key(key) == nil {
            throw CommandFailure("Invalid config key '\(key)' in '\(entry)'")
        }
        var header = key
        if fields.count > 1 {
            if fields[1].isEmpty, fields.count != 3 {
                throw CommandFailure("Invalid name in '\(entry)', empty string is only allowed when defining maxWidth")
            }
            header = fields[1]
        }
        var limit = -1
        if fields.count > 2 {
            guard let width = Int(fields[2]) else {
                throw CommandFailure("Invalid max width (must be an integer) '\(fields[2])' in '\(entry)'")
            }
            guard width >= -1 else {
                throw CommandFailure("Invalid max width (must -1, 0 or a positive integer) '\(fields[2])' in '\(entry)'")
            }
            limit = width == 0 ? header.utf8.count : width
        }
        func cut(_ text: String) -> String { limit > 0 && text.utf8.count > limit ? String(text.prefix(limit)) : text }
        guard isDevice else {
            return ListColumn(header: header) { cut($0.config[key] ?? $0.expandedConfig[key] ?? "") }
        }
        guard let (device, property) = key.split(once: ".") else { return ListColumn(header: header) { _ in "" } }
        return ListColumn(header: header) {
            cut($0.devices[device]?[property] ?? $0.expandedDevices[device]?[property] ?? "")
        }
    }

    private struct Letter: @unchecked Sendable {
        // SAFETY: the closures capture nothing.
        let column: ListColumn
        let needsFull: Bool
    }

    private static func plain(_ header: String, _ text: @escaping (InstanceFull) -> String) -> Letter {
        Letter(column: ListColumn(header: header, text: text), needsFull: false)
    }

    /// A column whose value only a running instance has.
    private static func state(_ header: String, _ text: @escaping (InstanceFull, InstanceState) -> String) -> Letter {
        let column = ListColumn(header: header) { instance in
            guard instance.isActive, let state = instance.state else { return "" }
            return text(instance, state)
        }
        return Letter(column: column, needsFull: true)
    }

    private static let letters: [Character: Letter] = [
        "4": state("IPV4") { addresses($1, family: "inet") },
        "6": state("IPV6") { addresses($1, family: "inet6") },
        "a": plain("ARCHITECTURE") { $0.architecture },
        "b": plain("STORAGE POOL") { instance in
            instance.expandedDevices.values.first { $0["type"] == "disk" && $0["path"] == "/" }?["pool"] ?? ""
        },
        "c": plain("CREATED AT") { TimeText.listed($0.createdAt) },
        "d": plain("DESCRIPTION") { $0.description },
        "D": Letter(column: ListColumn(header: "DISK USAGE", text: diskUsage), needsFull: true),
        "e": plain("PROJECT") { $0.project },
        "f": plain("BASE IMAGE") { String(($0.config["volatile.base_image"] ?? "").prefix(12)) },
        "F": plain("BASE IMAGE") { $0.config["volatile.base_image"] ?? "" },
        "l": plain("LAST USED AT") { TimeText.listed($0.lastUsedAt) },
        "L": plain("LOCATION") { $0.location },
        "m": state("MEMORY USAGE") { $1.memory.usage > 0 ? ByteText.iec($1.memory.usage) : "" },
        "M": state("MEMORY USAGE%") { memoryPercent($0, $1) },
        "n": plain("NAME") { $0.name },
        "N": state("PROCESSES") { "\($1.processes)" },
        "p": state("PID") { "\($1.pid)" },
        "P": plain("PROFILES") { $0.profiles.joined(separator: "\n") },
        "s": plain("STATE") { $0.status.uppercased() },
        "S": Letter(column: ListColumn(header: "SNAPSHOTS") { "\($0.snapshots.count)" }, needsFull: true),
        "t": plain("TYPE") {
            let type = $0.type.isEmpty ? "CONTAINER" : $0.type.uppercased()
            return $0.ephemeral ? "\(type) (EPHEMERAL)" : type
        },
        "u": state("CPU USAGE") { $1.cpu.usage > 0 ? "\($1.cpu.usage / 1_000_000_000)s" : "" },
    ]

    private static func addresses(_ state: InstanceState, family: String) -> String {
        var found: [String] = []
        for (name, network) in state.network where network.type != "loopback" {
            for address in network.addresses where address.family == family {
                if address.scope == "link" || address.scope == "local" { continue }
                found.append("\(address.address) (\(name))")
            }
        }
        return found.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }.reversed().joined(separator: "\n")
    }

    private static func diskUsage(_ instance: InstanceFull) -> String {
        let root = instance.expandedDevices.first { $0.value["type"] == "disk" && $0.value["path"] == "/" }?.key ?? ""
        guard let usage = instance.state?.disk[root]?.usage, usage > 0 else { return "" }
        return ByteText.iec(usage)
    }

    private static func memoryPercent(_ instance: InstanceFull, _ state: InstanceState) -> String {
        guard state.memory.usage > 0, let limit = instance.expandedConfig["limits.memory"], !limit.contains("%"),
            let bytes = ByteText.parse(limit), bytes > 0
        else { return "" }
        return ByteText.fixed(Double(state.memory.usage) / Double(bytes) * 100, 1) + "%"
    }
}
