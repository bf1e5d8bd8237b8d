/// An alias in the list of an image.
public struct ImageAlias: WireValue {
    /// Name. Example: `ubuntu-22.04`.
    @Zero public var name: String
    /// Text for people. Example: `Our preferred Ubuntu image`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, description
    }
}

/// What is sent to create an image alias.
public struct ImageAliasesPost: WireValue {
    /// Text for people. Example: `Our preferred Ubuntu image`.
    @Zero public var description: String
    /// Fingerprint of the image. Example: `06b86454720d36b20f94e31c6812e05ec51c1b568cf3a8abd273769d213394bb`.
    @Zero public var target: String
    /// Name. Example: `ubuntu-22.04`.
    @Zero public var name: String
    /// Kind. Example: `container`.
    @Zero public var type: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, target, name, type
    }

    /// The fields shared with ``ImageAliasesEntry``.
    public var imageAliasesEntry: ImageAliasesEntry {
        get {
            .with {
                $0.description = description
                $0.target = target
                $0.name = name
                $0.type = type
            }
        }
        set {
            description = newValue.description
            target = newValue.target
            name = newValue.name
            type = newValue.type
        }
    }
}

/// What is sent to rename or move an image alias.
public struct ImageAliasesEntryPost: WireValue {
    /// Name. Example: `ubuntu-22.04`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name
    }
}

/// What a client may change of an image alias.
public struct ImageAliasesEntryPut: WireValue {
    /// Text for people. Example: `Our preferred Ubuntu image`.
    @Zero public var description: String
    /// Fingerprint of the image. Example: `06b86454720d36b20f94e31c6812e05ec51c1b568cf3a8abd273769d213394bb`.
    @Zero public var target: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, target
    }
}

/// An image alias.
public struct ImageAliasesEntry: WireValue {
    /// Text for people. Example: `Our preferred Ubuntu image`.
    @Zero public var description: String
    /// Fingerprint of the image. Example: `06b86454720d36b20f94e31c6812e05ec51c1b568cf3a8abd273769d213394bb`.
    @Zero public var target: String
    /// Name. Example: `ubuntu-22.04`.
    @Zero public var name: String
    /// Kind. Example: `container`.
    @Zero public var type: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, target, name, type
    }

    /// The part that a client may change.
    public var writable: ImageAliasesEntryPut {
        get {
            .with {
                $0.description = description
                $0.target = target
            }
        }
        set {
            description = newValue.description
            target = newValue.target
        }
    }
}
