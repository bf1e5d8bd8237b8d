import LXDAPI
import LXDConfig
import LXDStorage

extension InstanceService {
    /// Has the pool hold the root disk to its `size`; does nothing when that is as it was.
    func applyRootSize(of new: LoadedInstance, replacing old: LoadedInstance?) async throws {
        let size = rootDisk(new.expandedDevices)?.config["size"] ?? ""
        let before = old.flatMap { rootDisk($0.expandedDevices)?.config["size"] } ?? ""
        guard size != before else { return }
        let bytes = size.isEmpty ? nil : UInt64(clamping: try ByteCount.parse(size))
        try await environment.pools.driver(new.rootPool()).setSize(bytes, of: environment.volume(new.key))
    }
}
