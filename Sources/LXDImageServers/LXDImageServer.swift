internal import FoundationEssentials
internal import Glibc
package import LXDAPI
package import LXDHTTP
internal import NIOCore

/// A LXD server as far as it gives images away, and takes them from those who have a secret of it.
package struct LXDImageServer: Sendable {
    private static let answerBytesMax = 8 << 20
    private let base: WebAddress
    private let client: WebClient
    private let project: String

    /// - Parameters:
    ///   - certificate: In PEM, the one it must show; empty when an authority of the system vouches for it.
    ///   - project: Whose images are asked for; empty for the default one.
    /// - Throws: `badRequest` for an address or certificate that cannot be used.
    package init(
        url: String, certificate: String, project: String, settings: WebClient.Settings
    ) throws(LXDError) {
        guard let base = WebAddress(url) else { throw .badRequest("Invalid URL \(goQuoted(url))") }
        self.base = base
        self.project = project
        var settings = settings
        // The API never sends elsewhere, and whoever tried would get the secret.
        settings.redirectsMax = 0
        if !certificate.isEmpty { settings.verification = .pinned(der: try Self.certificateBytes(certificate)) }
        client = WebClient(settings)
    }

    // MARK: Asking

    /// The fingerprint an alias stands for; nil if there is none of that name and type.
    package func target(ofAlias name: String, type: String) async throws(LXDError) -> String? {
        do {
            let alias: ImageAliasesEntry = try await get(["images", "aliases", name])
            return type.isEmpty || alias.type.isEmpty || alias.type == type ? alias.target : nil
        } catch {
            guard error.code == .notFound || error.code == .badRequest else { throw error }
            return nil
        }
    }

    /// - Parameters:
    ///   - name: A fingerprint or the beginning of one.
    ///   - secret: Opens a private image; empty for public ones.
    package func image(_ name: String, secret: String) async throws(LXDError) -> Image {
        var image: Image = try await get(["images", name], secret.isEmpty ? [] : [("secret", secret)])
        // It becomes a file's name here: a server may not choose anything but a hash, and none but the one asked for.
        let fingerprint = try Fingerprint(image.fingerprint).rawValue
        guard fingerprint.hasPrefix(name) else {
            throw .badRequest("The image server answered with another image than the one asked for")
        }
        if image.type.isEmpty { image.type = "container" }
        return image
    }

    /// An image's bytes as they come: one file, or two in a multipart body.
    package struct Export: Sendable {
        package let contentType: String
        package let fileName: String
        /// Bytes; 0 when not announced.
        package let length: Int64
        /// The next piece; nil at the end.
        package let next: @Sendable () async throws -> [UInt8]?
    }

    package func export(_ fingerprint: String, secret: String) async throws(LXDError) -> Export {
        let address = try address(["images", fingerprint, "export"], secret.isEmpty ? [] : [("secret", secret)])
        let answer = try await send(.get, address)
        guard answer.status == 200 else { throw try await Self.refusal(answer, address) }
        return Export(
            contentType: answer.headers["Content-Type"] ?? "",
            fileName: Self.fileName(answer.headers["Content-Disposition"] ?? ""),
            length: Int64(answer.body.contentLength ?? 0)
        ) {
            do {
                try Task.checkCancellation()
                return try await answer.body.next().map { Array($0.readableBytesView) }
            } catch {
                throw WebFailure.describe(error, address.withoutQuery)
            }
        }
    }

    // MARK: Sending

    /// Sends an image to a server that gave a secret for it, and waits until the server has it.
    ///
    /// - Parameters:
    ///   - files: One path, or metadata and root filesystem.
    ///   - progress: Bytes sent and bytes in all.
    package func push(
        _ files: [String], isVirtualMachine: Bool, fingerprint: String, secret: String,
        progress: @escaping @Sendable (_ done: Int64, _ total: Int64) -> Void
    ) async throws(LXDError) {
        let address = try address(["images"])
        let upload = try ImageUploadBody(
            files, isVirtualMachine: isVirtualMachine, fingerprint: fingerprint, progress: progress)
        let headers: HeaderFields = [
            "Content-Type": upload.contentType, "X-LXD-fingerprint": fingerprint, "X-LXD-secret": secret,
            "X-LXD-filename": fingerprint,
        ]
        let answer: WebClient.Answer
        do {
            answer = try await client.send(.post, address, headers: headers, body: upload.body)
        } catch {
            throw WebFailure.describe(error, address)
        }
        let started: LXDAPI.Operation = try await Self.metadata(of: answer, address)
        var query: [(String, String)] = [("timeout", "-1")]
        if let secret = started.metadata["secret"]?.stringValue { query.append(("secret", secret)) }
        let ended: LXDAPI.Operation = try await get(["operations", started.id, "wait"], query, waits: true)
        guard ended.statusCode == .success else {
            throw .internalError("Failed operation \(goQuoted(ended.status)): \(goQuoted(ended.err))")
        }
    }

    // MARK: Requests

    private func get<Value: WireValue>(
        _ path: [String], _ query: [(String, String)] = [], waits: Bool = false
    ) async throws(LXDError) -> Value {
        let address = try address(path, query)
        return try await Self.metadata(of: send(.get, address, waits: waits), address)
    }

    /// - Parameter waits: For as long as the server takes; a request with a body, if only an empty one, has no deadline.
    private func send(_ verb: HTTPVerb, _ address: WebAddress, waits: Bool = false) async throws(LXDError)
        -> WebClient.Answer
    {
        do {
            return try await client.send(verb, address, body: waits ? OutgoingBody.none : nil)
        } catch {
            throw WebFailure.describe(error, address.withoutQuery)
        }
    }

    private func address(_ path: [String], _ query: [(String, String)] = []) throws(LXDError) -> WebAddress {
        var query = query
        if !project.isEmpty, project != "default" { query.append(("project", project)) }
        let joined = "1.0/" + path.map { Self.escape($0) }.joined(separator: "/")
        let text = query.map { "\($0.0)=\(Self.escape($0.1))" }.joined(separator: "&")
        let prefix = base.path.hasSuffix("/") ? base.path : base.path + "/"
        guard let address = base.resolving(prefix + joined + (text.isEmpty ? "" : "?" + text)) else {
            throw .badRequest("Invalid address \(goQuoted(joined))")
        }
        return address
    }

    private static func metadata<Value: WireValue>(of answer: WebClient.Answer, _ address: WebAddress)
        async throws(LXDError) -> Value
    {
        guard (200..<300).contains(answer.status) else { throw try await refusal(answer, address) }
        do {
            let content = try await answer.body.collectData(upTo: answerBytesMax)
            let response: Response<Value> = try LXDJSON.decode(from: content)
            if response.type == ResponseType.error {
                throw LXDError(.init(httpStatus: response.errorCode), response.error)
            }
            return response.metadata
        } catch {
            throw WebFailure.describe(error, address.withoutQuery)
        }
    }

    /// The server's own words when it has some.
    private static func refusal(_ answer: WebClient.Answer, _ address: WebAddress) async throws(LXDError) -> LXDError {
        let content = try? await answer.body.collectData(upTo: answerBytesMax)  // The status alone must do then.
        if let content, let refusal: ResponseRaw = try? LXDJSON.decode(from: content), !refusal.error.isEmpty {
            return LXDError(.init(httpStatus: answer.status), refusal.error)
        }
        return LXDError(
            .init(httpStatus: answer.status), "Failed to fetch \(address.withoutQuery): status \(answer.status)")
    }

    private static func escape(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let isPlain =
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || "-._~".utf8.contains(byte)
            result +=
                isPlain
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
        return result == "." || result == ".." ? result.map { _ in "%2E" }.joined() : result
    }

    /// The last part of the name a header proposes, without anything that does not belong into a name.
    private static func fileName(_ disposition: String) -> String {
        let field = disposition.split(separator: ";").first { $0.drop { $0 == " " }.hasPrefix("filename=") }
        let value = field?.drop { $0 != "=" }.dropFirst().filter { $0 != "\"" && $0 != " " } ?? ""
        let last = value.split(separator: "/").last.map(String.init) ?? ""
        return last == "." || last == ".." || last.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f })
            ? "" : String(last.prefix(255))
    }

    private static func certificateBytes(_ pem: String) throws(LXDError) -> [UInt8] {
        let lines = pem.split(whereSeparator: \.isNewline)
        guard let first = lines.firstIndex(where: { $0.hasPrefix("-----BEGIN CERTIFICATE") }),
            let last = lines[first...].firstIndex(where: { $0.hasPrefix("-----END CERTIFICATE") }),
            let bytes = Data(base64Encoded: lines[(first + 1)..<last].joined())
        else { throw .badRequest("Invalid certificate of the image server") }
        return Array(bytes)
    }
}
