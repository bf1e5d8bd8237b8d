import Glibc
package import LXDAPI
package import LXDNetlink

/// Picks subnets that nothing on this host uses.
package enum FreeSubnet {
    private static let attemptsMax = 100

    /// `10.X.Y.1/24`.
    /// - Parameter taken: Destinations of routes and addresses of links.
    package static func ipv4(
        avoiding taken: [IPPrefix], using generator: inout some RandomNumberGenerator
    ) throws(LXDError) -> IPPrefix {
        for _ in 0..<attemptsMax {
            let bytes: [UInt8] = [
                10, UInt8.random(in: 0..<255, using: &generator), UInt8.random(in: 0..<255, using: &generator), 1,
            ]
            if let candidate = prefix(bytes, 24), isFree(candidate, taken) { return candidate }
        }
        throw .internalError("Failed to automatically find an unused IPv4 subnet, manual configuration required")
    }

    /// `fd42:X:Y:Z::1/64`.
    package static func ipv6(
        avoiding taken: [IPPrefix], using generator: inout some RandomNumberGenerator
    ) throws(LXDError) -> IPPrefix {
        for _ in 0..<attemptsMax {
            var bytes: [UInt8] = [0xfd, 0x42]
            bytes += (0..<6).map { _ in UInt8.random(in: 0...255, using: &generator) }
            bytes += [0, 0, 0, 0, 0, 0, 0, 1]
            if let candidate = prefix(bytes, 64), isFree(candidate, taken) { return candidate }
        }
        throw .internalError("Failed to automatically find an unused IPv6 subnet, manual configuration required")
    }

    /// What is in use: destinations of routes (the default route aside) and addresses of links.
    static func taken(on socket: RouteSocket) throws(NetlinkError) -> [IPPrefix] {
        var taken: [IPPrefix] = []
        for family in [UInt8(AF_INET), UInt8(AF_INET6)] {
            taken += try socket.routes(family: family).compactMap(\.destination).filter { $0.length > 0 }
        }
        return taken + (try socket.addresses().map(\.prefix))
    }

    private static func prefix(_ bytes: [UInt8], _ length: Int) -> IPPrefix? {
        IPAddress(bytes: bytes).flatMap { IPPrefix($0, length: length) }
    }

    private static func isFree(_ candidate: IPPrefix, _ taken: [IPPrefix]) -> Bool {
        !taken.contains { $0.overlaps(candidate) }
    }
}
