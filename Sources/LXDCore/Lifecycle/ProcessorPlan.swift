import LXDAPI

/// Deals the host's processors out over the running containers: those that name theirs get them, those that ask for a
/// number get the least used.
package enum ProcessorPlan {
    /// - Parameters:
    ///   - limits: `limits.cpu` of each running container; empty for no limit.
    ///   - processors: The host's usable processors.
    /// - Returns: The processors of each container, sorted. A container without a limit gets all.
    package static func plan<Key: Hashable & Comparable>(_ limits: [Key: String], processors: [Int]) -> [Key: [Int]] {
        var load = Dictionary(uniqueKeysWithValues: processors.map { ($0, 0) })
        var result: [Key: [Int]] = [:]
        var counted: [(key: Key, count: Int)] = []
        for (key, limit) in limits.sorted(by: { $0.key < $1.key }) {
            if limit.isEmpty {
                result[key] = processors
            } else if let count = Int(limit) {
                counted.append((key, min(max(count, 1), processors.count)))
            } else {
                let wanted = parse(limit).filter { load[$0] != nil }
                for processor in wanted { load[processor, default: 0] += 1 }
                result[key] = wanted.isEmpty ? processors : wanted
            }
        }
        for (key, count) in counted {
            let chosen = processors.sorted { (load[$0] ?? 0, $0) < (load[$1] ?? 0, $1) }.prefix(count).sorted()
            for processor in chosen { load[processor, default: 0] += 1 }
            result[key] = chosen
        }
        return result
    }

    /// `0-2,5` as numbers, sorted; what is no number or out of all measure is left out.
    package static func parse(_ text: String) -> [Int] {
        var result: Set<Int> = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-").map { Int($0.filter { !$0.isWhitespace }) }
            guard let low = ends.first ?? nil, let high = ends.last ?? nil, low >= 0, high >= low, high < 65536 else { continue }
            result.formUnion(low...high)
        }
        return result.sorted()
    }
}
