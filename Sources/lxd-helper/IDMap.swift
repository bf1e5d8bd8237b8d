import CLXDLinux
import Glibc
import LXDRuntimePlan

/// The ids of a container and what the kernel needs of them.
struct IDMap {
    let entries: [IDMapEntry]

    var isEmpty: Bool { entries.isEmpty }

    /// Root's id of the container on the host; 0 for a privileged one.
    var rootUID: UInt32 { entries.first { $0.isUID && $0.namespaceID == 0 }?.hostID ?? 0 }
    var rootGID: UInt32 { entries.first { $0.isGID && $0.namespaceID == 0 }?.hostID ?? 0 }

    /// A user namespace with this map, for idmapped mounts and file access; the caller closes it.
    func namespaceDescriptor() throws(HelperFailure) -> Int32 {
        func lines(_ chosen: [IDMapEntry]) -> String {
            chosen.map { "\($0.namespaceID) \($0.hostID) \($0.range)\n" }.joined()
        }
        let uids = lines(entries.filter(\.isUID))
        let gids = lines(entries.filter(\.isGID))
        return try attempt("make a user namespace for the id map", "", clxd_id_map_namespace(uids, gids))
    }

    /// Runs `body` with the file system ids of the container's root and all capabilities.
    ///
    /// A file made on an idmapped mount by ids it does not map fails with EOVERFLOW.
    @discardableResult
    func asContainerRoot<Result>(_ body: () throws(HelperFailure) -> Result) throws(HelperFailure) -> Result {
        if isEmpty { return try body() }
        // SECBIT_NO_SETUID_FIXUP: otherwise the kernel drops the file capabilities with fsuid 0.
        try attempt("keep capabilities", "", clxd_prctl(PR_SET_SECUREBITS, 1 << 2, 0, 0, 0))
        _ = clxd_setfsgid(rootGID)
        _ = clxd_setfsuid(rootUID)
        defer {
            _ = clxd_setfsuid(0)
            _ = clxd_setfsgid(0)
            _ = clxd_prctl(PR_SET_SECUREBITS, 0, 0, 0, 0)
        }
        return try body()
    }
}
