/// What a volume uses at the moment.
public struct StorageVolumeState: WireValue {
    /// Use.
    @Zero public var usage: StorageVolumeStateUsage?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case usage
    }
}

/// Use of a volume.
public struct StorageVolumeStateUsage: WireValue {
    /// Bytes used. Example: `1693552640`.
    @OmitEmpty public var used: UInt64
    /// Bytes that fit; 0 without a limit. Example: `5189222192`.
    @Zero public var total: Int64

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case used, total
    }
}
