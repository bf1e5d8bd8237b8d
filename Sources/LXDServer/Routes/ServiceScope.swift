import Foundation
import LXDAPI
import LXDLinux

extension RequestScope {
    /// The `filter=` expression, parsed.
    ///
    /// - Parameter context: What a wrong one is said to be.
    func parsedFilter(_ context: String) throws(LXDError) -> FilterExpression? {
        guard let filter else { return nil }
        do throws(LXDError) {
            return try FilterExpression(filter)
        } catch {
            throw error.wrapped(context)
        }
    }

    /// Refuses requests for a member of a cluster: there is none.
    func requireStandalone() throws(LXDError) {
        guard target == nil else { throw .badRequest("Target only allowed when clustered") }
    }

    /// Of a `used_by` list, what the caller may know of.
    func visibleUsers(_ paths: [String]) -> [String] {
        paths.filter { path in
            guard let mark = path.range(of: "?project=") else { return caller.mayUse(project: "default") }
            return caller.mayUse(project: PercentEncoding.decode(path[mark.upperBound...]) ?? "")
        }
    }
}

/// Work that blocks, on threads of its own.
enum BlockingWork {
    static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await BlockingPool.shared.run(body)
    }
}
