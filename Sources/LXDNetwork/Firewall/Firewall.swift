import CNFTables
package import LXDAPI
import LXDLinux
import LXDNetlink
import Synchronization

/// Our nftables: table `lxd`, changed by whole transactions through libnftables.
package final class Firewall: Sendable {
    private struct Context {
        // SAFETY: used and freed only while the mutex of the one owner is held; libnftables keeps no thread state.
        nonisolated(unsafe) let pointer: OpaquePointer
    }

    private let context: Mutex<Context>
    /// What was applied, by the chains that it may have: what ``repair()`` holds the kernel to.
    private let wanted = Mutex<[ChainOwner: [FirewallChain]]>([:])

    private struct ChainOwner: Hashable {
        let family: FirewallChain.Family
        /// A network's name or a NIC's label.
        let name: String
    }

    /// - Throws: When libnftables gives no context.
    package init() throws(LXDError) {
        guard let pointer = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
            throw .internalError("Failed to open nftables")
        }
        let flags = UInt32(NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_PROTO)
        nft_ctx_output_set_flags(pointer, flags)
        nft_ctx_buffer_output(pointer)
        nft_ctx_buffer_error(pointer)
        context = Mutex(Context(pointer: pointer))
    }

    deinit { context.withLock { nft_ctx_free($0.pointer) } }

    /// Makes a network's chains be what its configuration says.
    package func apply(_ network: BridgeConfiguration) async throws(LXDError) {
        let names = NetworkFirewallPlan.names(of: network.name).map { (FirewallChain.Family.inet, $0) }
        let chains = NetworkFirewallPlan.chains(for: network)
        try await run(FirewallJSON.replace(names, with: chains), "Failed to setup firewall")
        wanted.withLock { $0[ChainOwner(family: .inet, name: network.name)] = chains }
    }

    /// Removes a network's chains; may be called without them. The table goes with its last chain.
    package func remove(network: String) async throws(LXDError) {
        let names = NetworkFirewallPlan.names(of: network).map { (FirewallChain.Family.inet, $0) }
        _ = wanted.withLock { $0.removeValue(forKey: ChainOwner(family: .inet, name: network)) }
        try await run(FirewallJSON.replace(names, with: []), "Failed clearing firewall")
        try await removeTableIfEmpty(.inet)
    }

    /// Makes a NIC's filter be exactly the plan.
    package func apply(_ filter: PortFilterPlan, label: String) async throws(LXDError) {
        let names = PortFilterPlan.names(label: label).map { (FirewallChain.Family.bridge, $0) }
        let chains = filter.chains(label: label)
        try await run(
            FirewallJSON.replace(names, with: chains),
            "Failed adding bridge filter rules for instance device \(goQuoted(label))")
        wanted.withLock { $0[ChainOwner(family: .bridge, name: label)] = chains }
    }

    /// Removes a NIC's filter; may be called without one.
    package func removeFilter(label: String) async throws(LXDError) {
        let names = PortFilterPlan.names(label: label).map { (FirewallChain.Family.bridge, $0) }
        _ = wanted.withLock { $0.removeValue(forKey: ChainOwner(family: .bridge, name: label)) }
        try await run(
            FirewallJSON.replace(names, with: []),
            "Failed clearing bridge filter rules for instance device \(goQuoted(label))")
        try await removeTableIfEmpty(.bridge)
    }

    /// Names of the chains that are there.
    package func chainNames(_ family: FirewallChain.Family) async throws(LXDError) -> [String] {
        let request: JSONValue = ["nftables": [["list": ["chains": ["family": .string(family.rawValue)]]]]]
        let answer = try await run(request, "Failed listing firewall chains")
        guard !answer.isEmpty else { return [] }
        let listing = try LXDJSON.decode(JSONValue.self, from: answer)
        return (listing["nftables"].arrayValue ?? []).compactMap { item in
            let chain = item["chain"]
            guard chain["table"].stringValue == FirewallJSON.table else { return nil }
            return chain["name"].stringValue
        }
    }

    /// Puts back what somebody else took out of our table, whole chains or only their rules.
    ///
    /// - Returns: The networks and NICs whose chains were put back.
    package func repair() async throws(LXDError) -> [String] {
        var repaired: [String] = []
        for family in [FirewallChain.Family.inet, .bridge] where wanted.withLock({ $0.keys.contains { $0.family == family } }) {
            let present = try await ruleCounts(family)
            let broken = wanted.withLock { wanted in
                wanted.filter { owner, chains in
                    owner.family == family && chains.contains { present[$0.name] != $0.rules.count }
                }
            }
            for (owner, chains) in broken {
                let possible = family == .inet ? NetworkFirewallPlan.names(of: owner.name) : PortFilterPlan.names(label: owner.name)
                try await run(
                    FirewallJSON.replace(possible.map { (family, $0) }, with: chains),
                    "Failed repairing the firewall rules of \(goQuoted(owner.name))")
                repaired.append(owner.name)
            }
        }
        return repaired
    }

    /// How many rules each chain of our table has.
    private func ruleCounts(_ family: FirewallChain.Family) async throws(LXDError) -> [String: Int] {
        var counts: [String: Int] = [:]
        for name in try await chainNames(family) { counts[name] = 0 }
        guard !counts.isEmpty else { return [:] }
        let table: JSONValue = ["family": .string(family.rawValue), "name": .string(FirewallJSON.table)]
        let answer = try await run(["nftables": [["list": ["table": table]]]], "Failed listing firewall rules")
        let listing = try LXDJSON.decode(JSONValue.self, from: answer)
        for item in listing["nftables"].arrayValue ?? [] {
            if let chain = item["rule"]["chain"].stringValue { counts[chain, default: 0] += 1 }
        }
        return counts
    }

    private func removeTableIfEmpty(_ family: FirewallChain.Family) async throws(LXDError) {
        guard try await chainNames(family).isEmpty else { return }
        let table: JSONValue = ["family": .string(family.rawValue), "name": .string(FirewallJSON.table)]
        try await run(
            ["nftables": [["add": ["table": table]], ["delete": ["table": table]]]], "Failed clearing firewall")
    }

    @discardableResult
    private func run(_ request: JSONValue, _ context: String) async throws(LXDError) -> String {
        let text = try LXDJSON.encodeString(request)
        let outcome = await BlockingPool.shared.run { self.execute(text) }
        switch outcome {
        case .success(let output): return output
        case .failure(let error): throw .internalError("\(context): \(error.message)", cause: error)
        }
    }

    private func execute(_ text: String) -> Result<String, NFTablesError> {
        context.withLock { context in
            let status = nft_run_cmd_from_buffer(context.pointer, text)
            // Both buffers are read each time: reading empties them.
            let output = nft_ctx_get_output_buffer(context.pointer).map { String(cString: $0) } ?? ""
            let errors = nft_ctx_get_error_buffer(context.pointer).map { String(cString: $0) } ?? ""
            guard status == 0 else {
                let lines = errors.split(separator: "\n").filter {
                    !$0.allSatisfy { $0 == "^" || $0 == " " || $0 == "~" }
                }
                return .failure(NFTablesError(message: lines.first.map(String.init) ?? "nftables refused the change"))
            }
            return .success(output)
        }
    }
}

/// What nftables said.
struct NFTablesError: Error, Sendable, CustomStringConvertible {
    let message: String
    var description: String { message }
}
