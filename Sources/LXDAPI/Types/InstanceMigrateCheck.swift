/// Whether an instance can move to another server while it runs. Ours; not of LXD.
public struct InstanceMigrateCheck: WireValue {
    /// Whether nothing known is in the way. Example: `false`.
    @Zero public var possible: Bool
    /// What is in the way, each a sentence. Example: `["Instance is frozen; unfreeze it first"]`.
    @Zero public var obstacles: [String]

    public init() {}
}
