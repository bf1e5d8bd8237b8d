package import LXDAPI

/// The keys of projects.
package enum ProjectKeys {
    package static let table = KeyTable(features + images + limits + restrictions)

    /// The key that rules a name.
    package static func key(_ name: String) -> ConfigKey? { table.key(name) }

    /// - Throws: `.badRequest` with LXD's text.
    package static func validate(_ config: [String: String]) throws(LXDError) {
        switch table.firstProblem(in: config) {
        case nil: return
        case .unknown(let name): throw .badRequest("Invalid project configuration key \(goQuoted(name))")
        case .invalid(let name, let text):
            throw .badRequest("Invalid project configuration key \(goQuoted(name)) value: \(text)")
        }
    }

    private static let features: [ConfigKey] = [
        .init("features.images", .bool, default: "false", "Whether the project has images of its own."),
        .init("features.networks", .bool, default: "false", "Whether the project has networks of its own."),
        .init("features.profiles", .bool, default: "false", "Whether the project has profiles of its own."),
        .init(
            "features.storage.volumes", .bool, default: "false", "Whether the project has storage volumes of its own."),
        .init("user.*", .blob, "Free for users."),
    ]

    private static let images: [ConfigKey] = [
        .init("backups.compression_algorithm", check: .compression.optional, "Compressor of backups."),
        .init("images.auto_update_cached", .bool, "Update images that the server fetched by itself."),
        .init("images.auto_update_interval", .integer, "Hours between looking for updates; 0 for never."),
        .init("images.compression_algorithm", check: .compression.optional, "Compressor of new images."),
        .init(
            "images.default_architecture", check: .architecture.optional, "Architecture of images in a mixed cluster."),
        .init("images.remote_cache_expiry", .integer, "Days after which an unused cached image is removed."),
    ]

    private static let limits: [ConfigKey] = [
        .init("limits.containers", .uint32, "Most containers."),
        .init("limits.cpu", .uint32, "Most processors, all instances together."),
        .init("limits.disk", .size, "Most disk space, all volumes and images together."),
        .init("limits.instances", .uint32, "Most instances."),
        .init("limits.memory", .size, "Most memory, all instances together."),
        .init("limits.networks", .uint32, "Most networks."),
        .init("limits.processes", .uint32, "Most processes, all instances together."),
        .init("limits.virtual-machines", .uint32, "Most virtual machines."),
    ]

    private static let block = ConfigCheck.oneOf("block", "allow").optional
    private static let managed = ConfigCheck.oneOf("block", "allow", "managed").optional

    private static let restrictions: [ConfigKey] = [
        .init("restricted", .bool, default: "false", "Refuse what the keys below do not allow."),
        .init("restricted.backups", default: "block", check: block, "Whether backups may be made."),
        .init("restricted.cluster.groups", .list, "Cluster groups that may be chosen, separated by commas."),
        .init("restricted.cluster.target", default: "block", check: block, "Whether a cluster member may be chosen."),
        .init(
            "restricted.containers.interception", default: "block", check: .oneOf("allow", "block", "full").optional,
            "Whether system calls may be carried out by the host."),
        .init(
            "restricted.containers.lowlevel", default: "block", check: block,
            "Whether keys that reach past the usual confinement may be set."),
        .init(
            "restricted.containers.nesting", default: "block", check: block, "Whether `security.nesting` may be set."),
        .init(
            "restricted.containers.privilege", default: "unprivileged",
            check: .oneOf("allow", "unprivileged", "isolated").optional, "The most privilege that containers may have."),
        .init("restricted.devices.disk", default: "managed", check: managed, "Which disks may be used."),
        .init(
            "restricted.devices.disk.paths", .list, check: .list(of: .absolutePath).optional,
            "Host paths that disks may show, separated by commas."),
        .init("restricted.devices.gpu", default: "block", check: block, "Whether gpu devices may be used."),
        .init(
            "restricted.devices.infiniband", default: "block", check: block, "Whether infiniband devices may be used."),
        .init("restricted.devices.nic", default: "managed", check: managed, "Which networks may be used."),
        .init("restricted.devices.pci", default: "block", check: block, "Whether pci devices may be used."),
        .init("restricted.devices.proxy", default: "block", check: block, "Whether proxy devices may be used."),
        .init(
            "restricted.devices.unix-block", default: "block", check: block, "Whether unix-block devices may be used."),
        .init("restricted.devices.unix-char", default: "block", check: block, "Whether unix-char devices may be used."),
        .init(
            "restricted.devices.unix-hotplug", default: "block", check: block,
            "Whether unix-hotplug devices may be used."),
        .init("restricted.devices.usb", default: "block", check: block, "Whether usb devices may be used."),
        .init(
            "restricted.idmap.gid", .list, check: .list(of: .uint32Range).optional,
            "Host group ids that `raw.idmap` may show."),
        .init(
            "restricted.idmap.uid", .list, check: .list(of: .uint32Range).optional,
            "Host user ids that `raw.idmap` may show."),
        .init("restricted.images.servers", .list, "Hosts that images may come from, separated by commas; else any that is not this one."),
        .init("restricted.networks.access", .list, "Networks that may be used, separated by commas."),
        .init("restricted.networks.subnets", .list, "Uplink subnets that may be used: `UPLINK:SUBNET`."),
        .init("restricted.networks.uplinks", .list, "Networks that may be an uplink, separated by commas."),
        .init("restricted.networks.zones", .list, "Network zones that may be used, separated by commas."),
        .init("restricted.snapshots", default: "block", check: block, "Whether snapshots may be made."),
        .init("restricted.virtual-machines.lowlevel", default: "block", check: block, "The same for virtual machines."),
    ]
}
