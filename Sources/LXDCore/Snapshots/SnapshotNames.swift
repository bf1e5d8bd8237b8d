package import LXDAPI

/// How long snapshots live and what those without a name are called.
package enum SnapshotTimes {
    /// When a snapshot taken at `start` ends by `snapshots.expiry`: numbers of `S M H d w m y`, as `2w 3d`.
    ///
    /// - Returns: nil: never.
    package static func expiry(_ text: String?, from start: LXDTime) throws -> LXDTime? {
        let parts = (text ?? "").split(separator: " ")
        guard !parts.isEmpty else { return nil }
        var amounts: [Character: Int] = [:]
        for part in parts {
            guard let unit = part.last, "SMHdwmy".contains(unit), let amount = Int(part.dropLast()), amount >= 0,
                amount < 1_000_000, amounts[unit, default: 0] == 0
            else { throw LXDError.badRequest("Invalid expiry expression") }
            amounts[unit] = amount
        }
        var civil = start.civil()
        let months = civil.year * 12 + civil.month - 1 + (amounts["y"] ?? 0) * 12 + (amounts["m"] ?? 0)
        (civil.year, civil.month) = (months / 12, months % 12 + 1)
        var end = LXDTime(civil: civil)
        end.nanoseconds = start.nanoseconds
        let days = (amounts["d"] ?? 0) + (amounts["w"] ?? 0) * 7
        end.seconds += Int64(days * 86_400 + (amounts["H"] ?? 0) * 3600 + (amounts["M"] ?? 0) * 60 + (amounts["S"] ?? 0))
        return end
    }

    /// The next name by a rendered `snapshots.pattern`: its `%d` becomes the lowest number above those in use; one
    /// without gets a number only when the name is taken.
    package static func name(pattern: String, existing: [String]) throws -> String {
        let pieces = pattern.split(separator: "%d", omittingEmptySubsequences: false)
        guard pieces.count <= 2 else { throw LXDError.badRequest("Snapshot pattern may contain '%d' only once") }
        if pieces.count == 1 {
            guard existing.contains(pattern) else { return pattern }
            return try name(pattern: pattern + "-%d", existing: existing)
        }
        let (prefix, suffix) = (pieces[0], pieces[1])
        let numbers = existing.compactMap { name -> Int? in
            guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.count > prefix.count + suffix.count else { return nil }
            return Int(name.dropFirst(prefix.count).dropLast(suffix.count))
        }
        return "\(prefix)\((numbers.max() ?? -1) + 1)\(suffix)"
    }
}
