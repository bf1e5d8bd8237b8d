internal import CLXDLinux

/// The memory of this process.
package enum ProcessMemory {
    /// Keeps the allocator from making an arena for each thread and from holding on to freed pages. Call it first of all.
    package static func limit() { clxd_limit_arenas() }

    /// Gives pages back to the kernel: free ones, and those of the program, of which most are used by a start alone. What is
    /// still used is mapped again by itself.
    package static func giveBack() {
        clxd_trim_memory()
        clxd_forget_code()
    }
}
