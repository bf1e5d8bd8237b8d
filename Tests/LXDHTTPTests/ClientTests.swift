import Foundation
import LXDAuth
import LXDHTTP
import Logging
import NIOCore
import Testing

@Suite struct HTTPClientTests {
    @Test func connectionsAreUsedAgain() async throws {
        try await TestServer.with(responder: { request in text("ok") }) { server in
            let session = server.session
            for _ in 0..<5 {
                let response = try await session.send(OutgoingRequest(.get, "/"))
                _ = try await response.body.collect(upTo: 10)
            }
            #expect(server.listener.connectionCount == 1)
        }
    }

    @Test func aKeptConnectionThatDiedIsReplaced() async throws {
        var limits = HTTPLimits()
        limits.idleTimeout = .milliseconds(100)
        try await TestServer.with(limits: limits, responder: { _ in text("ok") }) { server in
            let session = server.session
            for _ in 0..<2 {
                let response = try await session.send(OutgoingRequest(.get, "/"))
                #expect(String(buffer: try await response.body.collect(upTo: 10)) == "ok")
                #expect(try await eventually { server.listener.connectionCount == 0 })
            }
        }
    }

    @Test func anUploadRefusedBeforeItsEndStillGetsItsAnswer() async throws {
        try await TestServer.with(responder: { _ in text("too much", status: 413) }) { server in
            let response = try await server.session.send(
                OutgoingRequest(
                    .post, "/",
                    body: .stream(length: 64 << 20) { writer in
                        for _ in 0..<64 { try await writer.write([UInt8](repeating: 0, count: 1 << 20)) }
                    }))
            #expect(response.status == 413)
        }
    }

    @Test func aRefusedUpgradeTellsWhatTheServerSaid() async throws {
        try await TestServer.with(responder: { _ in text("not here", status: 404) }) { server in
            let error = await #expect(throws: HTTPTransportError.self) { _ = try await server.session.webSocket("/") }
            #expect(error == .upgradeRefused(status: 404, body: Array("not here".utf8)))
        }
    }

    @Test func anAnswerThatDoesNotComeInTimeIsGivenUp() async throws {
        try await TestServer.with(responder: { _ in
            try? await Task.sleep(for: .seconds(5))
            return text("late")
        }) { server in
            let error = await #expect(throws: HTTPTransportError.self) {
                _ = try await server.session.send(OutgoingRequest(.get, "/", timeout: .milliseconds(100)))
            }
            #expect(error == .responseTimeout)
        }
    }
}

@Suite struct TLSTests {
    private func withServer(_ body: (_ endpoint: (ClientTLS) -> HTTPEndpoint, _ der: [UInt8]) async throws -> Void)
        async throws
    {
        let pair = try KeyPair.make(.server, addsHosts: true)
        let server = HTTPServer(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { request in
            guard case .tls(let certificate) = request.connection.peer else { return text("plain") }
            return text(certificate?.fingerprint ?? "none")
        }
        let listener = try await server.listen(
            on: .tcp(host: "127.0.0.1", port: 0),
            tls: ServerTLS(certificatePEM: pair.certificatePEM, keyPEM: pair.keyPEM))
        let port = try #require(listener.address.split(separator: ":").last.flatMap { UInt16($0) })
        try await body({ .tcp(host: "127.0.0.1", port: port, tls: $0) }, CertificateFacts(pem: pair.certificatePEM).der)
        await server.shutdown(grace: .milliseconds(100))
    }

    @Test func theClientsCertificateReachesTheServer() async throws {
        let client = try KeyPair.make(.client, addsHosts: false)
        try await withServer { endpoint, der in
            let tls = try ClientTLS(
                verification: .pinned(der: der), certificatePEM: client.certificatePEM, keyPEM: client.keyPEM)
            let response = try await HTTPClientSession(endpoint(tls)).send(OutgoingRequest(.get, "/"))
            #expect(
                String(buffer: try await response.body.collect(upTo: 100))
                    == (try CertificateFingerprint.of(pem: client.certificatePEM)))
        }
    }

    @Test func aClientWithoutCertificateIsServedAndKnownAsSuch() async throws {
        try await withServer { endpoint, der in
            let response = try await HTTPClientSession(endpoint(ClientTLS(verification: .pinned(der: der)))).send(
                OutgoingRequest(.get, "/"))
            #expect(String(buffer: try await response.body.collect(upTo: 100)) == "none")
        }
    }

    @Test func aServerWithAnotherCertificateIsRefused() async throws {
        try await withServer { endpoint, der in
            let error = await #expect(throws: HTTPTransportError.self) {
                _ = try await HTTPClientSession(endpoint(ClientTLS(verification: .pinned(der: [1])))).send(
                    OutgoingRequest(.get, "/"))
            }
            #expect(error == .untrustedCertificate(fingerprint: CertificateFingerprint.hex(of: der)))
        }
    }

    @Test func anAuthorityVouchesForTheNameOnly() async throws {
        try await withServer { endpoint, der in
            let pem = try CertificateFacts(der: der).pem
            await #expect(throws: HTTPTransportError.self) {
                _ = try await HTTPClientSession(
                    endpoint(ClientTLS(verification: .authority(pem: pem), serverName: "other.example"))
                )
                .send(OutgoingRequest(.get, "/"))
            }
        }
    }

    @Test func theCertificateOfAnUnknownServerCanBeLookedAt() async throws {
        try await withServer { endpoint, der in
            let shown = try await HTTPClientSession(endpoint(ClientTLS(verification: .none))).serverCertificate()
            #expect(shown?.der == der)
        }
    }
}
