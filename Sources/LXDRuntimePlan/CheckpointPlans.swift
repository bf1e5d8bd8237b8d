/// Where one checkpoint or restore works.
package struct CriuWorkspace: Sendable, Hashable {
    /// The program criu.
    package var criuPath = ""
    /// A folder of its own, made and removed with the work; what criu and liblxc start is found there.
    package var directory = ""
    /// Where the images are.
    package var imageDirectory = ""
    /// What criu finds out about the kernel is kept here; a name of its own for every boot.
    package var kernelCache = ""
    /// Deleted files that are still open go into the images up to this size, bytes.
    package var ghostLimit: UInt64 = 64 << 20

    package init() {}
}

/// A step that criu, or the helper that starts it, waits at: one packet `NAME PID`, and one byte back, 0 to go on.
package struct CriuStep: Sendable, Hashable {
    /// criu's name for it, or ``prepared``.
    package var name: String
    /// 0 when there is no process yet.
    package var initPID: Int32

    /// The helper has done what can be done before there are images.
    package static let prepared = "prepared"

    package init(_ name: String, initPID: Int32 = 0) { (self.name, self.initPID) = (name, initPID) }

    /// - Returns: nil for bytes that are none.
    package init?(packet: [UInt8]) {
        let parts = packet.split(separator: 0x20)
        guard parts.count == 2, parts[0].allSatisfy({ $0 == 0x2d || (0x61...0x7a).contains($0) }),
            let pid = Int32(String(decoding: parts[1], as: UTF8.self)), pid >= 0
        else { return nil }
        self.init(String(decoding: parts[0], as: UTF8.self), initPID: pid)
    }

    package var packet: [UInt8] { Array("\(name) \(initPID)".utf8) }
}

/// Files in a work's folder by which daemons tell criu's script of a decision that one of them died over.
package enum CriuDecision {
    /// There is a decision to be made; without it the death of the daemon is a no.
    package static let open = "decision"
    /// How it was made: one byte.
    package static let verdict = "verdict"
    package static let yes = UInt8(ascii: "1")
    package static let no = UInt8(ascii: "0")
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
    /// Pages of memory are left out of the images and served on ``HelperDescriptor/pages`` afterwards.
    package var isPostCopy = false

    package init() {}
}

/// Fetching the pages that images of a post-copy leave out, from ``HelperDescriptor/pages``.
package struct PagesPlan: Sendable, Hashable {
    package var workspace = CriuWorkspace()
    package var idmap: [IDMapEntry] = []

    package init() {}
}

/// Making a container's processes from images.
package struct RestorePlan: Sendable, Hashable {
    /// What a start would take.
    package var start = RuntimePlan()
    package var workspace = CriuWorkspace()
    /// Pages of memory come later.
    package var isPostCopy = false

    package init() {}
}

extension CriuWorkspace: Packable {
    package func pack(into p: inout Packer) {
        for text in [criuPath, directory, imageDirectory, kernelCache] { text.pack(into: &p) }
        ghostLimit.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init()
        criuPath = try u.value()
        directory = try u.value()
        imageDirectory = try u.value()
        kernelCache = try u.value()
        ghostLimit = try u.value()
    }
}

extension CheckpointPlan: Packable {
    package func pack(into p: inout Packer) {
        for text in [name, stateDirectory, configurationPath] { text.pack(into: &p) }
        workspace.pack(into: &p)
        keepsRunning.pack(into: &p)
        isPostCopy.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init()
        name = try u.value()
        stateDirectory = try u.value()
        configurationPath = try u.value()
        workspace = try u.value()
        keepsRunning = try u.value()
        isPostCopy = try u.value()
    }
}

extension RestorePlan: Packable {
    package func pack(into p: inout Packer) {
        start.pack(into: &p)
        workspace.pack(into: &p)
        isPostCopy.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init()
        start = try u.value()
        workspace = try u.value()
        isPostCopy = try u.value()
    }
}

extension PagesPlan: Packable {
    package func pack(into p: inout Packer) {
        workspace.pack(into: &p)
        idmap.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init()
        workspace = try u.value()
        idmap = try u.value()
    }
}
