/// Which `restricted.*` key of a project opens a key of an instance that is not safe.
package enum InstanceRestriction {
    /// nil for a safe key, and for one that nothing opens.
    package static func opening(_ name: String) -> String? {
        guard let key = InstanceKeys.key(name) else { return nil }
        switch key.privilege {
        case .safe: return nil
        case .lowLevel:
            return key.scope == .virtualMachine ? "restricted.virtual-machines.lowlevel" : "restricted.containers.lowlevel"
        case .host:
            switch name {
            case "security.nesting": return "restricted.containers.nesting"
            case "security.privileged": return "restricted.containers.privilege"
            case _ where name.hasPrefix("security.syscalls.intercept."): return "restricted.containers.interception"
            default: return nil
            }
        }
    }
}
