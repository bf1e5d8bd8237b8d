internal import CLXDLinux
internal import Glibc
internal import LXDLinux

/// The files of a container that its processes watch (inotify, fanotify), found by name before it is stopped.
///
/// The kernel tells their numbers only, and an overlay does not open files by those: criu would look through the root file system
/// while everything stands still. It takes the names from a file of its own kind instead, and checks them.
struct WatchedFiles {
    /// criu's name for that file, in the folder of the images.
    static let imageName = "irmap-cache"

    /// The contents of that file; nil when there is nothing to be told.
    static func image(root: String, processes: [Int32]) -> [UInt8]? {
        var info = statfs()
        // Other file systems open files by their numbers.
        guard statfs(root, &info) == 0, info.f_type == 0x794c_7630, let status = try? FileStatus.of(path: root) else { return nil }
        let device = status.deviceMajor << 20 | status.deviceMinor
        var wanted: Set<UInt64> = []
        for pid in processes {
            for (fileDevice, inode) in watches(of: pid) where fileDevice == device { wanted.insert(inode) }
        }
        guard !wanted.isEmpty else { return nil }
        var search = Search(device: device, wanted: wanted)
        search.run(root)
        // Magic words of criu's service files and of this one, then messages with their lengths. Source: criu's magic.h.
        var bytes: [UInt8] = []
        func number(_ value: UInt32) { for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) } }
        number(0x5510_5940)
        number(0x5700_4059)
        for (inode, path) in search.found.sorted(by: { $0.key < $1.key }) {
            let entry = [1 << 3] + ProtobufFields.encoded(UInt64(device)) + [2 << 3] + ProtobufFields.encoded(inode)
                + [3 << 3 | 2] + ProtobufFields.encoded(UInt64(path.utf8.count)) + Array(path.utf8)
            number(UInt32(entry.count))
            bytes += entry
        }
        return bytes
    }

    /// Devices (as the kernel numbers them) and inodes.
    private static func watches(of pid: Int32) -> [(UInt32, UInt64)] {
        let folder = "/proc/\(pid)/fd"
        // It may have ended meanwhile.
        guard let numbers = try? ConfinedDirectory(path: folder).list() else { return [] }
        var found: [(UInt32, UInt64)] = []
        for number in numbers {
            var bytes = [CChar](repeating: 0, count: 64)
            let count = readlink(folder + "/" + number, &bytes, bytes.count)
            guard count > 0, String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self).contains("notify"),
                let text = try? AtomicFile.readText("/proc/\(pid)/fdinfo/\(number)", limit: 4 << 20)
            else { continue }
            for line in text.split(separator: "\n") {
                if let watch = parse(line) { found.append(watch) }
            }
        }
        return found
    }

    /// `inotify wd:1 ino:f88527 sdev:53 mask:...`
    static func parse(_ line: Substring) -> (UInt32, UInt64)? {
        var (device, inode): (UInt32?, UInt64?)
        for word in line.split(separator: " ") {
            if word.hasPrefix("ino:") { inode = UInt64(word.dropFirst(4), radix: 16) }
            if word.hasPrefix("sdev:") { device = UInt32(word.dropFirst(5), radix: 16) }
        }
        guard let device, let inode else { return nil }
        return (device, inode)
    }

    /// A walk through the folders where files are watched, the likeliest first, until all are found.
    private struct Search {
        let device: UInt32
        var wanted: Set<UInt64>
        var found: [UInt64: String] = [:]
        private var seen = 0

        init(device: UInt32, wanted: Set<UInt64>) { (self.device, self.wanted) = (device, wanted) }

        private static let places = [
            "", "etc", "usr/share/dbus-1", "usr/local/share", "run", "var/spool", "var/log", "lib/udev", "usr/share/polkit-1",
            "usr/share/zoneinfo", "root", "home", "opt", "srv", "var", "usr/share", "usr/lib",
        ]
        /// What is not found among so many files is left to criu.
        private static let filesMax = 200_000

        mutating func run(_ root: String) {
            // Symlinks in it are never followed, so nothing in it leads out.
            guard let directory = try? ConfinedDirectory(path: root) else { return }
            look(at: ".", named: "/.", in: directory)
            for place in Self.places.dropFirst() where !wanted.isEmpty { walk(place, in: directory) }
        }

        private mutating func look(at path: String, named name: String, in directory: ConfinedDirectory) {
            guard let status = try? directory.status(path) else { return }
            note(status, name)
        }

        private mutating func note(_ status: FileStatus, _ name: String) {
            guard status.deviceMajor << 20 | status.deviceMinor == device, wanted.remove(status.inode) != nil else { return }
            found[status.inode] = name
        }

        private mutating func walk(_ start: String, in root: ConfinedDirectory) {
            var folders = [start]
            look(at: start, named: "/" + start, in: root)
            while let folder = folders.popLast(), !wanted.isEmpty, seen < Self.filesMax {
                guard let directory = try? root.directory(folder), let names = try? directory.list() else { continue }
                for name in names {
                    seen += 1
                    guard let status = try? directory.status(name) else { continue }
                    note(status, "/" + folder + "/" + name)
                    if status.kind == .directory { folders.append(folder + "/" + name) }
                }
            }
        }
    }
}
