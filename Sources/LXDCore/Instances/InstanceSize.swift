package import LXDAPI

/// Sizes of instances by name, as `c0.5-m2`: half a processor and two gigabytes of memory.
package enum InstanceSize {
    /// The limits a size stands for.
    ///
    /// - Throws: `badRequest` in LXD's words. Sizes of clouds, whose lists come from an image server, are unknown.
    package static func limits(of name: String) throws(LXDError) -> [String: String] {
        var limits: [String: String] = [:]
        for field in name.split(separator: "-", omittingEmptySubsequences: false) {
            guard field.utf8.count >= 2, let kind = field.first, kind == "c" || kind == "m" else {
                throw .badRequest("Provided instance type doesn't exist: \(name)")
            }
            guard let amount = Double(field.dropFirst()), amount.isFinite, amount >= 0, amount < 1_000_000 else {
                throw .badRequest("Bad custom instance type: \(name)")
            }
            guard amount > 0 else { continue }
            if kind == "c" {
                let cores = amount.rounded(.up)
                limits["limits.cpu"] = "\(Int(cores))"
                let share = Int(amount / cores * 100)
                limits["limits.cpu.allowance"] = share < 100 ? "\(share)%" : nil
            } else {
                limits["limits.memory"] = "\(Int(amount * 1024))MB"
            }
        }
        return limits
    }
}
