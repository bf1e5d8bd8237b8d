import Glibc
import LXDAPI
import LXDConfig
import LXDLinux

enum DiskRules {
    static func validate(_ name: String, _ config: [String: String], _ surroundings: DeviceSurroundings)
        throws(LXDError)
    {
        func value(_ key: String) -> String { config[key] ?? "" }
        try DeviceKeys.validate(config)
        if PathNames.relative(value("path")) == nil {
            throw .badRequest("Invalid value for device option \"path\": Path must not contain \"..\"")
        }
        let (source, path, pool) = (value("source"), value("path"), value("pool"))
        if !value("required").isEmpty, !value("optional").isEmpty {
            throw .badRequest("Cannot use both \"required\" and deprecated \"optional\" properties at the same time")
        }
        if source.isEmpty, path != "/" {
            throw .badRequest("Disk entry is missing the required \"source\" or \"path\" property")
        }
        if path == "/", !source.isEmpty { throw .badRequest("Root disk entry may not have a \"source\" property set") }
        if path == "/", pool.isEmpty { throw .badRequest("Root disk entry must have a \"pool\" property set") }
        if !value("size").isEmpty, path != "/" { throw .badRequest("Only the root disk may have a size quota") }
        if !value("size.state").isEmpty, path != "/" {
            throw .badRequest("Only the root disk may have a migration size quota")
        }
        if !value("recursive").isEmpty, path == "/" || !isDirectory(source) {
            throw .badRequest("The recursive option is only supported for additional bind-mounted paths")
        }
        if isTrue(config["recursive"]), isTrue(config["readonly"]) {
            throw .badRequest("Recursive read-only bind-mounts aren't currently supported by the kernel")
        }
        let isCeph = source.hasPrefix("ceph:") || source.hasPrefix("cephfs:")
        if !isCeph, !value("ceph.cluster_name").isEmpty || !value("ceph.user_name").isEmpty {
            throw .badRequest("Invalid options ceph.cluster_name/ceph.user_name for source \(goQuoted(source))")
        }
        let twins = surroundings.siblings.values.filter { $0["type"] == "disk" && $0["path"] == path && !path.isEmpty }
        if twins.count > 1 { throw .badRequest("More than one disk device uses the same path \(goQuoted(path))") }
        let isLocal = pool.isEmpty && !source.isEmpty && !isCeph && source != "cloud-init:config"
        if isLocal, !source.hasPrefix("/") { throw .badRequest("Source path must be absolute for local sources") }
        if !pool.isEmpty {
            if !value("shift").isEmpty {
                throw .badRequest(
                    "The \"shift\" property cannot be used with custom storage volumes (set \"security.shifted=true\" on the volume instead)"
                )
            }
            if source.hasPrefix("/") { throw .badRequest("Storage volumes cannot be specified as absolute paths") }
            if surroundings.isExpanded, !surroundings.instance.isEmpty, !surroundings.pools.contains(pool) {
                throw .notFound("Failed to get storage pool \(goQuoted(pool)): Storage pool not found")
            }
            if path.isEmpty { throw .badRequest("Custom filesystem volumes require a path to be defined") }
        }
        // A path that is missing is told at once to whoever names it, but does not stop a stored configuration from
        // being read.
        if isLocal, !surroundings.instance.isEmpty, isRequired(config), access(source, F_OK) != 0, !isLink(source) {
            throw .badRequest("Missing source path \(goQuoted(source)) for disk \(goQuoted(name))")
        }
    }

    static func isRequired(_ config: [String: String]) -> Bool {
        let required = config["required"] ?? ""
        return (required.isEmpty || isTrue(required)) && !isTrue(config["optional"])
    }

    private static func isDirectory(_ path: String) -> Bool {
        path.hasPrefix("/") && (try? FileStatus.of(path: path))?.kind == .directory
    }

    private static func isLink(_ path: String) -> Bool {
        (try? FileStatus.of(path: path, followLinks: false)) != nil
    }
}
