import Foundation
import LXDAPI
import LXDClient

/// The questions of `lxd init` and what the answers come to.
struct InitDialogue {
    let server: ServerConnection
    let information: Server

    func run() async throws -> InitPreseed {
        var plan = InitPreseed()
        var profile = ProfilesPost()
        profile.name = "default"
        if try Questions.askBool("Would you like to use LXD clustering? (yes/no) [default=no]: ", default: false) {
            throw LXDError.notImplemented("Clustering is not supported by this server")
        }
        try await askStorage(&plan, &profile)
        if try Questions.askBool("Would you like to connect to a MAAS server? (yes/no) [default=no]: ", default: false) {
            throw LXDError.notImplemented("MAAS is not supported by this server")
        }
        try await askNetworking(&plan, &profile)
        try askDaemon(&plan)
        plan.profiles = [profile]
        if try Questions.askBool(
            "Would you like a YAML \"lxd init\" preseed to be printed? (yes/no) [default=no]: ", default: false)
        {
            print(try LXDYAML.encode(plan))
        }
        return plan
    }

    private func askStorage(_ plan: inout InitPreseed, _ profile: inout ProfilesPost) async throws {
        guard try Questions.askBool("Do you want to configure a new storage pool? (yes/no) [default=yes]: ", default: true)
        else { return }
        let drivers = information.environment.storageSupportedDrivers.filter { !$0.remote }.map(\.name)
        guard let only = drivers.first else { throw LXDError.unavailable("No storage backends available") }
        let existing = try await server.storagePoolNames()
        while true {
            let name = try Questions.ask("Name of the new storage pool [default=default]: ", default: "default")
            guard !existing.contains(name) else {
                print("The requested storage pool \"\(name)\" already exists. Please choose another name.")
                continue
            }
            var pool = StoragePoolsPost()
            pool.name = name
            pool.driver =
                drivers.count == 1
                ? only
                : try Questions.askChoice(
                    "Name of the storage backend to use (\(drivers.joined(separator: ", "))) [default=\(only)]: ", drivers,
                    default: only)
            plan.storagePools.append(pool)
            profile.devices["root"] = ["type": "disk", "path": "/", "pool": name]
            return
        }
    }

    private func askNetworking(_ plan: inout InitPreseed, _ profile: inout ProfilesPost) async throws {
        guard
            try Questions.askBool(
                "Would you like to create a new local network bridge? (yes/no) [default=yes]: ", default: true)
        else { return try askExistingInterface(&profile) }
        let existing = try await server.networkNames()
        while true {
            let name = try Questions.ask("What should the new bridge be called? [default=lxdbr0]: ", default: "lxdbr0") {
                name in
                do throws(LXDError) {
                    _ = try NetworkName(name)
                    return nil
                } catch {
                    return error.message
                }
            }
            guard !existing.contains(name) else {
                print("The requested network bridge \"\(name)\" already exists. Please choose another name.")
                continue
            }
            var network = InitNetworksProjectPost()
            network.name = name
            network.project = "default"
            for (family, key) in [("IPv4", "ipv4"), ("IPv6", "ipv6")] {
                let address = try Questions.ask(
                    "What \(family) address should be used? (CIDR subnet notation, “auto” or “none”) [default=auto]: ",
                    default: "auto"
                ) { answer in
                    answer == "auto" || answer == "none" || answer.contains("/") ? nil : "Not a subnet in CIDR notation"
                }
                network.config["\(key).address"] = address
                if address != "auto", address != "none" {
                    let usesNAT = try Questions.askBool(
                        "Would you like LXD to NAT \(family) traffic on your bridge? [default=yes]: ", default: true)
                    network.config["\(key).nat"] = String(usesNAT)
                }
            }
            plan.networks.append(network)
            profile.devices["eth0"] = ["type": "nic", "name": "eth0", "network": name]
            return
        }
    }

    private func askExistingInterface(_ profile: inout ProfilesPost) throws {
        guard
            try Questions.askBool(
                "Would you like to configure LXD to use an existing bridge or host interface? (yes/no) [default=no]: ",
                default: false)
        else { return }
        while true {
            let name = try Questions.ask("Name of the existing bridge or host interface: ", default: "")
            guard !name.contains("/"), FileManager.default.fileExists(atPath: "/sys/class/net/\(name)") else {
                print("The requested interface doesn't exist. Please choose another one.")
                continue
            }
            let isBridge = FileManager.default.fileExists(atPath: "/sys/class/net/\(name)/bridge")
            profile.devices["eth0"] = [
                "type": "nic", "nictype": isBridge ? "bridged" : "macvlan", "name": "eth0", "parent": name,
            ]
            return
        }
    }

    private func askDaemon(_ plan: inout InitPreseed) throws {
        if try Questions.askBool(
            "Would you like the LXD server to be available over the network? (yes/no) [default=no]: ", default: false)
        {
            let address = try Questions.ask("Address to bind LXD to (not including port) [default=all]: ", default: "all")
            let port = try Questions.askNumber("Port to bind LXD to [default=8443]: ", 1...65535, default: 8443)
            plan.config["core.https_address"] = .string(InitAddress.join(address == "all" ? "::" : address, port: port))
            let password = try Questions.askPassword("Trust password for new clients: ")
            plan.config["core.trust_password"] = .string(password)
        }
        if try !Questions.askBool(
            "Would you like stale cached images to be updated automatically? (yes/no) [default=yes]: ", default: true)
        {
            plan.config["images.auto_update_interval"] = "0"
        }
    }
}
