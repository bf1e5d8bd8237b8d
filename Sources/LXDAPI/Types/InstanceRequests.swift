/// InstancesPost.
public struct InstancesPost: WireValue {
    /// Architecture. Example: `x86_64`.
    @Zero public var architecture: String
    /// Config. Example: `{"security.nesting": "true"}`.
    @Zero public var config: [String: String]
    /// Devices. Example: `{"root": {"type": "disk", "pool": "default", "path": "/"}}`.
    @Zero public var devices: [String: [String: String]]
    /// Ephemeral. Example: `false`.
    @Zero public var ephemeral: Bool
    /// Profiles. Example: `["default"]`.
    @Zero public var profiles: [String]
    /// Restore. Example: `snap0`.
    @OmitEmpty public var restore: String
    /// Stateful. Example: `false`.
    @Zero public var stateful: Bool
    /// Description. Example: `My test instance`.
    @Zero public var description: String
    /// Name. Example: `foo`.
    @Zero public var name: String
    /// Source.
    @Zero public var source: InstanceSource
    /// Instance type. Example: `t1.micro`.
    @Zero public var instanceType: String
    /// Type. Example: `container`.
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

/// InstancesPut.
public struct InstancesPut: WireValue {
    /// State.
    @Zero public var state: InstanceStatePut?

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case state
    }
}

/// InstancePost.
public struct InstancePost: WireValue {
    /// Name. Example: `bar`.
    @Zero public var name: String
    /// Migration. Example: `false`.
    @Zero public var migration: Bool
    /// Live. Example: `false`.
    @Zero public var live: Bool
    /// Instance only. Example: `false`.
    @Zero public var instanceOnly: Bool
    /// Container only. Example: `false`.
    @Zero public var containerOnly: Bool
    /// Target.
    @Zero public var target: InstancePostTarget?
    /// Pool. Example: `baz`.
    @Zero public var pool: String
    /// Project. Example: `foo`.
    @Zero public var project: String
    /// Allow inconsistent. Example: `false`.
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

/// InstancePostTarget.
public struct InstancePostTarget: WireValue {
    /// Certificate. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Operation. Example: `https://1.2.3.4:8443/1.0/operations/5e8e1638-5345-4c2d-bac9-2c79c8577292`.
    @OmitEmpty public var operation: String
    /// Secrets. Example: `{"migration": "random-string", "criu": "random-string"}`.
    @OmitEmpty public var secrets: [String: String]

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case certificate, operation, secrets
    }
}

/// InstanceSource.
public struct InstanceSource: WireValue {
    /// Type. Example: `image`.
    @Zero public var type: String
    /// Certificate. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Alias. Example: `ubuntu/22.04`.
    @OmitEmpty public var alias: String
    /// Fingerprint. Example: `ed56997f7c5b48e8d78986d2467a26109be6fb9f2d92e8c7b08eb8b6cec7629a`.
    @OmitEmpty public var fingerprint: String
    /// Properties. Example: `{"os": "Ubuntu", "release": "jammy", "variant": "cloud"}`.
    @OmitEmpty public var properties: [String: String]
    /// Server. Example: `https://images.linuxcontainers.org`.
    @OmitEmpty public var server: String
    /// Secret. Example: `RANDOM-STRING`.
    @OmitEmpty public var secret: String
    /// Protocol. Example: `simplestreams`.
    @OmitEmpty public var `protocol`: String
    /// Base image. Example: `ed56997f7c5b48e8d78986d2467a26109be6fb9f2d92e8c7b08eb8b6cec7629a`.
    @OmitEmpty public var baseImage: String
    /// Mode. Example: `pull`.
    @OmitEmpty public var mode: String
    /// Operation. Example: `https://1.2.3.4:8443/1.0/operations/1721ae08-b6a8-416a-9614-3f89302466e1`.
    @OmitEmpty public var operation: String
    /// Secrets. Example: `{"criu": "RANDOM-STRING", "rsync": "RANDOM-STRING"}`.
    @OmitEmpty public var secrets: [String: String]
    /// Source. Example: `foo/snap0`.
    @OmitEmpty public var source: String
    /// Live. Example: `false`.
    @OmitEmpty public var live: Bool
    /// Instance only. Example: `false`.
    @OmitEmpty public var instanceOnly: Bool
    /// Container only. Example: `false`.
    @OmitEmpty public var containerOnly: Bool
    /// Refresh. Example: `false`.
    @OmitEmpty public var refresh: Bool
    /// Project. Example: `blah`.
    @OmitEmpty public var project: String
    /// Allow inconsistent. Example: `false`.
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
