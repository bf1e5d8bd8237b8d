import Foundation
import Glibc

/// Reads the small text files of /proc and /sys below a root, which tests replace.
///
/// Absent files are ordinary here: hardware and kernels differ, so everything missing reads as nothing.
package struct KernelFiles: Sendable {
    let root: String

    package init(root: String = "") {
        self.root = root
    }

    /// The file's text without white space at its ends.
    func text(_ path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: root + path) else { return nil }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func lines(_ path: String) -> [Substring] {
        text(path)?.split(separator: "\n") ?? []
    }

    func unsigned(_ path: String) -> UInt64? { text(path).flatMap { UInt64($0) } }
    func signed(_ path: String) -> Int64? { text(path).flatMap { Int64($0) } }

    /// A PCI or USB id without its `0x`.
    func hexID(_ path: String) -> String? {
        text(path).map { $0.hasPrefix("0x") ? String($0.dropFirst(2)) : $0 }
    }

    func exists(_ path: String) -> Bool {
        var information = stat()
        return lstat(root + path, &information) == 0
    }

    /// The names in a folder, sorted as LXD lists them.
    func names(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: root + path)) ?? []).sorted()
    }

    /// The path a link leads to, all links resolved, without the root.
    func resolved(_ path: String) -> String? {
        guard let pointer = realpath(root + path, nil) else { return nil }
        defer { free(pointer) }
        let target = String(cString: pointer)
        return target.hasPrefix(root) ? String(target.dropFirst(root.count)) : target
    }

    func baseName(_ path: String) -> String? {
        resolved(path)?.split(separator: "/").last.map(String.init)
    }

    /// The NUMA node a device's file names; the kernel writes -1 for none.
    func numaNode(_ devicePath: String) -> UInt64 {
        UInt64(max(signed(devicePath + "/numa_node") ?? 0, 0))
    }

    /// The driver bound to a device and its version: the module's own, else the kernel's.
    func driver(_ devicePath: String) -> (name: String, version: String)? {
        guard let name = baseName(devicePath + "/driver") else { return nil }
        return (name, text(devicePath + "/driver/module/version") ?? kernelRelease)
    }

    /// The PCI address of a device, seen through virtio.
    func pciAddress(_ devicePath: String) -> String? {
        guard exists(devicePath + "/subsystem"), var target = resolved(devicePath) else { return nil }
        if baseName(target + "/subsystem") == "virtio" {
            target = String(target[..<(target.lastIndex(of: "/") ?? target.startIndex)])
        }
        return baseName(target + "/subsystem") == "pci" ? target.split(separator: "/").last.map(String.init) : nil
    }

    /// `BUS:DEVICE` of the USB device that a device is part of.
    func usbAddress(_ devicePath: String) -> String? {
        guard var path = resolved(devicePath), path.contains("/usb") else { return nil }
        while !path.isEmpty, path != "/" {
            if let bus = unsigned(path + "/busnum"), let device = unsigned(path + "/devnum") { return "\(bus):\(device)" }
            path = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        }
        return nil
    }

    var kernelRelease: String { text("/proc/sys/kernel/osrelease") ?? "" }
}
