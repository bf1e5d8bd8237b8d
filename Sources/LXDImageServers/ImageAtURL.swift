package import LXDAPI
package import LXDHTTP

/// An image behind a URL: the server says in headers of its answer where the file is and which fingerprint it has.
package struct ImageAtURL: Sendable {
    package let url: String
    package let fingerprint: String
    private let file: WebAddress
    private let client: WebClient

    /// Asks the server.
    ///
    /// - Parameters:
    ///   - architectures: This machine's, its own first.
    ///   - version: Of this server.
    package static func find(
        _ url: String, architectures: [String], version: String, client: WebClient
    ) async throws(LXDError) -> ImageAtURL {
        guard !url.isEmpty else { throw .badRequest("Missing URL") }
        guard let address = WebAddress(url) else { throw .badRequest("Invalid URL \(goQuoted(url))") }
        let answer: WebClient.Answer
        do {
            answer = try await client.send(
                .head, address,
                headers: [
                    "LXD-Server-Architectures": architectures.joined(separator: ", "), "LXD-Server-Version": version,
                ])
        } catch {
            throw WebFailure.describe(error, address)
        }
        guard let hash = answer.headers["LXD-Image-Hash"], !hash.isEmpty else {
            throw .badRequest("Missing LXD-Image-Hash header")
        }
        guard let place = answer.headers["LXD-Image-URL"], !place.isEmpty else {
            throw .badRequest("Missing LXD-Image-URL header")
        }
        return try ImageAtURL(file: place, fingerprint: hash, client: client)
    }

    /// - Parameter file: Where the image itself is.
    package init(file: String, fingerprint: String, client: WebClient) throws(LXDError) {
        guard let address = WebAddress(file) else { throw .badRequest("Invalid URL \(goQuoted(file))") }
        self.file = address
        self.fingerprint = try Fingerprint(fingerprint).rawValue
        self.client = client
        url = file
    }

    package func download(
        into directory: String, limitBytes: Int64? = nil, progress: @escaping FetchProgress = { _, _, _ in }
    ) async throws(LXDError) -> DownloadedImage {
        var download = ImageDownload(client: client, directory: directory, limitBytes: limitBytes, progress: progress)
        try await download.add("image", from: file, size: 0, sha256: fingerprint)
        return try download.finish(expecting: fingerprint)
    }
}
