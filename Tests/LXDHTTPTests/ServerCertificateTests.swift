import Crypto
import Foundation
import LXDAuth
import LXDHTTP
import Logging
import NIOCore
import SwiftASN1
import Testing
import X509

/// Servers with certificates of every kind against clients that trust in every way (row 47 of the project's security
/// table): who gets through is written down in whole.
@Suite struct ServerCertificateTests {
    enum Shown: String, CaseIterable {
        case signed, signedForAnother, signedByAnother, selfSigned, expired, notYetValid
    }

    enum Trust: String, CaseIterable {
        case authority, pinned, pinnedOther, system, nobody
    }

    /// A pin is the certificate itself: its dates and its signer say nothing more, as with LXD's own client. The
    /// authority's word counts for the name and the time that it gave. Nobody is asked when first contact is made.
    static func isServed(_ shown: Shown, _ trust: Trust) -> Bool {
        switch trust {
        case .authority: shown == .signed
        case .pinned, .nobody: true
        case .pinnedOther, .system: false
        }
    }

    @Test(arguments: Shown.allCases)
    func onlyWhatIsTrustedIsTalkedTo(_ shown: Shown) async throws {
        let authority = try Authority("right")
        let pair = try Self.pair(shown, authority)
        let server = HTTPServer(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { _ in text("secret") }
        let listener = try await server.listen(
            on: .tcp(host: "127.0.0.1", port: 0), tls: ServerTLS(certificatePEM: pair.certificatePEM, keyPEM: pair.keyPEM))
        let port = try #require(listener.address.split(separator: ":").last.flatMap { UInt16($0) })
        let der = try CertificateFacts(pem: pair.certificatePEM).der
        for trust in Trust.allCases {
            let verification: ClientTLS.Verification =
                switch trust {
                case .authority: .authority(pem: authority.pem)
                case .pinned: .pinned(der: der)
                case .pinnedOther: .pinned(der: try CertificateFacts(pem: authority.pem).der)
                case .system: .system
                case .nobody: .none
                }
            let client = try KeyPair.make(.client, addsHosts: false)
            let session = HTTPClientSession(
                .tcp(
                    host: "127.0.0.1", port: port,
                    tls: try ClientTLS(
                        verification: verification, certificatePEM: client.certificatePEM, keyPEM: client.keyPEM,
                        serverName: "server.example")))
            var answer = ""
            do {
                let response = try await session.send(OutgoingRequest(.get, "/"))
                answer = String(buffer: try await response.body.collect(upTo: 100))
            } catch HTTPTransportError.untrustedCertificate {}
            #expect(answer == (Self.isServed(shown, trust) ? "secret" : ""), "\(shown) with \(trust)")
            await session.close()
        }
        await server.shutdown(grace: .milliseconds(100))
    }

    private static func pair(_ shown: Shown, _ authority: Authority) throws -> KeyPair {
        let (day, year) = (86_400.0, 365 * 86_400.0)
        return switch shown {
        case .signed: try authority.sign("server.example")
        case .signedForAnother: try authority.sign("other.example")
        case .signedByAnother: try Authority("right").sign("server.example")
        case .selfSigned: try KeyPair.make(.server, addsHosts: true)
        case .expired: try authority.sign("server.example", from: -year, to: -day)
        case .notYetValid: try authority.sign("server.example", from: day, to: year)
        }
    }
}

/// A certificate authority; two of the same name are told apart by their keys only.
private struct Authority {
    private let key = P256.Signing.PrivateKey()
    private let name: DistinguishedName
    let pem: String

    init(_ name: String) throws {
        self.name = try DistinguishedName { CommonName(name) }
        pem = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: .now.addingTimeInterval(-1e9),
            notValidAfter: .now.addingTimeInterval(1e9), issuer: self.name, subject: self.name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            }, issuerPrivateKey: .init(key)
        ).serializeAsPEM().pemString
    }

    /// - Parameters: from, to: Seconds from now.
    func sign(_ host: String, from: Double = -86_400, to: Double = 86_400) throws -> KeyPair {
        let own = P256.Signing.PrivateKey()
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(own.publicKey), notValidBefore: .now.addingTimeInterval(from),
            notValidAfter: .now.addingTimeInterval(to), issuer: name, subject: try DistinguishedName { CommonName(host) },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([.dnsName(host)])
            }, issuerPrivateKey: .init(key))
        return KeyPair(certificatePEM: try certificate.serializeAsPEM().pemString, keyPEM: own.pemRepresentation)
    }
}
