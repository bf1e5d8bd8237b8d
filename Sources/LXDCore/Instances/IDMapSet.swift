import Foundation
import LXDAPI

/// Which ids of the host an unprivileged container's ids are.
package struct IDMapSet: Sendable, Hashable {
    package struct Entry: Sendable, Hashable, Codable {
        package var isUID: Bool
        package var isGID: Bool
        package var hostID: Int64
        package var namespaceID: Int64
        package var range: Int64

        private enum CodingKeys: String, CodingKey {
            case isUID = "Isuid"
            case isGID = "Isgid"
            case hostID = "Hostid"
            case namespaceID = "Nsid"
            case range = "Maprange"
        }
    }

    package var entries: [Entry]

    package init(_ entries: [Entry]) { self.entries = entries }

    /// Both kinds of ids from `base` on.
    package init(base: Int64, range: Int64) {
        entries = [
            Entry(isUID: true, isGID: false, hostID: base, namespaceID: 0, range: range),
            Entry(isUID: false, isGID: true, hostID: base, namespaceID: 0, range: range),
        ]
    }

    /// As `volatile.idmap.next` holds it; `[]` for a privileged container.
    package var json: String {
        entries.isEmpty
            ? "[]"
            : "["
                + entries.map {
                    #"{"Isuid":\#($0.isUID),"Isgid":\#($0.isGID),"Hostid":\#($0.hostID),"Nsid":\#($0.namespaceID),"Maprange":\#($0.range)}"#
                }.joined(separator: ",") + "]"
    }

    package init(json: String) throws {
        do {
            entries = try JSONDecoder().decode([Entry].self, from: Data(json.utf8))
        } catch {
            throw LXDError.internalError("Invalid id map \(goQuoted(json))", cause: error)
        }
    }

    package static let privileged = IDMapSet([])

    /// The host's id of the container's root; 0 for a privileged one.
    package var rootID: Int64 {
        entries.first { $0.isUID && $0.namespaceID == 0 }?.hostID ?? 0
    }
}

extension IDMapSet {
    /// The ids of the host that containers may use, from subuid and subgid.
    package struct HostRange: Sendable, Hashable {
        package var uid: (Int64, Int64) { (uidBase, uidRange) }
        package let uidBase: Int64
        package let uidRange: Int64
        package let gidBase: Int64
        package let gidRange: Int64

        package init(uidBase: Int64, uidRange: Int64, gidBase: Int64, gidRange: Int64) {
            self.uidBase = uidBase
            self.uidRange = uidRange
            self.gidBase = gidBase
            self.gidRange = gidRange
        }

        /// What LXD takes when nothing is written down: a thousand million ids from a million on.
        package static let fallback = HostRange(
            uidBase: 1_000_000, uidRange: 1_000_000_000, gidBase: 1_000_000, gidRange: 1_000_000_000)

        /// - Parameters: The contents of `/etc/subuid` and `/etc/subgid`; nil if there is no such file.
        package init(subuid: String?, subgid: String?) {
            guard let subuid, let subgid, let uid = Self.first(subuid), let gid = Self.first(subgid) else {
                self = .fallback
                return
            }
            self.init(uidBase: uid.0, uidRange: uid.1, gidBase: gid.0, gidRange: gid.1)
        }

        /// The first range of root's that is big enough for a system.
        private static func first(_ text: String) -> (Int64, Int64)? {
            for line in text.split(separator: "\n") {
                let fields = line.split(separator: ":", omittingEmptySubsequences: false)
                guard fields.count == 3, fields[0] == "root" || fields[0] == "0", let base = Int64(fields[1]),
                    let range = Int64(fields[2]), range >= 65536
                else { continue }
                return (base, range)
            }
            return nil
        }

        var set: IDMapSet {
            IDMapSet([
                Entry(isUID: true, isGID: false, hostID: uidBase, namespaceID: 0, range: uidRange),
                Entry(isUID: false, isGID: true, hostID: gidBase, namespaceID: 0, range: gidRange),
            ])
        }
    }

    /// Reserved by an isolated container.
    package struct Reservation: Sendable, Hashable {
        package let base: Int64
        package let size: Int64
        package init(base: Int64, size: Int64) {
            self.base = base
            self.size = size
        }
    }

    /// The map for a container's configuration.
    ///
    /// - Parameter taken: What other isolated containers hold.
    /// - Returns: The map and the base to remember; 0 for containers that share the host's range.
    package static func plan(
        config: [String: String], host: HostRange, taken: [Reservation]
    ) throws -> (map: IDMapSet, base: Int64) {
        guard !isTrue(config["security.privileged"]) else { return (.privileged, 0) }
        let raw = try parseRaw(config["raw.idmap"] ?? "")
        guard isTrue(config["security.idmap.isolated"]) else { return (try host.set.adding(raw), 0) }
        let size = try size(config, host)
        if let text = config["security.idmap.base"], !text.isEmpty {
            guard let base = Int64(text) else { throw LXDError.badRequest("Invalid security.idmap.base \(goQuoted(text))") }
            return (try IDMapSet(base: base, range: size).adding(raw), base)
        }
        // Behind the ids that containers which share the range use most.
        var base = host.uidBase + 65536
        for reservation in taken.sorted(by: { $0.base < $1.base }) where reservation.base + reservation.size > base {
            if base + size <= reservation.base { break }
            base = reservation.base + reservation.size
        }
        guard base + size <= host.uidBase + host.uidRange, base + size <= host.gidBase + host.gidRange else {
            throw LXDError.internalError("Not enough uid/gid available for the container")
        }
        return (try IDMapSet(base: base, range: size).adding(raw), base)
    }

    /// How many ids a container of this configuration takes.
    package static func size(_ config: [String: String], _ host: HostRange) throws -> Int64 {
        guard let text = config["security.idmap.size"], !text.isEmpty, text != "auto" else {
            return isTrue(config["security.idmap.isolated"]) ? 65536 : host.uidRange
        }
        guard let size = Int64(text), size > 0 else {
            throw LXDError.badRequest("Invalid security.idmap.size \(goQuoted(text))")
        }
        return size
    }

    /// Lines of `uid|gid|both HOST CONTAINER`, each an id or a range of them.
    static func parseRaw(_ text: String) throws -> [Entry] {
        func range(_ field: Substring, _ line: Substring) throws -> (Int64, Int64) {
            let ends = field.split(separator: "-", omittingEmptySubsequences: false)
            guard (1...2).contains(ends.count), let first = UInt32(ends[0]), let last = UInt32(ends[ends.count - 1]),
                last >= first
            else { throw LXDError.badRequest("Invalid ID map line \(goQuoted(String(line)))") }
            return (Int64(first), Int64(last) - Int64(first) + 1)
        }
        return try text.split(separator: "\n").flatMap { line -> [Entry] in
            let fields = line.split(separator: " ")
            guard fields.count == 3, ["uid", "gid", "both"].contains(fields[0]) else {
                throw LXDError.badRequest("Invalid ID map line \(goQuoted(String(line)))")
            }
            let (host, hostCount) = try range(fields[1], line)
            let (inside, insideCount) = try range(fields[2], line)
            guard hostCount == insideCount else {
                throw LXDError.badRequest("The ID map ranges are of different sizes: \(goQuoted(String(line)))")
            }
            let entry = Entry(isUID: true, isGID: false, hostID: host, namespaceID: inside, range: hostCount)
            var group = entry
            (group.isUID, group.isGID) = (false, true)
            return fields[0] == "uid" ? [entry] : fields[0] == "gid" ? [group] : [entry, group]
        }
    }

    /// Cuts holes for entries that map ids of the container elsewhere.
    func adding(_ extra: [Entry]) throws -> IDMapSet {
        try extra.reduce(self) { set, new in
            var isPlaced = false
            var result: [Entry] = []
            for old in set.entries {
                guard old.isUID == new.isUID else {
                    result.append(old)
                    continue
                }
                if new.hostID < old.hostID + old.range, old.hostID < new.hostID + new.range {
                    throw LXDError.internalError("Host id is in the range of subids")
                }
                let oldEnd = old.namespaceID + old.range
                let newEnd = new.namespaceID + new.range
                guard new.namespaceID < oldEnd, old.namespaceID < newEnd else {
                    result.append(old)
                    continue
                }
                if new.namespaceID > old.namespaceID {
                    var lower = old
                    lower.range = new.namespaceID - old.namespaceID
                    result.append(lower)
                }
                if !isPlaced { result.append(new) }
                isPlaced = true
                if newEnd < oldEnd {
                    var upper = old
                    upper.hostID += newEnd - old.namespaceID
                    upper.namespaceID = newEnd
                    upper.range = oldEnd - newEnd
                    result.append(upper)
                }
            }
            if !isPlaced { result.append(new) }
            return IDMapSet(result)
        }
    }
}
