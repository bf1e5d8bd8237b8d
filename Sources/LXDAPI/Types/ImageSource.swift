/// Where an image is to be sent.
public struct ImageExportPost: WireValue {
    /// Address of the server to send to. Example: `https://1.2.3.4:8443`.
    @Zero public var target: String
    /// Secret that proves the right. Example: `RANDOM-STRING`.
    @Zero public var secret: String
    /// Certificate in PEM. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Aliases of the image.
    @NullIfEmpty public var aliases: [ImageAlias]
    /// Project. Example: `project1`.
    @Zero public var project: String
    /// Profiles of new instances at the target. Example: `["default"]`.
    @NullIfEmpty public var profiles: [String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case target, secret, certificate, aliases, project, profiles
    }
}

/// What is sent to create an image.
public struct ImagesPost: WireValue {
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
    /// Name of the image file. Example: `lxd.tar.xz`.
    @Zero public var filename: String
    /// Where it comes from.
    @Zero public var source: ImagesPostSource?
    /// Compressor; empty for the server's choice. Example: `gzip`.
    @Zero public var compressionAlgorithm: String
    /// Aliases of the image. Example: `[{"name": "foo"}, {"name": "bar"}]`.
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

/// What a new image is made from.
public struct ImagesPostSource: WireValue {
    /// Alias of an image. Example: `jammy`.
    @Zero public var alias: String
    /// Certificate in PEM. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Protocol. Example: `simplestreams`.
    @Zero public var `protocol`: String
    /// Address of the server. Example: `https://images.linuxcontainers.org`.
    @Zero public var server: String
    /// Kind of image to look for. Example: `container`.
    @Zero public var imageType: String
    /// `pull`. Example: `pull`.
    @Zero public var mode: String
    /// Kind. Example: `instance`.
    @Zero public var type: String
    /// Address. Example: `https://some-server.com/some-directory/`.
    @Zero public var url: String
    /// Name. Example: `c1/snap0`.
    @Zero public var name: String
    /// SHA-256 in hexadecimal digits. Example: `8ae945c52bb2f2df51c923b04022312f99bbb72c356251f54fa89ea7cf1df1d0`.
    @Zero public var fingerprint: String
    /// Secret that proves the right. Example: `RANDOM-STRING`.
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

/// Where an image came from.
public struct ImageSource: WireValue {
    /// Alias of an image. Example: `jammy`.
    @Zero public var alias: String
    /// Certificate in PEM. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Protocol. Example: `simplestreams`.
    @Zero public var `protocol`: String
    /// Address of the server. Example: `https://images.linuxcontainers.org`.
    @Zero public var server: String
    /// Kind of image to look for. Example: `container`.
    @Zero public var imageType: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case alias, certificate, `protocol`, server
        case imageType = "image_type"
    }
}
