internal import CLXDLinux
package import SystemPackage

extension ConfinedDirectory {
    /// A directory that somebody else has open and keeps open; this holds a copy of the descriptor.
    package convenience init(borrowing number: Int32, resolution: Resolution = .inRoot) throws(Errno) {
        try self.init(adopting: OwnedDescriptor(result: clxd_fcntl_dupfd(number, 3)), resolution: resolution)
    }
}
