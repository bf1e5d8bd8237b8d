/// ImageExportPost.
public struct ImageExportPost: WireValue {
    /// Target. Example: `https://1.2.3.4:8443`.
    @Zero public var target: String
    /// Secret. Example: `RANDOM-STRING`.
    @Zero public var secret: String
    /// Certificate. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Aliases.
    @NullIfEmpty public var aliases: [ImageAlias]
    /// Project. Example: `project1`.
    @Zero public var project: String
    /// Profiles. Example: `["default"]`.
    @NullIfEmpty public var profiles: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case target, secret, certificate, aliases, project, profiles
    }
}

/// ImagesPost.
public struct ImagesPost: WireValue {
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
    /// Filename. Example: `lxd.tar.xz`.
    @Zero public var filename: String
    /// Source.
    @Zero public var source: ImagesPostSource?
    /// Compression algorithm. Example: `gzip`.
    @Zero public var compressionAlgorithm: String
    /// Aliases. Example: `[{"name": "foo"}, {"name": "bar"}]`.
    @NullIfEmpty public var aliases: [ImageAlias]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case autoUpdate = "auto_update"
        case properties, `public`
        case expiresAt = "expires_at"
        case profiles, filename, source
        case compressionAlgorithm = "compression_algorithm"
        case aliases
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

/// ImagesPostSource.
public struct ImagesPostSource: WireValue {
    /// Alias. Example: `jammy`.
    @Zero public var alias: String
    /// Certificate. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Protocol. Example: `simplestreams`.
    @Zero public var `protocol`: String
    /// Server. Example: `https://images.linuxcontainers.org`.
    @Zero public var server: String
    /// Image type. Example: `container`.
    @Zero public var imageType: String
    /// Mode. Example: `pull`.
    @Zero public var mode: String
    /// Type. Example: `instance`.
    @Zero public var type: String
    /// Url. Example: `https://some-server.com/some-directory/`.
    @Zero public var url: String
    /// Name. Example: `c1/snap0`.
    @Zero public var name: String
    /// Fingerprint. Example: `8ae945c52bb2f2df51c923b04022312f99bbb72c356251f54fa89ea7cf1df1d0`.
    @Zero public var fingerprint: String
    /// Secret. Example: `RANDOM-STRING`.
    @Zero public var secret: String
    /// Project. Example: `project1`.
    @Zero public var project: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case alias, certificate, `protocol`, server
        case imageType = "image_type"
        case mode, type, url, name, fingerprint, secret, project
    }

    /// The fields shared with ``ImageSource``.
    public var imageSource: ImageSource {
        get {
            .with {
                $0.alias = alias
                $0.certificate = certificate
                $0.protocol = `protocol`
                $0.server = server
                $0.imageType = imageType
            }
        }
        set {
            alias = newValue.alias
            certificate = newValue.certificate
            `protocol` = newValue.protocol
            server = newValue.server
            imageType = newValue.imageType
        }
    }
}

/// ImageSource.
public struct ImageSource: WireValue {
    /// Alias. Example: `jammy`.
    @Zero public var alias: String
    /// Certificate. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Protocol. Example: `simplestreams`.
    @Zero public var `protocol`: String
    /// Server. Example: `https://images.linuxcontainers.org`.
    @Zero public var server: String
    /// Image type. Example: `container`.
    @Zero public var imageType: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case alias, certificate, `protocol`, server
        case imageType = "image_type"
    }
}
