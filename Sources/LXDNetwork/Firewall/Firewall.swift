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
        let request = FirewallJSON.replace(names, with: NetworkFirewallPlan.chains(for: network))
        try await run(request, "Failed to setup firewall")
    }

    /// Removes a network's chains; may be called without them. The table goes with its last chain.
    package func remove(network: String) async throws(LXDError) {
        let names = NetworkFirewallPlan.names(of: network).map { (FirewallChain.Family.inet, $0) }
        try await run(FirewallJSON.replace(names, with: []), "Failed clearing firewall")
        try await removeTableIfEmpty(.inet)
    }

    /// Makes a NIC's filter be exactly the plan.
    package func apply(_ filter: PortFilterPlan, label: String) async throws(LXDError) {
        let names = PortFilterPlan.names(label: label).map { (FirewallChain.Family.bridge, $0) }
        let request = FirewallJSON.replace(names, with: filter.chains(label: label))
        try await run(request, "Failed adding bridge filter rules for instance device \(goQuoted(label))")
    }

    /// Removes a NIC's filter; may be called without one.
    package func removeFilter(label: String) async throws(LXDError) {
        let names = PortFilterPlan.names(label: label).map { (FirewallChain.Family.bridge, $0) }
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
