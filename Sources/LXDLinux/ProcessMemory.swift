internal import CLXDLinux

/// The memory of this process.
package enum ProcessMemory {
    /// Keeps the allocator from making an arena for each thread and from holding on to freed pages. Call it first of all.
    package static func limit() { clxd_limit_arenas() }

    /// Gives free pages back to the kernel.
    package static func giveBack() { clxd_trim_memory() }
}
