/// What a client may change of an image.
public struct ImagePut: WireValue {
    /// Whether the image follows its source. Example: `true`.
    @Zero public var autoUpdate: Bool
    /// Properties: names and values. Example: `{"os": "Ubuntu", "release": "jammy", "variant": "cloud"}`.
    @Zero public var properties: [String: String]
    /// Whether anybody may see it. Example: `false`.
    @Zero public var `public`: Bool
    /// When it will be removed; the zero time for never. Example: `2025-03-23T20:00:00-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Profiles of new instances; empty for `default`. Example: `["default"]`.
    @Zero public var profiles: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case autoUpdate = "auto_update"
        case properties, `public`
        case expiresAt = "expires_at"
        case profiles
    }
}

/// An image.
public struct Image: WireValue {
    /// Whether the image follows its source. Example: `true`.
    @Zero public var autoUpdate: Bool
    /// Properties: names and values. Example: `{"os": "Ubuntu", "release": "jammy", "variant": "cloud"}`.
    @Zero public var properties: [String: String]
    /// Whether anybody may see it. Example: `false`.
    @Zero public var `public`: Bool
    /// When it will be removed; the zero time for never. Example: `2025-03-23T20:00:00-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Profiles of new instances; empty for `default`. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Aliases of the image.
    @Zero public var aliases: [ImageAlias]
    /// Processor architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Whether the server fetched the image by itself and may remove it again. Example: `true`.
    @Zero public var cached: Bool
    /// Name of the image file. Example: `06b86454720d36b20f94e31c6812e05ec51c1b568cf3a8abd273769d213394bb.rootfs`.
    @Zero public var filename: String
    /// SHA-256 in hexadecimal digits. Example: `06b86454720d36b20f94e31c6812e05ec51c1b568cf3a8abd273769d213394bb`.
    @Zero public var fingerprint: String
    /// Bytes. Example: `272237676`.
    @Zero public var size: Int64
    /// Where updates come from; absent if there are none.
    @OmitEmpty public var updateSource: ImageSource?
    /// Kind. Example: `container`.
    @Zero public var type: String
    /// When it was made. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var createdAt: LXDTime
    /// When it was last used. Example: `2021-03-22T20:39:00.575185384-04:00`.
    @Zero public var lastUsedAt: LXDTime
    /// When it came to the server. Example: `2021-03-24T14:18:15.115036787-04:00`.
    @Zero public var uploadedAt: LXDTime

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case autoUpdate = "auto_update"
        case properties, `public`
        case expiresAt = "expires_at"
        case profiles, aliases, architecture, cached, filename, fingerprint, size
        case updateSource = "update_source"
        case type
        case createdAt = "created_at"
        case lastUsedAt = "last_used_at"
        case uploadedAt = "uploaded_at"
    }

    /// The part that a client may change.
    public var writable: ImagePut {
        get {
            .with {
                $0.autoUpdate = autoUpdate
                $0.properties = properties
                $0.public = `public`
                $0.expiresAt = expiresAt
                $0.profiles = profiles
            }
        }
        set {
            autoUpdate = newValue.autoUpdate
            properties = newValue.properties
            `public` = newValue.public
            expiresAt = newValue.expiresAt
            profiles = newValue.profiles
        }
    }
}
