import LXDAPI

/// What snapshots without a name are called.
package enum SnapshotNames {
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
