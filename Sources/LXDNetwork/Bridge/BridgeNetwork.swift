import Glibc
package import LXDAPI
import LXDLinux
package import LXDNetlink
import Logging
import Synchronization
import SystemPackage

/// A managed bridge on this host: link, addresses, DHCP and DNS, firewall.
///
/// Every change runs alone and may be repeated; a failed one leaves what was there before. What is stored and who uses
/// the network is the caller's business.
package final class BridgeNetwork: Sendable {
    package let id: Int64
    private let environment: NetworkEnvironment
    private let gate = SerialGate()
    private let state: Mutex<State>

    private struct State {
        var configuration: BridgeConfiguration
        var dnsmasq: DnsmasqProcess
    }

    /// - Parameter id: The row's number: part of the bridge's hardware address.
    package init(name: String, id: Int64, config: [String: String], environment: NetworkEnvironment) {
        self.id = id
        self.environment = environment
        state = Mutex(
            State(
                configuration: BridgeConfiguration(name: name, values: config),
                dnsmasq: Self.process(name, environment)))
    }

    package var configuration: BridgeConfiguration { state.withLock { $0.configuration } }
    package var name: String { configuration.name }
    /// Where dnsmasq's files lie.
    package var files: DnsmasqPlan.Files { dnsmasq.files }
    package var isDHCPRunning: Bool { dnsmasq.isRunning }

    private var dnsmasq: DnsmasqProcess { state.withLock { $0.dnsmasq } }

    private static func process(_ name: String, _ environment: NetworkEnvironment) -> DnsmasqProcess {
        DnsmasqProcess(
            network: name, files: DnsmasqPlan.Files(directory: environment.directory + "/" + name),
            logger: environment.logger)
    }

    // MARK: Life

    /// Brings everything up; of what is up already only what differs is changed.
    ///
    /// - Parameter hosts: NICs of all instances that are plugged in.
    package func start(hosts: [StaticHost]) async throws(LXDError) {
        try await alone { [self] in try await setUp(hosts) }
    }

    /// Takes everything down; may be called when nothing is up.
    package func stop() async throws(LXDError) {
        try await alone { [self] in try await tearDown() }
    }

    /// Stops and removes the network's folder.
    package func delete() async throws(LXDError) {
        try await alone { [self] in
            try await tearDown()
            try await Self.removeTree(files.directory)
        }
    }

    /// Takes the network down and up again under another name.
    package func rename(to newName: String, hosts: [StaticHost]) async throws(LXDError) {
        try await Self.requireFree(newName)
        try await alone { [self] in
            try await tearDown()
            let old = configuration
            let target = environment.directory + "/" + newName
            try await Self.removeTree(target)
            let source = files.directory
            if rename_(source, target) != 0, errno != ENOENT {
                throw LXDError.internalError("Failed to rename \(source): \(Errno(rawValue: errno))")
            }
            adopt(BridgeConfiguration(name: newName, values: old.values))
            do {
                try await setUp(hosts)
            } catch {
                // The old name comes back with all that belonged to it; the first error tells why.
                try? await tearDown()
                _ = rename_(target, source)
                adopt(old)
                try? await setUp(hosts)
                throw error
            }
        }
    }

    /// Applies a new configuration; on failure the old one is applied again.
    package func update(to config: [String: String], hosts: [StaticHost]) async throws(LXDError) {
        try await alone { [self] in
            let old = configuration
            let new = BridgeConfiguration(name: old.name, values: config)
            guard Self.differs(old, new) else { return adopt(new) }
            let dropped = old.externalInterfaces.filter { !new.externalInterfaces.contains($0) }
            do {
                if !dropped.isEmpty {
                    try await onBlockingThread(new) { try $0.detachExternalInterfaces(dropped) }
                }
                adopt(new)
                try await setUp(hosts)
            } catch {
                adopt(old)
                do {
                    try await setUp(hosts)
                } catch let second {
                    environment.logger.error(
                        "Network could not be put back", metadata: ["network": "\(old.name)", "error": "\(second)"])
                }
                throw error
            }
        }
    }

    /// The daemon ends: dnsmasq and the bridge stay.
    package func abandon() { dnsmasq.abandon() }

    // MARK: Instances

    /// Tells DHCP and DNS about a NIC.
    package func setStaticHost(_ host: StaticHost) throws(LXDError) {
        guard configuration.usesDnsmasq else { return }
        if try StaticHostFiles(files).set(host, mode: configuration.dnsMode) { dnsmasq.reload() }
    }

    package func hasStaticHost(project: String, instance: String, device: String) -> Bool {
        StaticHostFiles(files).contains(StaticHost.fileName(project: project, instance: instance, device: device))
    }

    /// Forgets a NIC: its static entry, and what it has leased when `hardwareAddress` is given.
    package func removeStaticHost(
        project: String, instance: String, device: String, hardwareAddress: MACAddress? = nil
    ) {
        if let hardwareAddress { releaseLeases(of: hardwareAddress, instance: instance) }
        let name = StaticHost.fileName(project: project, instance: instance, device: device)
        if StaticHostFiles(files).remove(name) { dnsmasq.reload() }
    }

    /// Gives back what a NIC has leased, in its name.
    package func releaseLeases(of hardwareAddress: MACAddress, instance: String, ipv6Only: Bool = false) {
        let configuration = configuration
        guard let text = try? AtomicFile.readText(files.leases) else { return }
        let releases = LeaseRelease.plan(
            leaseFile: text, hardwareAddress: hardwareAddress, instance: instance, network: configuration,
            ipv6Only: ipv6Only)
        for release in releases where !release.send() {
            environment.logger.warning(
                "Failed to release DHCP lease",
                metadata: ["network": "\(configuration.name)", "address": "\(release.address)"])
        }
    }

    // MARK: Questions

    /// Leases that a project sees.
    package func leases(nics: [ConnectedNIC], isOwnProject: Bool, serverName: String) -> [NetworkLease] {
        let text = (try? AtomicFile.readText(files.leases)) ?? ""
        return LeaseListing.leases(
            of: configuration, nics: nics, dynamic: LeaseFile.parse(text), isOwnProject: isOwnProject,
            serverName: serverName)
    }

    /// Addresses leased by a hardware address now.
    package func leasedAddresses(of hardwareAddress: MACAddress) -> [IPAddress] {
        let text = (try? AtomicFile.readText(files.leases)) ?? ""
        return LeaseFile.parse(text).filter { $0.hardwareAddress == "\(hardwareAddress)" }.map(\.address)
    }

    /// Everything that is leased now.
    func leasedAddresses() -> [DynamicLease] { LeaseFile.parse((try? AtomicFile.readText(files.leases)) ?? "") }

    package var isUp: Bool {
        get async {
            let name = name
            // A kernel that does not answer shows nothing as up.
            return (try? await BlockingPool.shared.run { try RouteSocket().link(named: name) != nil }) ?? false
        }
    }

    // MARK: Steps

    private func setUp(_ hosts: [StaticHost]) async throws {
        let configuration = configuration
        let plan = try DnsmasqPlan(
            configuration, files: files, identity: environment.dnsmasqIdentity, isVerbose: environment.isVerbose)
        if configuration.usesDnsmasq, ProcessRunner.locate("dnsmasq") == nil {
            throw LXDError.internalError("dnsmasq is required for LXD managed bridges")
        }
        try Self.makeDirectory(environment.directory, 0o711)
        try Self.makeDirectory(files.directory, 0o711)
        let isNew = try await onBlockingThread(configuration) { try $0.ensureLink() }
        do {
            try await onBlockingThread(configuration) { try $0.configure() }
            if configuration.usesDnsmasq {
                try Self.makeDirectory(files.hosts, 0o755)
                try StaticHostFiles(files).replace(with: hosts, mode: configuration.dnsMode)
                try await dnsmasq.ensure(plan)
            } else {
                try await dnsmasq.stop()
                unlink(files.leases)
            }
            try await environment.firewall.apply(configuration)
        } catch {
            if isNew {
                // What this start made goes again; the first error tells why.
                try? await tearDown()
            }
            throw error
        }
    }

    private func tearDown() async throws {
        let configuration = configuration
        let others = configuration.externalInterfaces
        try await dnsmasq.stop()
        try await onBlockingThread(configuration) { setup in
            try setup.detachExternalInterfaces(others)
            try setup.removeMTUHelper()
            try setup.socket.deleteLinkIfPresent(configuration.name)
        }
        try await environment.firewall.remove(network: configuration.name)
    }

    private func adopt(_ configuration: BridgeConfiguration) {
        state.withLock { state in
            if state.configuration.name != configuration.name {
                state.dnsmasq.abandon()
                state.dnsmasq = Self.process(configuration.name, environment)
            }
            state.configuration = configuration
        }
    }

    private func onBlockingThread<Result: Sendable>(
        _ configuration: BridgeConfiguration, _ body: @escaping @Sendable (BridgeLinkSetup) throws -> Result
    ) async throws -> Result {
        let own = MACAddress(configuration["bridge.hwaddr"])
        let address = own ?? BridgeAddress.stable(seed: environment.addressSeed, networkID: id)
        let logger = environment.logger
        return try await BlockingPool.shared.run {
            try body(
                BridgeLinkSetup(network: configuration, address: address, socket: try RouteSocket(), logger: logger))
        }
    }

    /// Runs a choice of addresses while no other is made.
    func reserving(_ body: @escaping @Sendable () async throws -> StaticHost) async throws(LXDError) -> StaticHost {
        do { return try await Task { try await self.gate.run(body) }.value } catch { throw .from(error) }
    }

    private func alone(_ body: @escaping @Sendable () async throws -> Void) async throws(LXDError) {
        do {
            // Not cancelled halfway: a client that goes away must not leave half a network.
            try await Task { try await self.gate.run(body) }.value
        } catch { throw .from(error) }
    }

    private static func differs(_ old: BridgeConfiguration, _ new: BridgeConfiguration) -> Bool {
        func relevant(_ configuration: BridgeConfiguration) -> [String: String] {
            configuration.values.filter { !$0.key.hasPrefix("user.") && !$0.value.isEmpty }
        }
        return relevant(old) != relevant(new)
    }

    /// Refuses a name that an interface of the host has already.
    package static func requireFree(_ name: String) async throws(LXDError) {
        let exists: Bool
        do {
            exists = try await BlockingPool.shared.run { try RouteSocket().link(named: name) != nil }
        } catch { throw .from(error) }
        if exists { throw .badRequest("Network interface \(goQuoted(name)) already exists") }
    }

    private static func makeDirectory(_ path: String, _ mode: mode_t) throws(LXDError) {
        guard mkdir(path, mode) != 0 else { return }
        let code = Errno(rawValue: errno)
        if code != .fileExists { throw .internalError("Failed to create \(path): \(code)") }
    }

    /// Removes a network's folder: two levels of files that only we and dnsmasq write.
    private static func removeTree(_ path: String) async throws {
        try await BlockingPool.shared.run {
            for name in Folder.names(in: path) {
                let child = path + "/" + name
                guard unlink(child) != 0 else { continue }
                for grandchild in Folder.names(in: child) { unlink(child + "/" + grandchild) }
                rmdir(child)
            }
            guard rmdir(path) != 0 else { return }
            let code = Errno(rawValue: errno)
            if code != .noSuchFileOrDirectory { throw LXDError.internalError("Failed to remove \(path): \(code)") }
        }
    }
}

/// `rename(2)` under a name that the class's own method does not hide.
private func rename_(_ source: String, _ target: String) -> Int32 { Glibc.rename(source, target) }
