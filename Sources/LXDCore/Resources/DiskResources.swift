import Foundation
import Glibc
import LXDAPI

extension HostResources {
    /// The disks of the host with their partitions.
    func disks() -> ResourcesStorage {
        let base = "/sys/class/block"
        let all = files.names(base)
        let byPath = links("/dev/disk/by-path")
        let byID = links("/dev/disk/by-id")
        var disks: [ResourcesStorageDisk] = []
        for name in all {
            let path = base + "/" + name
            let device = path + "/device"
            guard files.exists(device), let number = files.text(path + "/dev") else { continue }
            var disk = ResourcesStorageDisk()
            disk.id = name
            disk.device = number
            disk.firmwareVersion = files.text(device + "/firmware_rev") ?? ""
            disk.pciAddress = files.pciAddress(device) ?? ""
            disk.usbAddress = files.usbAddress(device) ?? ""
            disk.numaNode = files.numaNode(device)
            disk.model = files.text(device + "/model") ?? ""
            disk.type = files.baseName(device + "/subsystem") ?? ""
            if disk.type == "rbd" { continue }
            disk.readOnly = files.unsigned(path + "/ro") == 1
            disk.size = (files.unsigned(path + "/size") ?? 0) &* 512
            disk.removable = files.unsigned(path + "/removable") == 1
            disk.wwn = files.text(path + "/wwid") ?? ""
            if name.hasPrefix("sr"), disk.removable {
                disk.type = "cdrom"
                // The size of a drive without a disc.
                if disk.size == 0x1f_ffff * 512 { disk.size = 0 }
            }
            disk.partitions = all.compactMap { partition in
                guard partition.hasPrefix(name), let index = files.unsigned("\(base)/\(partition)/partition") else {
                    return nil
                }
                return .with {
                    $0.id = partition
                    $0.device = files.text("\(base)/\(partition)/dev") ?? ""
                    $0.readOnly = files.unsigned("\(base)/\(partition)/ro") == 1
                    $0.size = (files.unsigned("\(base)/\(partition)/size") ?? 0) &* 512
                    $0.partition = index
                }
            }
            disk.devicePath = byPath["/dev/" + name] ?? ""
            disk.deviceID = byID["/dev/" + name] ?? ""
            disk.blockSize = files.unsigned(path + "/queue/physical_block_size") ?? 0
            addUdevProperties(to: &disk)
            if disk.rpm == 0 { disk.rpm = files.unsigned(path + "/queue/rotational") ?? 0 }
            disks.append(disk)
        }
        return .with {
            $0.disks = disks
            $0.total = UInt64(disks.reduce(0) { $0 + 1 + $1.partitions.count })
        }
    }

    private func addUdevProperties(to disk: inout ResourcesStorageDisk) {
        var properties: [Substring: Substring] = [:]
        for line in files.lines("/run/udev/data/b" + disk.device) where line.hasPrefix("E:") {
            let parts = line.dropFirst(2).split(separator: "=", maxSplits: 1)
            if parts.count == 2 { properties[parts[0]] = parts[1] }
        }
        if properties["ID_CDROM"] == "1" {
            disk.type = "cdrom"
        } else if properties["ID_USB_DRIVER"] == "usb-storage" {
            disk.type = "usb"
        } else if properties["ID_ATA_SATA"] == "1" {
            disk.type = "sata"
        }
        if let revision = properties["ID_REVISION"], disk.firmwareVersion.isEmpty { disk.firmwareVersion = String(revision) }
        if let serial = properties["ID_SERIAL_SHORT"] { disk.serial = String(serial) }
        if let model = properties["ID_MODEL_ENC"].flatMap(Self.udevDecoded) ?? properties["ID_MODEL"].map(String.init) {
            disk.model = model
        }
        if let rpm = properties["ID_ATA_ROTATION_RATE_RPM"].flatMap({ UInt64($0) }), disk.rpm == 0 { disk.rpm = rpm }
    }

    /// The names of links by what they lead to.
    private func links(_ directory: String) -> [String: String] {
        var result: [String: String] = [:]
        for name in files.names(directory) {
            if let target = files.resolved("\(directory)/\(name)") { result[target] = name }
        }
        return result
    }

    /// Text in which udev wrote bytes as `\x20`, without white space at its ends; `nil` when it is malformed.
    static func udevDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.first {
            if byte == UInt8(ascii: "\\"), rest.dropFirst().first == UInt8(ascii: "x") {
                let digits = rest.dropFirst(2).prefix(2)
                guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
                    return nil
                }
                bytes.append(value)
                rest = rest.dropFirst(4)
            } else {
                bytes.append(byte)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }
}
