import Glibc

/// A processor architecture by its kernel name, its other names and what else it runs.
public struct Architecture: Sendable, Hashable {
    /// The number LXD stores.
    public let id: Int
    /// The kernel's name. Example: x86_64.
    public let name: String
    /// Other names images use. Example: amd64.
    public let aliases: [String]
    /// The personality(2) domain. Example: linux64.
    public let personality: String
    /// Numbers of the architectures that run here as well.
    public let alsoRuns: [Int]
}

/// The architectures that LXD knows.
public enum Architectures {
    public static let all: [Architecture] = [
        .init(
            id: 1, name: "i686", aliases: ["i386", "i586", "386", "x86", "generic_32"], personality: "linux32",
            alsoRuns: []),
        .init(id: 2, name: "x86_64", aliases: ["amd64", "generic_64"], personality: "linux64", alsoRuns: [1]),
        .init(
            id: 3, name: "armv7l", aliases: ["armhf", "armhfp", "armv7a_hardfp", "armv7", "armv7a_vfpv3_hardfp"],
            personality: "linux32", alsoRuns: [13]),
        .init(
            id: 4, name: "aarch64", aliases: ["arm64", "arm64_generic"], personality: "linux64", alsoRuns: [13, 3, 14]),
        .init(id: 5, name: "ppc", aliases: ["powerpc"], personality: "linux32", alsoRuns: []),
        .init(id: 6, name: "ppc64", aliases: ["powerpc64"], personality: "linux64", alsoRuns: [5]),
        .init(id: 7, name: "ppc64le", aliases: ["ppc64el"], personality: "linux64", alsoRuns: []),
        .init(id: 8, name: "s390x", aliases: [], personality: "linux64", alsoRuns: []),
        .init(id: 9, name: "mips", aliases: ["mipsel"], personality: "linux32", alsoRuns: []),
        .init(id: 10, name: "mips64", aliases: ["mips64el"], personality: "linux64", alsoRuns: [9]),
        .init(id: 11, name: "riscv32", aliases: [], personality: "linux32", alsoRuns: []),
        .init(id: 12, name: "riscv64", aliases: [], personality: "linux64", alsoRuns: []),
        .init(id: 13, name: "armv6l", aliases: ["armel", "arm"], personality: "linux32", alsoRuns: []),
        .init(id: 14, name: "armv8l", aliases: [], personality: "linux32", alsoRuns: [13, 3]),
    ]

    /// The architecture with a name or alias.
    ///
    /// - Throws: `.badRequest` if LXD does not know it.
    public static func named(_ name: String) throws(LXDError) -> Architecture {
        guard let found = all.first(where: { $0.name == name }) ?? all.first(where: { $0.aliases.contains(name) })
        else {
            throw .badRequest("Architecture isn't supported: \(name)")
        }
        return found
    }

    /// The architecture with a number.
    public static func numbered(_ id: Int) throws(LXDError) -> Architecture {
        guard let found = all.first(where: { $0.id == id }) else {
            throw .internalError("Architecture isn't supported: \(id)")
        }
        return found
    }

    /// The architecture of this machine.
    public static func local() throws(LXDError) -> Architecture {
        var names = utsname()
        uname(&names)
        let machine = withUnsafeBytes(of: &names.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return try named(machine)
    }

    /// The names of what runs on this machine, its own first.
    public static func supported() throws(LXDError) -> [String] {
        let own = try local()
        return [own.name] + own.alsoRuns.compactMap { id in all.first { $0.id == id }?.name }
    }
}
