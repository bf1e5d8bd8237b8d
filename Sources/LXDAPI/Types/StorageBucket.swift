/// What is sent to create a storage bucket.
public struct StorageBucketsPost: WireValue {
    /// Configuration: keys and values. Example: `{"size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My custom bucket`.
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

/// What a client may change of a storage bucket.
public struct StorageBucketPut: WireValue {
    /// Configuration: keys and values. Example: `{"size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My custom bucket`.
    @Zero public var description: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case config, description
    }
}

/// A storage bucket.
public struct StorageBucket: WireValue {
    /// Configuration: keys and values. Example: `{"size": "50GiB"}`.
    @Zero public var config: [String: String]
    /// Text for people. Example: `My custom bucket`.
    @Zero public var description: String
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Address of the bucket. Example: `https://127.0.0.1:8080/foo`.
    @Zero public var s3URL: String
    /// Cluster member; `none` without a cluster. Example: `lxd01`.
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

/// What is sent to create a key of a storage bucket.
public struct StorageBucketKeysPost: WireValue {
    /// Text for people. Example: `My read-only bucket key`.
    @Zero public var description: String
    /// `admin` or `read-only`. Example: `read-only`.
    @Zero public var role: String
    /// First part of the credentials. Example: `33UgkaIBLBIxb7O1`.
    @Zero public var accessKey: String
    /// Second part of the credentials. Example: `kDQD6AOgwHgaQI1UIJBJpPaiLgZuJbq0`.
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

/// What a client may change of a key of a storage bucket.
public struct StorageBucketKeyPut: WireValue {
    /// Text for people. Example: `My read-only bucket key`.
    @Zero public var description: String
    /// `admin` or `read-only`. Example: `read-only`.
    @Zero public var role: String
    /// First part of the credentials. Example: `33UgkaIBLBIxb7O1`.
    @Zero public var accessKey: String
    /// Second part of the credentials. Example: `kDQD6AOgwHgaQI1UIJBJpPaiLgZuJbq0`.
    @Zero public var secretKey: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case description, role
        case accessKey = "access-key"
        case secretKey = "secret-key"
    }
}

/// A key of a storage bucket.
public struct StorageBucketKey: WireValue {
    /// Text for people. Example: `My read-only bucket key`.
    @Zero public var description: String
    /// `admin` or `read-only`. Example: `read-only`.
    @Zero public var role: String
    /// First part of the credentials. Example: `33UgkaIBLBIxb7O1`.
    @Zero public var accessKey: String
    /// Second part of the credentials. Example: `kDQD6AOgwHgaQI1UIJBJpPaiLgZuJbq0`.
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
