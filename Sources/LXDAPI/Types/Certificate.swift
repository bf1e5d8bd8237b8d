/// CertificatesPost.
public struct CertificatesPost: WireValue {
    /// Name. Example: `castiana`.
    @Zero public var name: String
    /// Type. Example: `client`.
    @Zero public var type: String
    /// Restricted. Example: `true`.
    @Zero public var restricted: Bool
    /// Projects. Example: `["default", "foo", "bar"]`.
    @NullIfEmpty public var projects: [String]
    /// Certificate. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Password. Example: `blah`.
    @Zero public var password: String
    /// Token. Example: `true`.
    @Zero public var token: Bool

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, type, restricted, projects, certificate, password, token
    }

    /// The part that a client may change.
    public var writable: CertificatePut {
        get {
            .with {
                $0.name = name
                $0.type = type
                $0.restricted = restricted
                $0.projects = projects
                $0.certificate = certificate
            }
        }
        set {
            name = newValue.name
            type = newValue.type
            restricted = newValue.restricted
            projects = newValue.projects
            certificate = newValue.certificate
        }
    }
}

/// CertificatePut.
public struct CertificatePut: WireValue {
    /// Name. Example: `castiana`.
    @Zero public var name: String
    /// Type. Example: `client`.
    @Zero public var type: String
    /// Restricted. Example: `true`.
    @Zero public var restricted: Bool
    /// Projects. Example: `["default", "foo", "bar"]`.
    @NullIfEmpty public var projects: [String]
    /// Certificate. Example: `X509 PEM certificate`.
    @Zero public var certificate: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, type, restricted, projects, certificate
    }
}

/// Certificate.
public struct Certificate: WireValue {
    /// Name. Example: `castiana`.
    @Zero public var name: String
    /// Type. Example: `client`.
    @Zero public var type: String
    /// Restricted. Example: `true`.
    @Zero public var restricted: Bool
    /// Projects. Example: `["default", "foo", "bar"]`.
    @NullIfEmpty public var projects: [String]
    /// Certificate. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Fingerprint. Example: `fd200419b271f1dc2a5591b693cc5774b7f234e1ff8c6b78ad703b6888fe2b69`.
    @Zero public var fingerprint: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, type, restricted, projects, certificate, fingerprint
    }

    /// The part that a client may change.
    public var writable: CertificatePut {
        get {
            .with {
                $0.name = name
                $0.type = type
                $0.restricted = restricted
                $0.projects = projects
                $0.certificate = certificate
            }
        }
        set {
            name = newValue.name
            type = newValue.type
            restricted = newValue.restricted
            projects = newValue.projects
            certificate = newValue.certificate
        }
    }
}

/// CertificateAddToken.
public struct CertificateAddToken: WireValue {
    /// Client name. Example: `user@host`.
    @Zero public var clientName: String
    /// Fingerprint. Example: `57bb0ff4340b5bb28517e062023101adf788c37846dc8b619eb2c3cb4ef29436`.
    @Zero public var fingerprint: String
    /// Addresses. Example: `["10.98.30.229:8443"]`.
    @Zero public var addresses: [String]
    /// Secret. Example: `2b2284d44db32675923fe0d2020477e0e9be11801ff70c435e032b97028c35cd`.
    @Zero public var secret: String
    /// Expires at. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case clientName = "client_name"
        case fingerprint, addresses, secret
        case expiresAt = "expires_at"
    }
}
