package import LXDAPI
package import LXDHTTP

/// Who makes a request and what they may do.
package struct Caller: Sendable {
    package enum Rights: Sendable, Equatable {
        case admin
        /// Trusted, but only in these projects.
        case projects(Set<String>)
        case untrusted
    }

    package var rights: Rights
    /// The unix user's name, or the certificate's fingerprint; empty for an untrusted client.
    package var name: String
    /// `unix`, `tls`, or empty.
    package var protocolName: String
    /// "ADDRESS:PORT", or "@" for the unix socket.
    package var address: String
    /// What a TLS client showed, trusted or not.
    package var certificate: PeerCertificate?
    /// The process at the other end of the unix socket.
    package var process: UnixCredentials?

    package init(
        rights: Rights, name: String = "", protocolName: String = "", address: String = "",
        certificate: PeerCertificate? = nil,
        process: UnixCredentials? = nil
    ) {
        self.rights = rights
        self.name = name
        self.protocolName = protocolName
        self.address = address
        self.certificate = certificate
        self.process = process
    }

    package var isAdmin: Bool { rights == .admin }
    package var isTrusted: Bool { rights != .untrusted }

    /// Whether what belongs to the project may be seen and changed.
    package func mayUse(project: String) -> Bool {
        switch rights {
        case .admin: true
        case .projects(let names): names.contains(project)
        case .untrusted: false
        }
    }

    /// Who did it, for lifecycle events and operations.
    package var requestor: EventLifecycleRequestor {
        .with {
            $0.username = name
            $0.protocol = protocolName
            $0.address = address
        }
    }

    /// For `GET /1.0`.
    package var authText: String { isTrusted ? "trusted" : "untrusted" }
}
