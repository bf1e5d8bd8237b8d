/// The `metadata.yaml` of an image.
public struct ImageMetadata: WireValue {
    /// Processor architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// When the image was built, in seconds since 1970. Example: `1620655439`.
    @Zero public var creationDate: Int64
    /// When the image is outdated, in seconds since 1970. Example: `1620685757`.
    @Zero public var expiryDate: Int64
    /// Properties: names and values. Example: `{"os": "Ubuntu", "release": "jammy", "variant": "cloud"}`.
    @Zero public var properties: [String: String]
    /// Files to write, by path in the instance.
    @Zero public var templates: [String: ImageMetadataTemplate]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case architecture
        case creationDate = "creation_date"
        case expiryDate = "expiry_date"
        case properties, templates
    }
}

/// A file that is written when an instance is made or started.
public struct ImageMetadataTemplate: WireValue {
    /// When the template is applied: `create`, `copy`, `start`. Example: `create`.
    @Zero public var when: [String]
    /// Whether the file is left alone if it exists. Example: `false`.
    @Zero public var createOnly: Bool
    /// Name of the template file. Example: `pongo2-template`.
    @Zero public var template: String
    /// Properties: names and values. Example: `{"foo": "bar"}`.
    @NullIfEmpty public var properties: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case when
        case createOnly = "create_only"
        case template, properties
    }
}
