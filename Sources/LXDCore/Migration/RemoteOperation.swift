package import LXDAPI
import LXDAuth

/// An operation on another server, whose websockets this one connects to.
package struct RemoteOperation: Sendable, Equatable {
    package let host: String
    package let port: UInt16
    /// `/1.0/operations/ID`.
    package let path: String
    /// The server's certificate in DER; nil: one that the system's authorities vouch for.
    package let certificate: [UInt8]?

    /// - Parameters:
    ///   - url: `https://HOST[:PORT]/1.0/operations/ID` and nothing else: a caller must not make the server ask
    ///     for anything but what migration needs.
    ///   - certificatePEM: Empty: none is pinned.
    package init(url: String, certificatePEM: String) throws(LXDError) {
        let invalid = LXDError.badRequest("Invalid operation URL \(goQuoted(url))")
        guard url.hasPrefix("https://"), url.utf8.count < 1024 else { throw invalid }
        let rest = url.dropFirst("https://".count)
        guard let slash = rest.firstIndex(of: "/") else { throw invalid }
        let prefix = "/1.0/operations/"
        let id = rest[slash...].dropFirst(prefix.count)
        guard rest[slash...].hasPrefix(prefix), !id.isEmpty, id.utf8.count <= 64,
            id.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || $0 == UInt8(ascii: "-") })
        else { throw invalid }
        path = prefix + id
        (host, port) = try Self.address(rest[..<slash], invalid)
        do {
            certificate = certificatePEM.isEmpty ? nil : try CertificateFacts(pem: certificatePEM).der
        } catch {
            throw .badRequest("Invalid certificate", cause: error)
        }
    }

    private static func address(_ text: Substring, _ invalid: LXDError) throws(LXDError) -> (String, UInt16) {
        var host = text
        var port: UInt16 = 443
        if let colon = text.lastIndex(of: ":"), text[colon...].allSatisfy({ $0 != "]" }) {
            guard let number = UInt16(text[text.index(after: colon)...]), number > 0 else { throw invalid }
            port = number
            host = text[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw invalid
        }
        let isName = host.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "%")]
                    .contains(byte)
        }
        guard !host.isEmpty, isName else { throw invalid }
        return (String(host), port)
    }
}

/// Connects to websockets of operations on other servers.
package protocol OperationDialer: Sendable {
    /// - Throws: A message that begins with `Unable to connect to` when nobody answers there: clients then try the
    ///   server's next address.
    func connect(to operation: RemoteOperation, secret: String) async throws -> any OperationSocket
}

extension MigrationConnection {
    /// Connects to the sockets that the other server offers.
    package convenience init(
        to operation: RemoteOperation, secrets: [String: String], through dialer: any OperationDialer
    ) async throws {
        guard let controlSecret = secrets["control"] else { throw LXDError.internalError("Missing control secret") }
        guard let contentsSecret = secrets["fs"] else { throw LXDError.internalError("Missing fs secret") }
        let wanted = [controlSecret, contentsSecret] + [secrets["criu"]].compactMap { $0 }
        let sockets = try await Self.connect(to: operation, wanted, through: dialer)
        let secret = secrets["pages"]
        self.init(control: sockets[0], fs: sockets[1], criu: sockets.count > 2 ? sockets[2] : nil) {
            guard let secret else { throw LXDError.internalError("Missing pages secret") }
            return try await dialer.connect(to: operation, secret: secret)
        }
    }

    /// Connects to all at once; when one cannot be connected, none is.
    private static func connect(
        to operation: RemoteOperation, _ secrets: [String], through dialer: any OperationDialer
    ) async throws -> [any OperationSocket] {
        try await withThrowingTaskGroup(of: (Int, any OperationSocket).self) { group in
            for (index, secret) in secrets.enumerated() {
                group.addTask { (index, try await dialer.connect(to: operation, secret: secret)) }
            }
            var made: [Int: any OperationSocket] = [:]
            var failure: (any Error)?
            while let result = await group.nextResult() {
                switch result {
                case .success((let index, let socket)): made[index] = socket
                case .failure(let error):
                    // The first says why; the others may have been cancelled for it.
                    failure = failure ?? error
                    group.cancelAll()
                }
            }
            guard let failure else { return secrets.indices.compactMap { made[$0] } }
            for socket in made.values { await socket.close() }
            throw failure
        }
    }
}
