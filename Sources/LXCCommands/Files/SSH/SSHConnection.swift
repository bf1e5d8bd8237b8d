import Crypto
import FoundationEssentials

/// Who may log in.
enum SSHLogin: Sendable {
    case anybody
    case password(user: String, password: String)
}

/// The server's side of one SSH connection that carries file transfers and nothing else.
///
/// One key exchange (X25519), one kind of host key (Ed25519), AES in counter mode: what OpenSSH and libssh2 both have.
/// Source: RFC 4252, 4253, 4254, 8709, 8731.
actor SSHConnection {
    private static let version = "SSH-2.0-LXD"
    private static let packetMax = 1 << 18

    private let socket: SSHSocket
    private let hostKey: Curve25519.Signing.PrivateKey
    private let login: SSHLogin
    private let openFiles: @Sendable () async throws -> any SSHByteStream

    private var buffer: [UInt8] = []
    private var incoming: SSHCipher?
    private var outgoing: SSHCipher?
    private var received: UInt32 = 0
    private var sent: UInt32 = 0
    private var isLoggedIn = false
    private var channels: [UInt32: SSHChannel] = [:]

    init(
        _ socket: SSHSocket, hostKey: Curve25519.Signing.PrivateKey, login: SSHLogin,
        openFiles: @escaping @Sendable () async throws -> any SSHByteStream
    ) {
        self.socket = socket
        self.hostKey = hostKey
        self.login = login
        self.openFiles = openFiles
    }

    /// Serves the peer until it goes away.
    func run() async throws {
        defer {
            for channel in channels.values { channel.end() }
            socket.finish()
        }
        try await exchangeKeys()
        while let payload = try await nextPacket() {
            guard try await handle(payload) else { return }
        }
    }

    // MARK: - Packets

    private func fill(_ count: Int) async throws -> Bool {
        while buffer.count < count {
            guard let bytes = await socket.read() else { return false }
            buffer += bytes
        }
        return true
    }

    private func take(_ count: Int) -> [UInt8] {
        defer { buffer.removeFirst(count) }
        return Array(buffer.prefix(count))
    }

    /// The payload of the next packet; nil when the peer has gone.
    private func nextPacket() async throws -> [UInt8]? {
        let head = incoming == nil ? 8 : SSHCipher.blockSize
        guard try await fill(head) else { return nil }
        var packet = take(head)
        if let plain = try incoming?.apply(packet) { packet = plain }
        var reader = SSHReader(packet)
        let length = Int(try reader.number())
        guard length >= 8, length <= Self.packetMax, (length + 4) % (incoming == nil ? 8 : SSHCipher.blockSize) == 0 else {
            throw SSHFailure(description: "a packet has the wrong length")
        }
        let tail = length + 4 - head
        let mac = incoming == nil ? 0 : SSHCipher.macSize
        guard tail >= 0, try await fill(tail + mac) else { return nil }
        let rest = take(tail)
        packet += try incoming?.apply(rest) ?? rest
        if let incoming, !incoming.isAuthentic(take(mac), received, packet) {
            throw SSHFailure(description: "a packet was changed on the way")
        }
        received &+= 1
        let padding = Int(packet[4])
        guard padding + 1 < length else { throw SSHFailure(description: "a packet has too much padding") }
        return Array(packet[5..<(4 + length - padding)])
    }

    fileprivate func send(_ message: SSHWriter) throws {
        let block = outgoing == nil ? 8 : SSHCipher.blockSize
        // At least 4 bytes; the whole is a number of blocks.
        var padding = block - (message.bytes.count + 5) % block
        if padding < 4 { padding += block }
        var packet = SSHWriter()
        packet.number(UInt32(message.bytes.count + padding + 1))
        packet.byte(UInt8(padding))
        packet.raw(message.bytes)
        packet.raw((0..<padding).map { _ in UInt8.random(in: .min ... .max) })
        let code = outgoing?.authentication(sent, packet.bytes) ?? []
        let bytes = try outgoing?.apply(packet.bytes) ?? packet.bytes
        sent &+= 1
        socket.write(bytes + code)
    }

    // MARK: - Keys

    private func exchangeKeys() async throws {
        socket.write(Array("\(Self.version)\r\n".utf8))
        let peerVersion = try await readVersion()
        let offer = Self.offer()
        try send(SSHWriter(offer))
        guard let peerOffer = try await nextPacket(), peerOffer.first == SSHMessage.keyExchangeInit.rawValue else {
            throw SSHFailure(description: "the peer did not begin with its algorithms")
        }
        let keySizes = try Self.agree(on: peerOffer)
        if keySizes.ignoresNext { _ = try await nextPacket() }
        guard let initial = try await nextPacket(), initial.first == SSHMessage.exchangeInit.rawValue else {
            throw SSHFailure(description: "the peer did not exchange keys")
        }
        var reader = SSHReader(initial.dropFirst())
        let peerKey = try reader.string()
        let own = Curve25519.KeyAgreement.PrivateKey()
        let ownKey = Array(own.publicKey.rawRepresentation)
        let shared = try own.sharedSecretFromKeyAgreement(with: .init(rawRepresentation: peerKey))
        let secret = shared.withUnsafeBytes { Array($0) }

        var host = SSHWriter()
        host.string("ssh-ed25519")
        host.string(Array(hostKey.publicKey.rawRepresentation))
        var exchange = SSHWriter()
        for text in [peerVersion, Self.version] { exchange.string(text) }
        for bytes in [peerOffer, offer, host.bytes, peerKey, ownKey] { exchange.string(bytes) }
        exchange.integer(secret)
        let hash = Array(SHA256.hash(data: exchange.bytes))

        var signature = SSHWriter()
        signature.string("ssh-ed25519")
        signature.string(Array(try hostKey.signature(for: hash)))
        var reply = SSHWriter(message: .exchangeReply)
        for bytes in [host.bytes, ownKey, signature.bytes] { reply.string(bytes) }
        try send(reply)
        try send(SSHWriter(message: .newKeys))
        let keys = SSHKeys(secret: secret, hash: hash)
        outgoing = SSHCipher(key: keys.key("D", keySizes.out), counter: keys.key("B", 16), integrity: keys.key("F", 32))
        guard let done = try await nextPacket(), done.first == SSHMessage.newKeys.rawValue else {
            throw SSHFailure(description: "the peer did not take the keys into use")
        }
        incoming = SSHCipher(key: keys.key("C", keySizes.in), counter: keys.key("A", 16), integrity: keys.key("E", 32))
    }

    private func readVersion() async throws -> String {
        while true {
            guard buffer.count < 4096 else { throw SSHFailure(description: "the peer does not speak SSH") }
            if let end = buffer.firstIndex(of: 10) {
                let line = String(decoding: take(end + 1), as: UTF8.self).trimmingBlanks
                if line.hasPrefix("SSH-2.0-") || line.hasPrefix("SSH-1.99-") { return line }
                continue
            }
            guard try await fill(buffer.count + 1) else { throw SSHFailure(description: "the peer went away") }
        }
    }

    private static let exchanges = ["curve25519-sha256", "curve25519-sha256@libssh.org"]
    private static let ciphers = ["aes256-ctr", "aes128-ctr"]

    private static func offer() -> [UInt8] {
        var offer = SSHWriter(message: .keyExchangeInit)
        offer.raw((0..<16).map { _ in UInt8.random(in: .min ... .max) })
        for names in [exchanges, ["ssh-ed25519"], ciphers, ciphers, ["hmac-sha2-256"], ["hmac-sha2-256"], ["none"], ["none"], [], []] {
            offer.names(names)
        }
        offer.boolean(false)
        offer.number(0)
        return offer.bytes
    }

    /// The sizes of the keys for both directions, in bytes, and whether the peer has guessed wrongly and sent a packet
    /// in vain.
    private static func agree(on peerOffer: [UInt8]) throws -> (in: Int, out: Int, ignoresNext: Bool) {
        var reader = SSHReader(peerOffer)
        reader.skip(17)
        let supported = [exchanges, ["ssh-ed25519"], ciphers, ciphers, ["hmac-sha2-256"], ["hmac-sha2-256"], ["none"], ["none"]]
        var chosen: [String] = []
        var guessedRight = true
        for (index, ours) in supported.enumerated() {
            let theirs = try reader.names()
            guard let name = theirs.first(where: ours.contains) else {
                throw SSHFailure(description: "no common algorithm: the peer has \(theirs.joined(separator: ", "))")
            }
            chosen.append(name)
            if index < 2, theirs.first != ours.first { guessedRight = false }
        }
        _ = try reader.names()
        _ = try reader.names()
        let guesses = try reader.boolean()
        return (chosen[2] == "aes256-ctr" ? 32 : 16, chosen[3] == "aes256-ctr" ? 32 : 16, guesses && !guessedRight)
    }

    // MARK: - Messages

    /// - Returns: Whether the connection goes on.
    private func handle(_ payload: [UInt8]) async throws -> Bool {
        guard let type = payload.first else { throw SSHFailure(description: "a packet is empty") }
        var reader = SSHReader(payload.dropFirst())
        guard let message = SSHMessage(rawValue: type) else {
            var answer = SSHWriter(message: .unimplemented)
            answer.number(received &- 1)
            try send(answer)
            return true
        }
        switch message {
        case .disconnect: return false
        case .ignore, .debug, .unimplemented: break
        case .serviceRequest:
            let name = try reader.text()
            guard name == "ssh-userauth" || (name == "ssh-connection" && isLoggedIn) else { return false }
            var answer = SSHWriter(message: .serviceAccept)
            answer.string(name)
            try send(answer)
        case .userRequest: try logIn(&reader)
        case .keyExchangeInit: throw SSHFailure(description: "the peer wants new keys, which this server does not make")
        default:
            guard isLoggedIn else { throw SSHFailure(description: "the peer has not logged in") }
            try await handleChannel(message, &reader)
        }
        return true
    }

    private func logIn(_ reader: inout SSHReader) throws {
        let user = try reader.text()
        _ = try reader.text()
        let method = try reader.text()
        switch login {
        case .anybody: isLoggedIn = true
        case .password(let wanted, let secret):
            guard method == "password" else { break }
            _ = try reader.boolean()
            let given = SHA256.hash(data: try reader.string())
            isLoggedIn = given == SHA256.hash(data: Array(secret.utf8)) && user == wanted
        }
        if isLoggedIn { return try send(SSHWriter(message: .userSuccess)) }
        var answer = SSHWriter(message: .userFailure)
        answer.names(["password"])
        answer.boolean(false)
        try send(answer)
    }

    private func handleChannel(_ message: SSHMessage, _ reader: inout SSHReader) async throws {
        switch message {
        case .globalRequest:
            _ = try reader.text()
            if try reader.boolean() { try send(SSHWriter(message: .requestFailure)) }
        case .channelOpen: try openChannel(&reader)
        case .channelRequest:
            let channel = try channel(&reader)
            let isFiles = try reader.text() == "subsystem"
            let wantsReply = try reader.boolean()
            let starts = try isFiles && reader.text() == "sftp" && channel.files == nil
            if starts { try await startFiles(channel) }
            if wantsReply {
                var answer = SSHWriter(message: starts ? .channelSuccess : .channelFailure)
                answer.number(channel.peer)
                try send(answer)
            }
        case .channelData:
            let channel = try channel(&reader)
            let bytes = try reader.string()
            try await channel.files?.send(bytes)
            var answer = SSHWriter(message: .channelWindowAdjust)
            answer.number(channel.peer)
            answer.number(UInt32(bytes.count))
            try send(answer)
        case .channelWindowAdjust:
            let channel = try channel(&reader)
            channel.widen(Int(try reader.number()))
        case .channelEOF: _ = try channel(&reader)
        case .channelClose: try closeChannel(try channel(&reader))
        default: break
        }
    }

    private func channel(_ reader: inout SSHReader) throws -> SSHChannel {
        guard let channel = channels[try reader.number()] else { throw SSHFailure(description: "there is no such channel") }
        return channel
    }

    private func openChannel(_ reader: inout SSHReader) throws {
        let type = try reader.text()
        let peer = try reader.number()
        let window = try reader.number()
        let packet = try reader.number()
        guard type == "session", channels.count < 16, packet >= 1024 else {
            var answer = SSHWriter(message: .channelOpenFailure)
            answer.number(peer)
            answer.number(type == "session" ? 4 : 3)
            answer.string("only sessions for file transfers are open here")
            answer.string("")
            return try send(answer)
        }
        let number = UInt32((0..<16).first { channels[UInt32($0)] == nil } ?? 0)
        channels[number] = SSHChannel(peer: peer, number: number, window: Int(window), packetMax: Int(min(packet, 1 << 15)))
        var answer = SSHWriter(message: .channelOpenConfirmation)
        for value in [peer, number, 1 << 21, 1 << 15] { answer.number(value) }
        try send(answer)
    }

    private func startFiles(_ channel: SSHChannel) async throws {
        let files = try await openFiles()
        channel.files = files
        Task {
            while let bytes = try? await files.receive() {
                guard await self.send(bytes, on: channel) else { return }
            }
            self.finish(channel)
        }
    }

    /// Sends what the peer has room for, and waits for more room.
    private func send(_ bytes: [UInt8], on channel: SSHChannel) async -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let room = await channel.room()
            guard room > 0, !channel.isEnded else { return false }
            let piece = rest.prefix(min(room, channel.packetMax))
            rest = rest.dropFirst(piece.count)
            channel.widen(-piece.count)
            var message = SSHWriter(message: .channelData)
            message.number(channel.peer)
            message.string(Array(piece))
            guard (try? send(message)) != nil else { return false }
        }
        return true
    }

    private func finish(_ channel: SSHChannel) {
        guard !channel.isEnded else { return }
        // The file server has ended: nothing more can come on this channel.
        try? closeChannel(channel)
    }

    private func closeChannel(_ channel: SSHChannel) throws {
        channels[channel.number] = nil
        channel.end()
        guard !channel.closeSent else { return }
        channel.closeSent = true
        var answer = SSHWriter(message: .channelClose)
        answer.number(channel.peer)
        try send(answer)
    }
}
