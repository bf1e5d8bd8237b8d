/// What is sent to create a trusted certificate.
public struct CertificatesPost: WireValue {
    /// Name. Example: `castiana`.
    @Zero public var name: String
    /// Kind. Example: `client`.
    @Zero public var type: String
    /// Whether the certificate is restricted to projects. Example: `true`.
    @Zero public var restricted: Bool
    /// Projects that the certificate is restricted to. Example: `["default", "foo", "bar"]`.
    @NullIfEmpty public var projects: [String]
    /// Certificate: PEM in answers, base64 of its DER in requests. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// Trust password. Example: `blah`.
    @Zero public var password: String
    /// Whether to make a token instead of adding a certificate. Example: `true`.
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

/// What a client may change of a trusted certificate.
public struct CertificatePut: WireValue {
    /// Name. Example: `castiana`.
    @Zero public var name: String
    /// Kind. Example: `client`.
    @Zero public var type: String
    /// Whether the certificate is restricted to projects. Example: `true`.
    @Zero public var restricted: Bool
    /// Projects that the certificate is restricted to. Example: `["default", "foo", "bar"]`.
    @NullIfEmpty public var projects: [String]
    /// Certificate: PEM in answers, base64 of its DER in requests. Example: `X509 PEM certificate`.
    @Zero public var certificate: String

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case name, type, restricted, projects, certificate
    }
}

/// A trusted certificate.
public struct Certificate: WireValue {
    /// Name. Example: `castiana`.
    @Zero public var name: String
    /// Kind. Example: `client`.
    @Zero public var type: String
    /// Whether the certificate is restricted to projects. Example: `true`.
    @Zero public var restricted: Bool
    /// Projects that the certificate is restricted to. Example: `["default", "foo", "bar"]`.
    @NullIfEmpty public var projects: [String]
    /// Certificate: PEM in answers, base64 of its DER in requests. Example: `X509 PEM certificate`.
    @Zero public var certificate: String
    /// SHA-256 in hexadecimal digits. Example: `fd200419b271f1dc2a5591b693cc5774b7f234e1ff8c6b78ad703b6888fe2b69`.
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

/// A token with which a client can add its certificate.
public struct CertificateAddToken: WireValue {
    /// Name of the client that the token is for. Example: `user@host`.
    @Zero public var clientName: String
    /// SHA-256 in hexadecimal digits. Example: `57bb0ff4340b5bb28517e062023101adf788c37846dc8b619eb2c3cb4ef29436`.
    @Zero public var fingerprint: String
    /// Where the server can be reached. Example: `["10.98.30.229:8443"]`.
    @Zero public var addresses: [String]
    /// Secret that proves the right. Example: `2b2284d44db32675923fe0d2020477e0e9be11801ff70c435e032b97028c35cd`.
    @Zero public var secret: String
    /// When it will be removed; the zero time for never. Example: `2021-03-23T17:38:37.753398689-04:00`.
    @Zero public var expiresAt: LXDTime

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case clientName = "client_name"
        case fingerprint, addresses, secret
        case expiresAt = "expires_at"
    }
}
