import LXDAPI
import LXDClient

struct StorageInfo: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Show useful information about storage pools", usage: "[<remote>:]<pool>")
    static let argumentCount = 1...1
    static let examples = """
        lxc storage info default --bytes
            Show the space and the users of a pool.
        """

    @Flag(help: "Show the used and free space in bytes") var bytes = false
    @Option(help: "Cluster member name") var target = ""
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: StorageGroup.missingName)
        let server = try await resource.server.onMember(target)
        let pool = try await server.storagePool(resource.name).value
        let space = try await server.storagePoolResources(resource.name).space
        func size(_ amount: UInt64) -> String { bytes ? "\(amount)" : ByteText.iec(Int64(clamping: amount)) }
        let info = [
            "name": pool.name, "driver": pool.driver, "description": pool.description, "total space": size(space.total),
            "space used": size(space.used),
        ]
        Standard.output(try LXDYAML.encode(["info": info]))
        Standard.output(try LXDYAML.encode(["used by": Self.users(pool.usedBy)]))
    }

    /// Addresses such as `/1.0/instances/web?project=p` by kind, as `instances: [web (project "p")]`.
    static func users(_ addresses: [String]) -> [String: [String]] {
        var users: [String: [String]] = [:]
        for address in addresses {
            let parts = address.split(separator: "?", maxSplits: 1)
            let fields = (parts.first ?? "").split(separator: "/").dropFirst().map { APIPath.unescape(String($0)) }
            guard fields.count >= 2 else { continue }
            let isVolume = fields[0] == "storage-pools" && fields.count > 4
            var name = isVolume ? fields[4] : fields[1]
            let details = ["project", "target"].compactMap { key in
                query(parts.count > 1 ? parts[1] : "", key).map { "\(key) \($0.goQuoted)" }
            }
            if !details.isEmpty { name += " (\(details.joined(separator: ", ")))" }
            users[isVolume ? "volumes" : fields[0], default: []].append(name)
        }
        return users
    }

    private static func query(_ text: Substring, _ key: String) -> String? {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0] == key { return APIPath.unescape(String(parts[1])) }
        }
        return nil
    }
}
