/// ImagePut.
public struct ImagePut: WireValue {
    /// Auto update. Example: `true`.
    @Zero public var autoUpdate: Bool
    /// Properties. Example: `{"os": "Ubuntu", "release": "jammy", "variant": "cloud"}`.
    @Zero public var properties: [String: String]
    /// Public. Example: `false`.
    @Zero public var `public`: Bool
    /// Expires at. Example: `2025-03-23T20:00:00-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Profiles. Example: `["default"]`.
    @Zero public var profiles: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case autoUpdate = "auto_update"
        case properties, `public`
        case expiresAt = "expires_at"
        case profiles
    }
}

/// Image.
public struct Image: WireValue {
    /// Auto update. Example: `true`.
    @Zero public var autoUpdate: Bool
    /// Properties. Example: `{"os": "Ubuntu", "release": "jammy", "variant": "cloud"}`.
    @Zero public var properties: [String: String]
    /// Public. Example: `false`.
    @Zero public var `public`: Bool
    /// Expires at. Example: `2025-03-23T20:00:00-04:00`.
    @Zero public var expiresAt: LXDTime
    /// Profiles. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Aliases.
    @NullIfEmpty public var aliases: [ImageAlias]
    /// Architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Cached. Example: `true`.
    @Zero public var cached: Bool
    /// Filename. Example: `06b86454720d36b20f94e31c6812e05ec51c1b568cf3a8abd273769d213394bb.rootfs`.
    @Zero public var filename: String
    /// Fingerprint. Example: `06b86454720d36b20f94e31c6812e05ec51c1b568cf3a8abd273769d213394bb`.
    @Zero public var fingerprint: String
    /// Size. Example: `272237676`.
    @Zero public var size: Int64
    /// Update source.
    @OmitEmpty public var updateSource: ImageSource?
    /// Type. Example: `container`.
    @Zero public var type: String
    /// Created at. Example: `2021-03-23T20:00:00-04:00`.
    @Zero public var createdAt: LXDTime
    /// Last used at. Example: `2021-03-22T20:39:00.575185384-04:00`.
    @Zero public var lastUsedAt: LXDTime
    /// Uploaded at. Example: `2021-03-24T14:18:15.115036787-04:00`.
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
