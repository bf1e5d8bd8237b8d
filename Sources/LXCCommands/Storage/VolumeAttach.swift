import LXDAPI
import LXDClient

struct VolumeAttach: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Attach new storage volumes to instances",
        usage: "[<remote>:]<pool> <volume> <instance> [<device name>] [<path>]")
    static let argumentCount = 3...5
    static let examples = """
        lxc storage volume attach default data u1 /srv/data
            Show a volume in "u1".
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], session)
        let (device, path) = VolumeDisk.nameAndPath(arguments)
        try VolumeDisk.requireCustom(volume)
        try await DeviceOwner(.instance, volume.server, arguments[2]).addDevice(
            device, ["type": "disk", "pool": volume.pool, "source": volume.fullName, "path": path])
    }
}

struct VolumeAttachProfile: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach-profile", abstract: "Attach new storage volumes to profiles",
        usage: "[<remote:>]<pool> <volume> <profile> [<device name>] [<path>]")
    static let argumentCount = 3...5
    static let examples = """
        lxc storage volume attach-profile default data web /srv/data
            Show a volume in all instances of a profile.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let volume = try VolumeReference(arguments[0], arguments[1], session)
        let (device, path) = VolumeDisk.nameAndPath(arguments)
        try VolumeDisk.requireCustom(volume)
        let found = try await volume.load().value
        var disk = ["type": "disk", "pool": volume.pool, "source": found.name]
        if found.contentType != "block" { disk["path"] = path }
        try await DeviceOwner(.profile, volume.server, arguments[2]).addDevice(device, disk)
    }
}

struct VolumeDetach: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach", abstract: "Detach storage volumes from instances",
        usage: "[<remote>:]<pool> <volume> <instance> [<device name>]")
    static let argumentCount = 3...4
    static let examples = """
        lxc storage volume detach default data u1
            Take a volume away from "u1".
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await VolumeDisk.detach(from: .instance, arguments, session)
    }
}

struct VolumeDetachProfile: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach-profile", abstract: "Detach storage volumes from profiles",
        usage: "[<remote:>]<pool> <volume> <profile> [<device name>]")
    static let argumentCount = 3...4
    static let examples = """
        lxc storage volume detach-profile default data web
            Take a volume away from all instances of a profile.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        try await VolumeDisk.detach(from: .profile, arguments, session)
    }
}

/// A disk that shows a volume in an instance.
private enum VolumeDisk {
    /// What the words after the owner mean: nothing, a path, or a device and a path.
    static func nameAndPath(_ words: [String]) -> (device: String, path: String) {
        switch words.count {
        case 4: (words[1], words[3])
        case 5: (words[3], words[4])
        default: (words[1], "")
        }
    }

    static func requireCustom(_ volume: VolumeReference) throws {
        guard volume.type == "custom" else {
            throw CommandFailure("Only \"custom\" volumes can be attached to instances")
        }
    }

    static func detach(from kind: DeviceOwner.Kind, _ words: [String], _ session: Session) async throws {
        let resource = try session.named(words[0], orFail: StorageGroup.missingName)
        let owner = DeviceOwner(kind, resource.server, words[2])
        try await owner.removeDevice(words.count > 3 ? words[3] : "", orFail: "No device found for this storage volume")
        {
            $0["type"] == "disk" && $0["pool"] == resource.name && $0["source"] == words[1]
        }
    }
}
