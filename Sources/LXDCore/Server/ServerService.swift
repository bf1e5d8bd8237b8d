package import LXDAPI
import LXDAuth
import LXDConfig
package import LXDDatabase
import LXDLinux
import LXDNetlink
package import LXDRuntimePlan
import Synchronization
import Glibc

/// Something the server listens for on the network, named by the key that holds its address.
package enum NetworkEndpoint: String, Sendable, CaseIterable {
    case api = "core.https_address"
    case metrics = "core.metrics_address"

    var defaultPort: UInt16 { self == .api ? 8443 : 9100 }
}

/// What follows from a change of the server's configuration outside the database.
package protocol ServerConfigEffects: Sendable {
    /// Starts or stops listening so that exactly this address is served; empty for none.
    ///
    /// - Throws: When it cannot be listened on; then what was served before still is.
    func listen(_ endpoint: NetworkEndpoint, on address: String) async throws
    /// Tells those who act by other keys.
    func configChanged(_ config: [String: String]) async
}

/// The server as a whole: what it is, and its configuration.
package final class ServerService: Sendable {
    private let store: Store
    private let announce: Announcer
    private let facts: HostFacts
    private let certificatePEM: String
    private let certificateFingerprint: String
    private let version: String
    private let hostFeatures: HostFeatures
    private let checkpoints: CheckpointSupport
    private let storageDrivers: [ServerStorageDriverInfo]
    private let daemonVolumes: DaemonVolumes
    private let locks = KeyedLocks<String>()
    private let watch: ChangeWatch?
    private let effects = Mutex<(any ServerConfigEffects)?>(nil)
    /// The configuration as stored, so that asking for it does not cost a query.
    private let cached = Mutex<[String: String]>([:])

    package init(
        store: Store, announce: Announcer, facts: HostFacts, certificatePEM: String, certificateFingerprint: String,
        version: String, hostFeatures: HostFeatures, checkpoints: CheckpointSupport, storageDrivers: [ServerStorageDriverInfo],
        daemonVolumes: DaemonVolumes
    ) {
        self.store = store
        self.announce = announce
        self.facts = facts
        self.certificatePEM = certificatePEM
        self.certificateFingerprint = certificateFingerprint
        self.version = version
        self.hostFeatures = hostFeatures
        self.checkpoints = checkpoints
        self.storageDrivers = storageDrivers
        self.daemonVolumes = daemonVolumes
        watch = try? ChangeWatch(.addresses)  // Without one nothing is remembered.
    }

    /// Reads the stored configuration, and says who acts by it from now on.
    package func start(effects: any ServerConfigEffects) async throws {
        let config = try await store.read { try $0.serverConfig() }
        cached.withLock { $0 = config }
        self.effects.withLock { $0 = effects }
    }

    /// The configuration as stored, without defaults.
    package var config: [String: String] { cached.withLock { $0 } }

    /// `core.https_address` with its port; empty for none.
    package var networkAddress: String { address(of: .api) }

    /// An endpoint's address with its port; empty for none.
    package func address(of endpoint: NetworkEndpoint) -> String { Self.address(of: endpoint, config) }

    private static func address(of endpoint: NetworkEndpoint, _ config: [String: String]) -> String {
        ListenAddress.canonical(config[endpoint.rawValue] ?? "", defaultPort: endpoint.defaultPort)
    }

    /// Whether instances can be checkpointed here; nothing while that is being tried.
    private var liveMigration: [String: String] {
        switch checkpoints.current {
        case .available(let version): ["available": "true", "criu": version].merging(checkpoints.features) { $1 }
        case .unavailable(let reason): ["available": "false", "reason": reason]
        case nil: [:]
        }
    }

    private static func names(_ features: [HostFeature]) -> [String: String] {
        Dictionary(features.map { ($0.name, String($0.isThere)) }, uniquingKeysWith: { $1 })
    }

    // MARK: The API

    /// What everybody may know.
    package func untrusted() -> ServerUntrusted {
        var methods = ["tls"]
        if config["candid.api.url"]?.isEmpty == false { methods.append("candid") }
        return .with {
            $0.apiExtensions = APIExtensions.all
            $0.apiStatus = "stable"
            $0.apiVersion = "1.0"
            $0.auth = "untrusted"
            $0.authMethods = methods
        }
    }

    /// What the answers of ``get(project:withConfig:)`` depend on: while it is the same, so are they.
    package struct Version: Sendable, Equatable {
        fileprivate let stored: UInt64
        fileprivate let addresses: UInt64
        fileprivate let hostName: String
        fileprivate let checkpoints: CheckpointSupport.Status?
    }

    /// To be asked for before the answer is made; nil when nothing can be promised.
    package func answerVersion() -> Version? {
        guard let addresses = watch?.version else { return nil }
        return Version(stored: store.version, addresses: addresses, hostName: HostFacts.hostName(), checkpoints: checkpoints.current)
    }

    /// - Parameter withConfig: Whether the asker may see the configuration.
    package func get(project: String, withConfig: Bool) async throws -> Server {
        let drivers = try await store.read { Set(try $0.storagePools().map(\.driver)).sorted() }
        let addresses = try await addresses()
        var server = Server()
        server.serverUntrusted = untrusted()
        server.auth = "trusted"
        server.config = withConfig ? visibleConfig() : [:]
        server.environment = .with {
            $0.addresses = addresses
            $0.architectures = facts.architectures
            $0.certificate = certificatePEM
            $0.certificateFingerprint = certificateFingerprint
            $0.driver = "lxc"
            $0.driverVersion = hostFeatures.liblxcVersion
            $0.firewall = "nftables"
            $0.kernel = facts.kernel
            $0.kernelArchitecture = facts.machine
            $0.kernelFeatures = Self.names(hostFeatures.kernel)
            $0.kernelVersion = facts.kernelVersion
            $0.lxcFeatures = Self.names(hostFeatures.liblxc)
            $0.liveMigration = liveMigration
            $0.osName = facts.osName
            $0.osVersion = facts.osVersion
            $0.project = project
            $0.server = "lxd"
            $0.serverClustered = false
            $0.serverEventMode = "full-mesh"
            $0.serverName = HostFacts.hostName()
            $0.serverPid = Int(getpid())
            $0.serverVersion = version
            $0.storage = drivers.joined(separator: " | ")
            $0.storageVersion = drivers.map { name in storageDrivers.first { $0.name == name }?.version ?? "" }
                .joined(separator: " | ")
            $0.storageSupportedDrivers = storageDrivers
        }
        return server
    }

    /// The configuration as clients see it: of a secret only that it is set.
    package func visibleConfig() -> [String: JSONValue] {
        var visible = config.mapValues { JSONValue.string($0) }
        if visible["core.trust_password"] != nil { visible["core.trust_password"] = true }
        return visible
    }

    /// Replaces the configuration, or changes only the keys given.
    ///
    /// - Parameter precondition: Throws when the configuration is no longer the one the caller saw.
    package func update(
        _ put: ServerPut, isPatch: Bool, by requestor: EventLifecycleRequestor?,
        precondition: @Sendable ([String: JSONValue]) throws -> Void
    ) async throws {
        try await locks.with("config", .update) {
            try precondition(visibleConfig())
            let old = config
            var new = isPatch ? old : [:]
            for (key, value) in put.config {
                guard let text = Self.text(value) else {
                    throw LXDError.badRequest("Cannot set '\(key)': invalid type for key")
                }
                if key == "core.trust_password" {
                    // Clients send back what they were shown.
                    if value == true || text == "true" && old[key] != nil {
                        new[key] = old[key]
                    } else {
                        new[key] = text.isEmpty ? nil : try TrustPassword.hash(text)
                    }
                } else {
                    new[key] = text.isEmpty ? nil : text
                }
            }
            // A kept password is a hash, which the rules for passwords do not know.
            try ServerKeys.validate(new.filter { $0.key != "core.trust_password" })
            let volumeKeys = Self.volumeChanges(old, new)
            for key in volumeKeys { if let value = new[key] { try await daemonVolumes.check(key, value) } }
            let effects = effects.withLock { $0 }
            let moved = NetworkEndpoint.allCases.filter { Self.address(of: $0, old) != Self.address(of: $0, new) }
            let final = new
            var done: [NetworkEndpoint] = []
            var movedVolumes: [String] = []
            do {
                for key in volumeKeys {
                    try await daemonVolumes.move(key, to: final[key])
                    movedVolumes.append(key)
                }
                for endpoint in moved {
                    try await effects?.listen(endpoint, on: Self.address(of: endpoint, final))
                    done.append(endpoint)
                }
                try await store.write { try $0.replaceServerConfig(final) }
            } catch {
                for key in movedVolumes { try await daemonVolumes.move(key, to: old[key]) }
                for endpoint in done.reversed() {
                    try await effects?.listen(endpoint, on: Self.address(of: endpoint, old))
                }
                throw error
            }
            cached.withLock { $0 = final }
            await effects?.configChanged(final)
        }
        announce(.configUpdated, "/1.0", project: "default", by: requestor)
    }

    private static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .bool(let flag): String(flag)
        case .integer(let number): String(number)
        case .number, .array, .object: nil
        case .null: ""
        }
    }

    /// The keys for volumes of the daemon's own that change.
    private static func volumeChanges(_ old: [String: String], _ new: [String: String]) -> [String] {
        DaemonVolumes.keys.filter { old[$0] != new[$0] }
    }

    /// The addresses clients reach the server at: of a wildcard, all of the host's.
    private func addresses() async throws -> [String] {
        let address = networkAddress
        guard let (host, port) = ListenAddress.split(address) else { return [] }
        guard host.isEmpty || host == "0.0.0.0" || host == "::" else { return [address] }
        let found = try await BlockingPool.shared.run { try RouteSocket().addresses() }
        return found.compactMap { entry in
            let ip = entry.prefix.address
            guard entry.scopeName == "global", host != "0.0.0.0" || ip.isIPv4 else { return nil }
            return ip.isIPv4 ? "\(ip):\(port)" : "[\(ip)]:\(port)"
        }
    }
}

/// Addresses as `core.https_address` has them.
package enum ListenAddress {
    /// With a port, the default one if none is given: `:8443`, `10.0.0.1:8443`, `[::]:8443`. Empty stays empty.
    package static func canonical(_ address: String, defaultPort: UInt16 = 8443) -> String {
        guard !address.isEmpty else { return "" }
        if let (host, port) = split(address) { return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
        var host = address[...]
        // A colon at the end stands for a port left out, unless it is part of an address such as `fd00::`.
        if host.hasSuffix(":"), !host.hasSuffix("::") || host.dropLast().hasSuffix("]") { host = host.dropLast() }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.contains(":") ? "[\(host)]:\(defaultPort)" : "\(host):\(defaultPort)"
    }

    /// Host, without brackets, and port; `nil` without a port.
    package static func split(_ address: String) -> (host: String, port: UInt16)? {
        guard let colon = address.lastIndex(of: ":"), let port = UInt16(address[address.index(after: colon)...]) else {
            return nil
        }
        let host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { return (String(host.dropFirst().dropLast()), port) }
        return host.contains(":") ? nil : (String(host), port)
    }
}

extension ServerService: TrustSettings {
    package func trustPasswordHash() async -> String { config["core.trust_password"] ?? "" }

    package func networkAddresses() async -> [String] {
        // Who cannot list the addresses names the one that is configured.
        (try? await addresses()) ?? [networkAddress].filter { !$0.isEmpty }
    }

    package func tokenExpiry(from start: LXDTime) async throws -> LXDTime? {
        try Expiry.parse(config["core.remote_token_expiry"] ?? "")?.date(after: start)
    }

    package func serverFingerprint() async -> String { certificateFingerprint }
}
