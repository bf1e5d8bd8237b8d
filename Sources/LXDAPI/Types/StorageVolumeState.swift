/// StorageVolumeState.
public struct StorageVolumeState: WireValue {
    /// Usage.
    @Zero public var usage: StorageVolumeStateUsage?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case usage
    }
}

/// StorageVolumeStateUsage.
public struct StorageVolumeStateUsage: WireValue {
    /// Used. Example: `1693552640`.
    @OmitEmpty public var used: UInt64
    /// Total. Example: `5189222192`.
    @Zero public var total: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case used, total
    }
}
