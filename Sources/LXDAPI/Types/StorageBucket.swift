/// StorageBucketsPost.
public struct StorageBucketsPost: WireValue {
    /// Config. Example: `{"size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My custom bucket`.
    @Zero public var description: String
    /// Name. Example: `foo`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, name
    }

    /// The part that a client may change.
    public var writable: StorageBucketPut {
        get {
            .with {
                $0.config = config
                $0.description = description
            }
        }
        set {
            config = newValue.config
            description = newValue.description
        }
    }
}

/// StorageBucketPut.
public struct StorageBucketPut: WireValue {
    /// Config. Example: `{"size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My custom bucket`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description
    }
}

/// StorageBucket.
public struct StorageBucket: WireValue {
    /// Config. Example: `{"size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Description. Example: `My custom bucket`.
    @Zero public var description: String
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// S3 url. Example: `https://127.0.0.1:8080/foo`.
    @Zero public var s3URL: String
    /// Location. Example: `lxd01`.
    @Zero public var location: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description, name
        case s3URL = "s3_url"
        case location
    }

    /// The part that a client may change.
    public var writable: StorageBucketPut {
        get {
            .with {
                $0.config = config
                $0.description = description
            }
        }
        set {
            config = newValue.config
            description = newValue.description
        }
    }
}

/// StorageBucketKeysPost.
public struct StorageBucketKeysPost: WireValue {
    /// Description. Example: `My read-only bucket key`.
    @Zero public var description: String
    /// Role. Example: `read-only`.
    @Zero public var role: String
    /// Access key. Example: `33UgkaIBLBIxb7O1`.
    @Zero public var accessKey: String
    /// Secret key. Example: `kDQD6AOgwHgaQI1UIJBJpPaiLgZuJbq0`.
    @Zero public var secretKey: String
    /// Name. Example: `my-read-only-key`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, role
        case accessKey = "access-key"
        case secretKey = "secret-key"
        case name
    }

    /// The part that a client may change.
    public var writable: StorageBucketKeyPut {
        get {
            .with {
                $0.description = description
                $0.role = role
                $0.accessKey = accessKey
                $0.secretKey = secretKey
            }
        }
        set {
            description = newValue.description
            role = newValue.role
            accessKey = newValue.accessKey
            secretKey = newValue.secretKey
        }
    }
}

/// StorageBucketKeyPut.
public struct StorageBucketKeyPut: WireValue {
    /// Description. Example: `My read-only bucket key`.
    @Zero public var description: String
    /// Role. Example: `read-only`.
    @Zero public var role: String
    /// Access key. Example: `33UgkaIBLBIxb7O1`.
    @Zero public var accessKey: String
    /// Secret key. Example: `kDQD6AOgwHgaQI1UIJBJpPaiLgZuJbq0`.
    @Zero public var secretKey: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, role
        case accessKey = "access-key"
        case secretKey = "secret-key"
    }
}

/// StorageBucketKey.
public struct StorageBucketKey: WireValue {
    /// Description. Example: `My read-only bucket key`.
    @Zero public var description: String
    /// Role. Example: `read-only`.
    @Zero public var role: String
    /// Access key. Example: `33UgkaIBLBIxb7O1`.
    @Zero public var accessKey: String
    /// Secret key. Example: `kDQD6AOgwHgaQI1UIJBJpPaiLgZuJbq0`.
    @Zero public var secretKey: String
    /// Name. Example: `my-read-only-key`.
    @Zero public var name: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, role
        case accessKey = "access-key"
        case secretKey = "secret-key"
        case name
    }

    /// The part that a client may change.
    public var writable: StorageBucketKeyPut {
        get {
            .with {
                $0.description = description
                $0.role = role
                $0.accessKey = accessKey
                $0.secretKey = secretKey
            }
        }
        set {
            description = newValue.description
            role = newValue.role
            accessKey = newValue.accessKey
            secretKey = newValue.secretKey
        }
    }
}
