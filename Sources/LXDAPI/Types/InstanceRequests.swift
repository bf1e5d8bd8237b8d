/// What is sent to create an instance.
public struct InstancesPost: WireValue {
    /// Processor architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Configuration: keys and values. Example: `{"security.nesting": "true"}`.
    @Zero public var config: [String: String]
    /// Devices: names and their properties. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Whether the instance is deleted when it stops. Example: `false`.
    @Zero public var ephemeral: Bool
    /// Profiles, in the order they are applied. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Name of the snapshot to go back to. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Whether the running state is kept. Example: `false`.
    @Zero public var stateful: Bool
    /// Text for people. Example: `My test instance`.
    @Zero public var description: String
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Where it comes from.
    @Zero public var source: InstanceSource
    /// Cloud instance type whose limits are applied. Example: `t1.micro`.
    @Zero public var instanceType: String
    /// Kind of instance. Example: `container`.
    @Zero public var type: InstanceType

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case architecture, config, devices, ephemeral, profiles, restore, stateful, description, name, source
        case instanceType = "instance_type"
        case type
    }

    /// The part that a client may change.
    public var writable: InstancePut {
        get {
            .with {
                $0.architecture = architecture
                $0.config = config
                $0.devices = devices
                $0.ephemeral = ephemeral
                $0.profiles = profiles
                $0.restore = restore
                $0.stateful = stateful
                $0.description = description
            }
        }
        set {
            architecture = newValue.architecture
            config = newValue.config
            devices = newValue.devices
            ephemeral = newValue.ephemeral
            profiles = newValue.profiles
            restore = newValue.restore
            stateful = newValue.stateful
            description = newValue.description
        }
    }
}

/// A change of state of all instances.
public struct InstancesPut: WireValue {
    /// What all instances are to do.
    @Zero public var state: InstanceStatePut?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case state
    }
}

/// What is sent to rename or move an instance.
public struct InstancePost: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String
    /// Whether this is a move to another server rather than a rename. Example: `false`.
    @Zero public var migration: Bool
    /// Whether the running state goes along. Example: `false`.
    @Zero public var live: Bool
    /// Whether snapshots are left out. Example: `false`.
    @Zero public var instanceOnly: Bool
    /// Old name of `instance_only`. Example: `false`.
    @Zero public var containerOnly: Bool
    /// Where a push goes.
    @Zero public var target: InstancePostTarget?
    /// Storage pool. Example: `baz`.
    @Zero public var pool: String
    /// Project. Example: `foo`.
    @Zero public var project: String
    /// Whether files that vanish while they are read are no error. Example: `false`.
    @Zero public var allowInconsistent: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, migration, live
        case instanceOnly = "instance_only"
        case containerOnly = "container_only"
        case target, pool, project
        case allowInconsistent = "allow_inconsistent"
    }
}

/// Where an instance that is pushed goes.
public struct InstancePostTarget: WireValue {
    /// Certificate in PEM. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Address of an operation. Example: `https://1.2.3.4:8443/1.0/operations/5e8e1638-5345-4c2d-bac9-2c79c8577292`.
    @OmitEmpty public var operation: String
    /// Secrets of the websockets, by name. Example: `{"migration": "random-string", "criu": "random-string"}`.
    @OmitEmpty public var secrets: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case certificate, operation, secrets
    }
}

/// What a new instance is made from.
public struct InstanceSource: WireValue {
    /// `image`, `migration`, `copy` or `none`. Example: `image`.
    @Zero public var type: String
    /// Certificate in PEM. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Alias of an image. Example: `ubuntu/22.04`.
    @OmitEmpty public var alias: String
    /// SHA-256 in hexadecimal digits. Example: `ed56997f7c5b48e8d78986d2467a26109be6fb9f2d92e8c7b08eb8b6cec7629a`.
    @OmitEmpty public var fingerprint: String
    /// Properties: names and values. Example: `{"os": "Ubuntu", "release": "jammy", "variant": "cloud"}`.
    @OmitEmpty public var properties: [String: String]
    /// Address of the server. Example: `https://images.linuxcontainers.org`.
    @OmitEmpty public var server: String
    /// Secret that proves the right. Example: `RANDOM-STRING`.
    @OmitEmpty public var secret: String
    /// Protocol. Example: `simplestreams`.
    @OmitEmpty public var `protocol`: String
    /// Fingerprint of the image that the source was made from. Example:
    /// `ed56997f7c5b48e8d78986d2467a26109be6fb9f2d92e8c7b08eb8b6cec7629a`.
    @OmitEmpty public var baseImage: String
    /// `pull` or `push`. Example: `pull`.
    @OmitEmpty public var mode: String
    /// Address of an operation. Example: `https://1.2.3.4:8443/1.0/operations/1721ae08-b6a8-416a-9614-3f89302466e1`.
    @OmitEmpty public var operation: String
    /// Secrets of the websockets, by name. Example: `{"criu": "RANDOM-STRING", "rsync": "RANDOM-STRING"}`.
    @OmitEmpty public var secrets: [String: String]
    /// Instance or snapshot to copy. Example: `foo/snap0`.
    @OmitEmpty public var source: String
    /// Whether the running state goes along. Example: `false`.
    @OmitEmpty public var live: Bool
    /// Whether snapshots are left out. Example: `false`.
    @OmitEmpty public var instanceOnly: Bool
    /// Old name of `instance_only`. Example: `false`.
    @OmitEmpty public var containerOnly: Bool
    /// Whether an existing copy is brought up to date. Example: `false`.
    @OmitEmpty public var refresh: Bool
    /// Project. Example: `blah`.
    @OmitEmpty public var project: String
    /// Whether files that vanish while they are read are no error. Example: `false`.
    @Zero public var allowInconsistent: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case type, certificate, alias, fingerprint, properties, server, secret, `protocol`
        case baseImage = "base-image"
        case mode, operation, secrets, source, live
        case instanceOnly = "instance_only"
        case containerOnly = "container_only"
        case refresh, project
        case allowInconsistent = "allow_inconsistent"
    }
}
