/// Words of mount(8): those that are flags of the kernel's call, and the rest, which are the file system's own.
struct MountOptions: Equatable {
    var flags: UInt = 0
    /// Joined by commas.
    var data = ""

    /// Source: mount(2), mount(8).
    private static let words: [String: (flag: UInt, isSet: Bool)] = [
        "ro": (0x1, true), "rw": (0x1, false), "nosuid": (0x2, true), "suid": (0x2, false), "nodev": (0x4, true),
        "dev": (0x4, false), "noexec": (0x8, true), "exec": (0x8, false), "sync": (0x10, true), "async": (0x10, false),
        "mand": (0x40, true), "nomand": (0x40, false), "dirsync": (0x80, true),
        "noatime": (0x400, true), "atime": (0x400, false), "nodiratime": (0x800, true), "diratime": (0x800, false),
        "relatime": (0x20_0000, true), "norelatime": (0x20_0000, false), "strictatime": (0x100_0000, true),
        "lazytime": (0x200_0000, true), "defaults": (0, true),
    ]

    /// - Parameter text: As in `raw.mount.options`: words between commas.
    init(_ text: String) {
        var rest: [String] = []
        for item in text.split(separator: ",") {
            let word = item.filter { !$0.isWhitespace }
            guard let known = Self.words[word] else {
                rest.append(word)
                continue
            }
            if known.isSet { flags |= known.flag } else { flags &= ~known.flag }
        }
        data = rest.joined(separator: ",")
    }
}
