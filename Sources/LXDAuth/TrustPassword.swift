internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials
package import LXDAPI

/// `core.trust_password` as LXD keeps it: 32 bytes of salt and a 64-byte scrypt key (N 16384, r 8, p 1) in hex.
package enum TrustPassword {
    private static let saltBytes = 32
    private static let keyBytes = 64

    /// What is kept of a password. Takes some 50 ms of one core by design.
    package static func hash(_ password: String) throws(LXDError) -> String {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<saltBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return hex(salt + (try key(password, salt)))
    }

    /// Whether the password is the kept one; compared in constant time. False when nothing is kept.
    package static func matches(_ password: String, kept: String) throws(LXDError) -> Bool {
        guard let bytes = decode(kept), bytes.count == saltBytes + keyBytes else { return false }
        let wanted = bytes[saltBytes...]
        let given = try key(password, Array(bytes[..<saltBytes]))
        return zip(wanted, given).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func key(_ password: String, _ salt: [UInt8]) throws(LXDError) -> [UInt8] {
        do {
            return try KDF.Scrypt.deriveKey(
                from: Data(password.utf8), salt: salt, outputByteCount: keyBytes, rounds: 1 << 14, blockSize: 8,
                parallelism: 1
            ).withUnsafeBytes { Array($0) }
        } catch {
            throw .internalError("Failed to hash the password: \(error)", cause: error)
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private static func decode(_ text: String) -> [UInt8]? {
        let digits = text.utf8.map { byte -> UInt8? in
            switch byte {
            case 48...57: byte - 48
            case 97...102: byte - 87
            case 65...70: byte - 55
            default: nil
            }
        }
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
