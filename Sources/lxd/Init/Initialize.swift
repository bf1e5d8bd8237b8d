import ArgumentParser
import Foundation
import LXDAPI
import LXDClient

/// `lxd init`
struct Initialize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Configure the LXD daemon",
        usage: """
            lxd init
            lxd init --minimal
            lxd init --auto [--network-address=IP] [--network-port=8443] [--storage-backend=dir]
                     [--storage-create-device=DEVICE] [--storage-create-loop=SIZE]
                     [--storage-pool=POOL] [--trust-password=PASSWORD]
            lxd init --preseed
            lxd init --dump
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Automatic (non-interactive) mode")
    var auto = false
    @Flag(help: "Minimal configuration (non-interactive)")
    var minimal = false
    @Flag(help: "Pre-seed mode, expects YAML config from stdin")
    var preseed = false
    @Flag(help: "Dump YAML config to stdout")
    var dump = false
    @Option(help: "Address to bind LXD to (default: none)")
    var networkAddress = ""
    @Option(help: "Port to bind LXD to (default: 8443)")
    var networkPort = -1
    @Option(help: "Storage backend to use (default: dir)")
    var storageBackend = ""
    @Option(help: "Setup device based storage using DEVICE")
    var storageCreateDevice = ""
    @Option(help: "Setup loop based storage with SIZE in GB")
    var storageCreateLoop = -1
    @Option(help: "Storage pool to use or create")
    var storagePool = ""
    @Option(help: "Password required to add new clients")
    var trustPassword = ""

    func run() async throws {
        try checkFlags()
        let server = LocalServer.connect()
        do {
            let information: Server
            do {
                information = try await server.server().value
            } catch {
                throw LXDError.from(error).wrapped("Failed to connect to local LXD")
            }
            if dump {
                print(try await InitDump.text(server))
            } else {
                try await InitApply(server).apply(try await plan(server, information))
            }
            await server.close()
        } catch {
            await server.close()
            throw error
        }
    }

    private func plan(_ server: ServerConnection, _ information: Server) async throws -> InitPreseed {
        if preseed {
            let text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
            do {
                return try InitPreseedReader.read(text)
            } catch {
                throw LXDError.from(error).wrapped("Failed to parse the preseed")
            }
        }
        if auto || minimal { return try await InitAuto(flags: self, server: server, information: information).plan() }
        return try await InitDialogue(server: server, information: information).run()
    }

    private var hasConfigurationFlags: Bool {
        !networkAddress.isEmpty || networkPort != -1 || !storageBackend.isEmpty || !storageCreateDevice.isEmpty
            || storageCreateLoop != -1 || !storagePool.isEmpty || !trustPassword.isEmpty
    }

    private func checkFlags() throws {
        if auto, preseed { throw LXDError.badRequest("Can't use --auto and --preseed together") }
        if minimal, preseed { throw LXDError.badRequest("Can't use --minimal and --preseed together") }
        if minimal, auto { throw LXDError.badRequest("Can't use --minimal and --auto together") }
        if !auto, hasConfigurationFlags { throw LXDError.badRequest("Configuration flags require --auto") }
        if dump, auto || minimal || preseed || hasConfigurationFlags {
            throw LXDError.badRequest("Can't use --dump with other flags")
        }
    }
}

/// Reads a preseed and refuses keys that would be ignored.
enum InitPreseedReader {
    static func read(_ text: String) throws -> InitPreseed {
        let known: [String: Set<String>] = [
            "config": [], "cluster": [],
            "networks": ["config", "description", "name", "type", "project"],
            "storage_pools": ["config", "description", "name", "driver"],
            "profiles": ["config", "description", "devices", "name"],
            "projects": ["config", "description", "name"],
        ]
        let raw = try LXDYAML.decode(JSONValue.self, from: text)
        for (section, value) in raw.objectValue ?? [:] {
            guard let fields = known[section] else { throw LXDError.badRequest("unknown key \"\(section)\"") }
            for entry in value.arrayValue ?? [] {
                for key in (entry.objectValue ?? [:]).keys where !fields.contains(key) {
                    throw LXDError.badRequest("unknown key \"\(key)\" in \(section)")
                }
            }
        }
        return try LXDYAML.decode(InitPreseed.self, from: text)
    }
}
