package import LXDAPI

/// The value of `limits.cpu`: a number of processors, or which ones.
package enum CPUSet: Sendable, Hashable {
    /// So many processors, whichever.
    case count(Int)
    /// These processors, in ascending order.
    case pinned([Int])

    /// The most processors a set may name.
    private static let limit = 65_536

    /// Reads `2`, `0-3`, `1,3`, `0-1,4`.
    ///
    /// - Throws: `.badRequest` with LXD's text.
    package static func parse(_ text: String) throws(LXDError) -> CPUSet {
        let isShape =
            !text.isEmpty
            && text.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "-") }
        guard isShape else { throw .badRequest("Invalid CPU limit syntax") }
        if let count = Int(text) { return .count(count) }
        var found: Set<Int> = []
        for chunk in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = chunk.split(separator: "-", omittingEmptySubsequences: false)
            guard (1...2).contains(ends.count), ends.allSatisfy({ !$0.isEmpty }) else {
                throw .badRequest("Invalid CPU limit syntax")
            }
            guard let low = Int(ends[0]), let high = ends.count == 2 ? Int(ends[1]) : low, high < limit else {
                throw .badRequest("Invalid cpuset value: \(text)")
            }
            guard low <= high else { continue }
            for processor in low...high where !found.insert(processor).inserted {
                throw .badRequest("Cannot define CPU multiple times")
            }
        }
        return .pinned(found.sorted())
    }

    /// Reads the kernel's list of processors, `0-3,8`; unlike ``parse(_:)`` a single number is one processor.
    package static func parseKernelList(_ text: String) throws(LXDError) -> [Int] {
        let trimmed = text.filter { !$0.isWhitespace }
        if trimmed.isEmpty { return [] }
        if let single = Int(trimmed) { return [single] }
        if case .pinned(let processors) = try parse(trimmed) { return processors }
        return []
    }
}

/// The value of `limits.cpu.allowance`.
package enum CPUAllowance: Sendable, Hashable {
    /// A share of the time that others leave, in percent.
    case percent(Int)
    /// So many milliseconds of processor time in each period of so many.
    case time(quotaMilliseconds: Int, periodMilliseconds: Int)

    /// Reads `50%` and `25ms/100ms`.
    package static func parse(_ text: String) throws(LXDError) -> CPUAllowance {
        if text.hasSuffix("%") {
            let number = String(text.dropLast())
            guard let percent = Int(number) else { throw .badRequest(GoInteger.problem(number, function: "Atoi")) }
            return .percent(percent)
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map { part in
            part.hasSuffix("ms") ? String(part.dropLast(2)) : String(part)
        }
        guard parts.count == 2 else { throw .badRequest("Invalid allowance: \(text)") }
        guard let quota = Int(parts[0]) else { throw .badRequest(GoInteger.problem(parts[0], function: "Atoi")) }
        guard let period = Int(parts[1]) else { throw .badRequest(GoInteger.problem(parts[1], function: "Atoi")) }
        return .time(quotaMilliseconds: quota, periodMilliseconds: period)
    }
}

/// The value of `limits.memory`.
package enum MemoryLimit: Sendable, Hashable {
    case bytes(Int64)
    /// Of the host's memory.
    case percent(Int64)

    /// Reads `512MiB` and `50%`; zero is refused.
    package static func parse(_ text: String) throws(LXDError) -> MemoryLimit {
        if text.hasSuffix("%") {
            let number = String(text.dropLast())
            guard let percent = Int64(number) else { throw .badRequest(GoInteger.problem(number)) }
            guard percent != 0 else { throw .badRequest("Memory limit can't be 0%") }
            guard percent > 0 else { throw .badRequest("Invalid value: \(text)") }
            return .percent(percent)
        }
        let bytes = try ByteCount.parse(text)
        guard bytes != 0 else { throw .badRequest("Memory limit can't be 0") }
        return .bytes(bytes)
    }
}
