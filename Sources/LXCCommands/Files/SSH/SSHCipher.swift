import Crypto
import CryptoExtras
import FoundationEssentials

/// One direction of an encrypted connection: AES in counter mode and HMAC-SHA-256.
struct SSHCipher {
    private let key: SymmetricKey
    private let integrity: SymmetricKey
    /// The next counter block; 16 bytes, most significant first.
    private var counter: [UInt8]

    static let macSize = 32
    static let blockSize = 16

    /// - Parameters:
    ///   - key: 16 or 32 bytes.
    ///   - counter: At least 16 bytes.
    ///   - integrity: 32 bytes.
    init(key: [UInt8], counter: [UInt8], integrity: [UInt8]) {
        self.key = SymmetricKey(data: key)
        self.integrity = SymmetricKey(data: integrity)
        self.counter = Array(counter.prefix(Self.blockSize))
    }

    /// Encrypts or decrypts whole blocks, which are the same in this mode.
    mutating func apply(_ bytes: [UInt8]) throws -> [UInt8] {
        let result = try AES._CTR.encrypt(bytes, using: key, nonce: AES._CTR.Nonce(nonceBytes: counter))
        advance(by: bytes.count / Self.blockSize)
        return Array(result)
    }

    private mutating func advance(by blocks: Int) {
        var carry = blocks
        for index in counter.indices.reversed() where carry > 0 {
            carry += Int(counter[index])
            counter[index] = UInt8(carry & 0xff)
            carry >>= 8
        }
    }

    func authentication(_ sequence: UInt32, _ packet: [UInt8]) -> [UInt8] {
        var message = SSHWriter()
        message.number(sequence)
        message.raw(packet)
        return Array(HMAC<SHA256>.authenticationCode(for: message.bytes, using: integrity))
    }

    func isAuthentic(_ code: [UInt8], _ sequence: UInt32, _ packet: [UInt8]) -> Bool {
        var message = SSHWriter()
        message.number(sequence)
        message.raw(packet)
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message.bytes, using: integrity)
    }
}

/// The keys that both sides make from their exchange (RFC 4253, section 7.2).
struct SSHKeys {
    let secret: [UInt8]
    let hash: [UInt8]

    func key(_ letter: Character, _ size: Int) -> [UInt8] {
        var seed = SSHWriter()
        seed.integer(secret)
        seed.raw(hash)
        seed.raw(String(letter).utf8)
        // The first exchange's hash is also the session's name; there is only one exchange.
        seed.raw(hash)
        return Array(Array(SHA256.hash(data: seed.bytes)).prefix(size))
    }
}
