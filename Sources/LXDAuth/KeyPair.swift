internal import Crypto
internal import FoundationEssentials
internal import Glibc
package import LXDAPI
internal import SwiftASN1
internal import X509

/// A self-signed certificate and its key, of the shape LXD makes: ECDSA on P-384, ten years.
package struct KeyPair: Sendable {
    package enum Purpose: Sendable { case server, client }

    package let certificatePEM: String
    package let keyPEM: String

    package init(certificatePEM: String, keyPEM: String) {
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
    }

    /// Makes a new pair for this user on this host.
    ///
    /// - Parameter addsHosts: Whether it is good for this host's name and loopback addresses.
    package static func make(_ purpose: Purpose, addsHosts: Bool) throws(LXDError) -> KeyPair {
        do {
            let key = P384.Signing.PrivateKey()
            let name = try DistinguishedName {
                OrganizationName("linuxcontainers.org")
                CommonName("\(userName())@\(hostName())")
            }
            // Whole seconds: a certificate has no fractions. An hour back: other hosts' clocks may be behind.
            let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down) - 3600)
            let certificate = try X509.Certificate(
                version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: now,
                notValidAfter: now.addingTimeInterval(10 * 365 * 86400), issuer: name, subject: name,
                signatureAlgorithm: .ecdsaWithSHA384, extensions: try extensions(purpose, addsHosts: addsHosts),
                issuerPrivateKey: .init(key))
            return KeyPair(
                certificatePEM: try certificate.serializeAsPEM().pemString + "\n", keyPEM: key.pemRepresentation + "\n")
        } catch {
            throw .internalError("Failed to create certificate: \(error)", cause: error)
        }
    }

    /// Reads `NAME.crt` and `NAME.key` in a folder, making them first if they are missing. The key is readable by its
    /// owner only from the moment it exists.
    package static func loadOrMake(_ purpose: Purpose, name: String, in folder: String, addsHosts: Bool)
        throws(LXDError) -> KeyPair
    {
        let certificatePath = "\(folder)/\(name).crt"
        let keyPath = "\(folder)/\(name).key"
        if let certificate = try read(certificatePath), let key = try read(keyPath) {
            return KeyPair(certificatePEM: certificate, keyPEM: key)
        }
        let pair = try make(purpose, addsHosts: addsHosts)
        try write(pair.keyPEM, to: keyPath, mode: 0o600)
        try write(pair.certificatePEM, to: certificatePath, mode: 0o644)
        return pair
    }

    private static func extensions(_ purpose: Purpose, addsHosts: Bool) throws -> X509.Certificate.Extensions {
        var names: [GeneralName] = []
        if addsHosts {
            var loopback6 = [UInt8](repeating: 0, count: 16)
            loopback6[15] = 1
            names = [
                .dnsName(hostName()), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                .ipAddress(ASN1OctetString(contentBytes: loopback6[...])),
            ]
        } else if purpose == .server {
            names = [.dnsName("unspecified")]
        }
        return try X509.Certificate.Extensions {
            Critical(KeyUsage(digitalSignature: true, keyEncipherment: true))
            try ExtendedKeyUsage([purpose == .server ? .serverAuth : .clientAuth])
            Critical(BasicConstraints.notCertificateAuthority)
            if !names.isEmpty { SubjectAlternativeNames(names) }
        }
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, 255) == 0 else { return "UNKNOWN" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return name.isEmpty ? "UNKNOWN" : name
    }

    private static func userName() -> String {
        guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else { return "UNKNOWN" }
        return String(cString: name)
    }

    private static func read(_ path: String) throws(LXDError) -> String? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw .internalError("Failed to read \(path): \(error)", cause: error)
        }
    }

    /// Written beside, synced, renamed.
    private static func write(_ text: String, to path: String, mode: mode_t) throws(LXDError) {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw .internalError("Failed to write \(path): \(String(cString: strerror(errno)))")
        }
        let bytes = Array(text.utf8)
        let written = Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let failure = errno
        close(descriptor)
        guard written, rename(temporary, path) == 0 else {
            unlink(temporary)
            throw .internalError("Failed to write \(path): \(String(cString: strerror(failure)))")
        }
    }
}
