import LXDAPI

/// `streams/v1/index.json`: which documents list products.
///
/// Source: the simplestreams format, as LXD and cloud-init read it.
struct StreamIndex: WireValue {
    @Zero var index: [String: StreamEntry]

    init() {}
}

struct StreamEntry: WireValue {
    /// `image-downloads` for what interests us.
    @Zero var datatype: String
    /// Relative to the server's address. Example: streams/v1/images.json.
    @Zero var path: String
    @Zero var products: [String]

    init() {}
}

/// A document of products: systems, each in versions, each of which is a few files.
struct StreamProducts: WireValue {
    @Zero var products: [String: StreamProduct]

    init() {}
}

struct StreamProduct: WireValue {
    /// Separated by commas. Example: alpine/edge/default,alpine/edge.
    @Zero var aliases: String
    /// Example: amd64.
    @Zero var architecture: String
    /// Example: Alpine.
    @Zero var system: String
    @Zero var requirements: [String: String]
    @Zero var release: String
    @Zero var releaseTitle: String
    /// `YYYY-MM-DD`.
    @Zero var endOfLife: String
    @Zero var version: String
    @Zero var variant: String
    /// By serial, which begins with the date. Example: 20230105_13:00.
    @Zero var versions: [String: StreamVersion]

    init() {}

    private enum CodingKeys: String, CodingKey {
        case aliases
        case architecture = "arch"
        case system = "os"
        case requirements = "lxd_requirements"
        case release
        case releaseTitle = "release_title"
        case endOfLife = "support_eol"
        case version, variant, versions
    }
}

struct StreamVersion: WireValue {
    @Zero var items: [String: StreamItem]
    @Zero var label: String

    init() {}
}

/// A file of a version, and on metadata files the fingerprints of the images that they make with root filesystems.
struct StreamItem: WireValue {
    /// Example: lxd.tar.xz, squashfs, root.tar.xz.
    @Zero var kind: String
    @Zero var path: String
    @Zero var sha256: String
    /// Bytes.
    @Zero var size: Int64
    @Zero var combined: String
    @Zero var combinedRootTar: String
    @Zero var combinedSquashfs: String
    @Zero var combinedDisk: String
    @Zero var combinedDiskKVM: String
    @Zero var combinedDiskUEFI: String

    init() {}

    private enum CodingKeys: String, CodingKey {
        case kind = "ftype"
        case path, sha256, size
        case combined = "combined_sha256"
        case combinedRootTar = "combined_rootxz_sha256"
        case combinedSquashfs = "combined_squashfs_sha256"
        case combinedDisk = "combined_disk1-img_sha256"
        case combinedDiskKVM = "combined_disk-kvm-img_sha256"
        case combinedDiskUEFI = "combined_uefi1-img_sha256"
    }
}
