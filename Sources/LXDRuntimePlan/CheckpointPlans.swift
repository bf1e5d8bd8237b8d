/// Where one checkpoint or restore works.
package struct CriuWorkspace: Sendable, Hashable {
    /// The program criu.
    package var criuPath = ""
    /// A folder of its own, made and removed with the work; what criu and liblxc start is found there.
    package var directory = ""
    /// Where the images are.
    package var imageDirectory = ""
    /// Deleted files that are still open go into the images up to this size, bytes.
    package var ghostLimit: UInt64 = 64 << 20

    package init() {}
}

/// Writing a running container's processes to images.
package struct CheckpointPlan: Sendable, Hashable {
    package var name = ""
    package var stateDirectory = ""
    /// The configuration it was started with, as liblxc saved it.
    package var configurationPath = ""
    package var workspace = CriuWorkspace()
    /// Go on running afterwards instead of ending.
    package var keepsRunning = false

    package init() {}
}

/// Making a container's processes from images.
package struct RestorePlan: Sendable, Hashable {
    /// What a start would take.
    package var start = RuntimePlan()
    package var workspace = CriuWorkspace()

    package init() {}
}

extension CriuWorkspace: Packable {
    package func pack(into p: inout Packer) {
        for text in [criuPath, directory, imageDirectory] { text.pack(into: &p) }
        ghostLimit.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init()
        criuPath = try u.value()
        directory = try u.value()
        imageDirectory = try u.value()
        ghostLimit = try u.value()
    }
}

extension CheckpointPlan: Packable {
    package func pack(into p: inout Packer) {
        for text in [name, stateDirectory, configurationPath] { text.pack(into: &p) }
        workspace.pack(into: &p)
        keepsRunning.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init()
        name = try u.value()
        stateDirectory = try u.value()
        configurationPath = try u.value()
        workspace = try u.value()
        keepsRunning = try u.value()
    }
}

extension RestorePlan: Packable {
    package func pack(into p: inout Packer) {
        start.pack(into: &p)
        workspace.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init()
        start = try u.value()
        workspace = try u.value()
    }
}
