/// ImageMetadata.
public struct ImageMetadata: WireValue {
    /// Architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Creation date. Example: `1620655439`.
    @Zero public var creationDate: Int64
    /// Expiry date. Example: `1620685757`.
    @Zero public var expiryDate: Int64
    /// Properties. Example: `{"os": "Ubuntu", "release": "jammy", "variant": "cloud"}`.
    @Zero public var properties: [String: String]
    /// Templates.
    @Zero public var templates: [String: ImageMetadataTemplate]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case architecture
        case creationDate = "creation_date"
        case expiryDate = "expiry_date"
        case properties, templates
    }
}

/// ImageMetadataTemplate.
public struct ImageMetadataTemplate: WireValue {
    /// When. Example: `create`.
    @Zero public var when: [String]
    /// Create only. Example: `false`.
    @Zero public var createOnly: Bool
    /// Template. Example: `pongo2-template`.
    @Zero public var template: String
    /// Properties. Example: `{"foo": "bar"}`.
    @Zero public var properties: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case when
        case createOnly = "create_only"
        case template, properties
    }
}
