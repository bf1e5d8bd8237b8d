import Foundation
import LXDAPI
import LXDClient

/// Decides what `lxd init --auto` and `--minimal` set up: what is not there yet.
struct InitAuto {
    let flags: Initialize
    let server: ServerConnection
    let information: Server

    func plan() async throws -> InitPreseed {
        try checkFlags()
        let pools: [String]
        do {
            pools = try await server.storagePoolNames()
        } catch {
            throw LXDError.from(error).wrapped("Failed to retrieve list of storage pools")
        }
        let asksForStorage =
            !flags.storageBackend.isEmpty || !flags.storageCreateDevice.isEmpty || flags.storageCreateLoop != -1
            || !flags.storagePool.isEmpty
        guard pools.isEmpty || !asksForStorage else { throw LXDError.badRequest("Storage has already been configured") }

        var plan = InitPreseed()
        if !flags.networkAddress.isEmpty {
            plan.config["core.https_address"] = .string(
                InitAddress.join(flags.networkAddress, port: flags.networkPort == -1 ? 8443 : flags.networkPort))
            if !flags.trustPassword.isEmpty { plan.config["core.trust_password"] = .string(flags.trustPassword) }
        }
        var devices: [String: [String: String]] = [:]
        if pools.isEmpty {
            let pool = newPool()
            plan.storagePools = [pool]
            devices["root"] = ["type": "disk", "path": "/", "pool": pool.name]
        }
        if let network = try await newNetwork() {
            plan.networks = [
                .with {
                    $0.name = network
                    $0.project = "default"
                }
            ]
            devices["eth0"] = ["type": "nic", "network": network, "name": "eth0"]
        }
        if !devices.isEmpty {
            plan.profiles = [
                .with {
                    $0.name = "default"
                    $0.devices = devices
                }
            ]
        }
        return plan
    }

    private func newPool() -> StoragePoolsPost {
        .with {
            $0.name = "default"
            $0.driver = flags.storageBackend.isEmpty ? "dir" : flags.storageBackend
            if !flags.storageCreateDevice.isEmpty {
                $0.config["source"] = flags.storageCreateDevice
            } else if flags.storageCreateLoop > 0 {
                $0.config["size"] = "\(flags.storageCreateLoop)GB"
            } else if !flags.storagePool.isEmpty {
                $0.config["source"] = flags.storagePool
            }
            // Beside a device or loop, --storage-pool is the name of the new pool.
            if !flags.storagePool.isEmpty, !flags.storageCreateDevice.isEmpty || flags.storageCreateLoop != -1 {
                $0.name = flags.storagePool
            }
        }
    }

    /// The name of the bridge to make; `nil` when there is a network already.
    private func newNetwork() async throws -> String? {
        let networks: [Network]
        do {
            networks = try await server.networks()
        } catch {
            throw LXDError.from(error).wrapped("Failed to retrieve list of networks")
        }
        let profile = try await server.profile("default").value
        guard !networks.contains(where: \.managed), !profile.devices.values.contains(where: { $0["type"] == "nic" }) else {
            return nil
        }
        var index = 0
        while FileManager.default.fileExists(atPath: "/sys/class/net/lxdbr\(index)") { index += 1 }
        return "lxdbr\(index)"
    }

    private func checkFlags() throws {
        let backend = flags.storageBackend
        if !backend.isEmpty, !["btrfs", "ceph", "cephfs", "cephobject", "dir", "lvm", "zfs"].contains(backend) {
            throw LXDError.badRequest("The requested backend '\(backend)' isn't supported by lxd init")
        }
        if !backend.isEmpty, !information.environment.storageSupportedDrivers.contains(where: { $0.name == backend }) {
            throw LXDError.badRequest("The requested backend '\(backend)' isn't available on your system (missing tools)")
        }
        if backend.isEmpty || backend == "dir" {
            if flags.storageCreateLoop != -1 || !flags.storageCreateDevice.isEmpty || !flags.storagePool.isEmpty {
                throw LXDError.badRequest(
                    "None of --storage-pool, --storage-create-device or --storage-create-loop may be used with the 'dir' backend")
            }
        } else if flags.storageCreateLoop != -1, !flags.storageCreateDevice.isEmpty {
            throw LXDError.badRequest("Only one of --storage-create-device or --storage-create-loop can be specified")
        }
        if flags.networkAddress.isEmpty {
            if flags.networkPort != -1 {
                throw LXDError.badRequest("--network-port can't be used without --network-address")
            }
            if !flags.trustPassword.isEmpty {
                throw LXDError.badRequest("--trust-password can't be used without --network-address")
            }
        }
    }
}

/// Addresses as `core.https_address` holds them.
enum InitAddress {
    /// `host:port`, with brackets around an IPv6 address.
    static func join(_ host: String, port: Int) -> String {
        host.contains(":") && !host.hasPrefix("[") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
