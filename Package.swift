// swift-tools-version: 6.2
import PackageDescription

// What each target may import is written down in Tests/Layout/allowed-imports.txt and checked by scripts/check-layout.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

/// A module of ours: its purpose is the comment above each call.
func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func program(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
    name: "lxd",
    products: [
        .executable(name: "lxd", targets: ["lxd"]),
        .executable(name: "lxc", targets: ["lxc"]),
        .executable(name: "lxd-helper", targets: ["lxd-helper"]),
        .executable(name: "lxd-archive", targets: ["lxd-archive"]),
        .library(name: "LXDClient", targets: ["LXDClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // C: the few kernel calls that Glibc's Swift module lacks; header-only, -errno out.
        .target(name: "CLXDLinux"),
        // C: liblxc, loaded by lxd-helper only.
        .systemLibrary(name: "CLXC", pkgConfig: "lxc"),
        // C: libarchive, loaded by lxd-archive only.
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive"),
        // C: libnftables, used by LXDNetwork only.
        .systemLibrary(name: "CNFTables", pkgConfig: "libnftables"),

        // Typed kernel calls: descriptors, confined paths, mounts, pidfds, cgroups, spawning.
        module("LXDLinux", ["CLXDLinux", systemPackage]),
        // Typed rtnetlink: links, addresses, routes, of this or another network namespace.
        module("LXDNetlink", ["CLXDLinux", "LXDLinux", systemPackage]),
        // What lxd tells lxd-helper and hears from it: pure data and its byte codec; no Foundation.
        module("LXDRuntimePlan", []),

        // Wire types shared by server, client and tests; names; LXDError; JSON and YAML by Go's rules.
        module("LXDAPI", [yams, crypto]),
        // Configuration keys as tables: type, default, check, privilege class, text.
        module("LXDConfig", ["LXDAPI"]),
        // HTTP, WebSocket and TLS on SwiftNIO, server and client side.
        module(
            "LXDHTTP",
            [
                "LXDAPI", "CLXDLinux", nioCore, nioPosix, logging, crypto,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        // Servers that give images away: simplestreams, LXD, plain URLs; for the daemon and the client.
        module("LXDImageServers", ["LXDAPI", "LXDHTTP", crypto, nioCore]),
        // Certificates: making, reading, fingerprints, pins, the trust decision.
        module(
            "LXDAuth",
            [
                "LXDAPI", crypto, .product(name: "CryptoExtras", package: "swift-crypto"), systemPackage,
                .product(name: "X509", package: "swift-certificates"), .product(name: "SwiftASN1", package: "swift-asn1"),
            ]),

        // All SQL: rows as plain structs, named migrations, short transactions.
        module("LXDDatabase", ["LXDAPI", .product(name: "GRDB", package: "GRDB.swift")]),
        // Image files: reading, hashing, unpacking through lxd-archive, packing, metadata, templates.
        module(
            "LXDImages",
            ["LXDAPI", "LXDLinux", crypto, yams, logging, systemPackage]),
        // Images made from a distribution's own packages, on the client's machine.
        module("LXDImageBuilder", ["LXDLinux", systemPackage]),
        // Storage pools and volumes; drivers are folders.
        module("LXDStorage", ["CLXDLinux", "LXDAPI", "LXDLinux", "LXDRuntimePlan", logging, systemPackage]),
        // Managed networks: bridge, dnsmasq, nftables, leases.
        module("LXDNetwork", ["LXDAPI", "LXDConfig", "LXDLinux", "LXDNetlink", "CNFTables", logging, systemPackage]),
        // Instance devices: nic, disk, unix-char; what each adds to a start and how it is undone.
        module("LXDDevices", ["LXDAPI", "LXDConfig", "LXDLinux", "LXDNetlink", "LXDRuntimePlan", logging, systemPackage]),
        // Containers through lxd-helper: start, stop, exec, console, files, state from the kernel.
        module("LXDRuntime", ["LXDAPI", "LXDLinux", "LXDNetlink", "LXDRuntimePlan", logging, systemPackage]),

        // Services, operations, events, locks, lifecycle: the only policy.
        module(
            "LXDCore",
            [
                "LXDAPI", "LXDConfig", "LXDLinux", "LXDNetlink", "LXDRuntimePlan", "LXDAuth", "LXDDatabase", "LXDImages",
                "LXDImageServers", "LXDStorage",
                "LXDNetwork", "LXDDevices", "LXDRuntime", logging, systemPackage, crypto, yams,
            ]),
        // Routes: decode, authorize, call, encode; one file a resource.
        module(
            "LXDServer",
            [
                "LXDAPI", "LXDAuth", "LXDConfig", "LXDCore", "LXDDatabase", "LXDHTTP", "LXDLinux", logging, nioCore,
                .product(name: "NIOWebSocket", package: "swift-nio"),
            ]),
        // REST client: one method a call, remotes, trust, websockets.
        module("LXDClient", ["LXDAPI", "LXDAuth", "LXDHTTP", logging, nioCore, nioPosix, yams, systemPackage]),
        // One command a file; tables, editor, progress.
        module(
            "LXCCommands",
            ["LXDAPI", "LXDAuth", "LXDClient", "LXDConfig", "LXDHTTP", "LXDImageBuilder", "LXDImageServers", "LXDLinux", "CLXDLinux", logging, crypto,
                .product(name: "CryptoExtras", package: "swift-crypto"), nioCore, systemPackage,
            ]),

        program("lxc", ["LXCCommands"]),
        program(
            "lxd",
            [
                "LXDServer", "LXDCore", "LXDClient", "LXDAPI", "LXDAuth", "LXDConfig", "LXDHTTP", "LXDLinux", "LXDNetlink", "LXDRuntime",
                "LXDRuntimePlan", "LXDStorage", "LXDNetwork", "LXDDevices", "LXDImages", "LXDImageServers", "LXDDatabase", "CLXDLinux", arguments, logging,
                yams, systemPackage, nioCore, nioPosix,
            ]),
        program("lxd-helper", ["CLXC", "CLXDLinux", "LXDRuntimePlan"]),
        program("lxd-archive", ["CArchive", "CLXDLinux"]),

        // Daemons on temporary folders, namespaces as hosts, waiting with a deadline.
        module("LXDTestSupport", ["LXDLinux", systemPackage]),
        tests("LXDAPITests", ["LXDAPI"]),
        tests("LXDConfigTests", ["LXDConfig", "LXDAPI"]),
        tests("LXDLinuxTests", ["LXDLinux", "LXDNetlink", "LXDRuntimePlan", systemPackage]),
        tests(
            "LXDHTTPTests",
            ["LXDHTTP", "LXDAPI", "LXDAuth", nioCore, nioPosix, logging, crypto, .product(name: "NIOWebSocket", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"), .product(name: "X509", package: "swift-certificates"), .product(name: "SwiftASN1", package: "swift-asn1")]),
        tests(
            "LXDImageServersTests",
            [
                "LXDImageServers", "LXDAPI", "LXDCore", "LXDDatabase", "LXDHTTP", "LXDImages", "LXDLinux", "LXDStorage", crypto, nioCore,
                logging,
            ]),
        tests("LXDDatabaseTests", ["LXDDatabase", "LXDAPI", .product(name: "GRDB", package: "GRDB.swift")]),
        tests("LXDImagesTests", ["LXDImages", "LXDAPI", "LXDLinux", systemPackage, logging]),
        tests("LXDImageBuilderTests", ["LXDImageBuilder", systemPackage]),
        tests("LXDStorageTests", ["LXDStorage", "LXDAPI", "LXDLinux", "LXDRuntimePlan", systemPackage, logging]),
        tests("LXDNetworkTests", ["LXDNetwork", "LXDDevices", "LXDAPI", "LXDLinux", "LXDNetlink", "LXDRuntimePlan", systemPackage, logging]),
        tests("LXDRuntimeTests", ["LXDRuntime", "LXDRuntimePlan", "LXDLinux", systemPackage, logging]),
        tests("LXDCoreTests", ["LXDCore", "LXDRuntimePlan", "LXDStorage", "LXDDevices", "LXDLinux", "LXDAPI", "LXDDatabase", "LXDConfig", logging, systemPackage]),
        tests(
            "LXDServerTests", ["LXDServer", "LXDCore", "LXDAPI", "LXDAuth", "LXDDatabase", "LXDHTTP", "LXDLinux", logging, nioCore]),
        tests("LXDClientTests", ["LXDClient", "LXDAPI", "LXDHTTP", nioCore, nioPosix, logging]),
        .testTarget(
            name: "LXCCommandsTests", dependencies: ["LXCCommands", "LXDAPI", "LXDClient", "LXDHTTP", logging],
            exclude: ["Golden"], swiftSettings: settings),
        .testTarget(
            name: "LXDSystemTests",
            dependencies: ["LXDTestSupport", "LXDAPI", "LXDAuth", "LXDClient", "LXDHTTP", "LXDLinux", systemPackage, logging],
            exclude: ["Fixtures"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
