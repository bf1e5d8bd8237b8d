internal import FoundationEssentials
package import LXDAPI
package import LXDHTTP

/// An image server that is a web server with a few documents: what the `images:` and `ubuntu:` remotes are.
package struct SimpleStreamsServer: Sendable {
    private static let indexBytesMax = 4 << 20
    private static let productsBytesMax = 32 << 20
    private static let documentsMax = 64
    /// Servers on which aliases go without the name of the system.
    private static let defaultSystems = ["cloud-images.ubuntu.com": "ubuntu"]

    private let base: WebAddress
    private let client: WebClient
    private let cache: StreamCache?

    /// - Parameters:
    ///   - url: The server's address, perhaps with a path.
    ///   - cache: Where documents are kept; nil asks each time.
    /// - Throws: `badRequest` for what is no web address.
    package init(url: String, client: WebClient, cache: StreamCache? = nil) throws(LXDError) {
        guard let base = WebAddress(url) else { throw .badRequest("Invalid URL \(goQuoted(url))") }
        self.base = base
        self.client = client
        self.cache = cache
    }

    /// What the server offers at present.
    package func catalogue() async throws(LXDError) -> StreamCatalogue {
        let index: StreamIndex = try await document("streams/v1/index.json", limit: Self.indexBytesMax, "stream")
        let wanted = index.index.sorted { $0.key < $1.key }.map(\.value).filter {
            $0.datatype == "image-downloads" && !$0.products.isEmpty
        }
        guard wanted.count <= Self.documentsMax else {
            throw .badRequest("Failed parsing stream: it names more than \(Self.documentsMax) documents")
        }
        var documents: [StreamProducts] = []
        for entry in wanted {
            documents.append(try await document(entry.path, limit: Self.productsBytesMax, "products"))
        }
        return StreamCatalogue(
            documents, defaultSystem: Self.defaultSystems[base.host], architectures: try Architectures.supported())
    }

    /// Fetches an image's files and checks each, and both together, against what the catalogue says.
    ///
    /// - Parameters:
    ///   - image: Of the catalogue.
    ///   - directory: Gets `metadata` and perhaps `rootfs`; the caller removes it when this throws.
    ///   - limitBytes: Of both files together; nil for no limit.
    package func download(
        _ image: Image, of catalogue: StreamCatalogue, into directory: String, limitBytes: Int64? = nil,
        progress: @escaping FetchProgress = { _, _, _ in }
    ) async throws(LXDError) -> DownloadedImage {
        guard let files = catalogue.files[image.fingerprint] else {
            throw .notFound("Couldn't find the requested image")
        }
        var download = ImageDownload(client: client, directory: directory, limitBytes: limitBytes, progress: progress)
        try await download.add(
            "metadata", from: try address(files.metadata.path), size: files.metadata.size, sha256: files.metadata.sha256
        )
        if let rootfs = files.rootfs {
            try await download.add("rootfs", from: try address(rootfs.path), size: rootfs.size, sha256: rootfs.sha256)
        }
        return try download.finish(expecting: image.fingerprint)
    }

    private func address(_ path: String) throws(LXDError) -> WebAddress {
        guard let address = base.file(path) else {
            throw .badRequest(
                "The image server names a file that is not below its address: \(goQuoted(String(path.prefix(200))))")
        }
        return address
    }

    private func document<Document: Decodable>(
        _ path: String, limit: Int, _ kind: String
    ) async throws(LXDError) -> Document {
        let address = try address(path)
        let kept = cache?.read(address.description)
        if let kept, kept.isFresh, let document: Document = try? LXDJSON.decode(from: kept.content) { return document }
        do {
            let content = try await fetch(address, limit: limit)
            let document: Document = try Self.decode(content, path, kind)
            cache?.write(address.description, content)
            return document
        } catch {
            // Better an old list than none, when the network is away.
            if error.code == .unavailable, let kept, let document: Document = try? LXDJSON.decode(from: kept.content) {
                return document
            }
            throw error
        }
    }

    private static func decode<Document: Decodable>(_ content: Data, _ path: String, _ kind: String) throws(LXDError)
        -> Document
    {
        do {
            return try LXDJSON.decode(from: content)
        } catch {
            throw LXDError.badRequest(
                "Failed decoding \(kind) JSON from \(goQuoted(path)): \(error.message)", cause: error)
        }
    }

    private func fetch(_ address: WebAddress, limit: Int) async throws(LXDError) -> Data {
        do {
            let answer = try await client.send(.get, address)
            guard answer.status == 200 else {
                throw LXDError.unavailable("Unable to fetch \(address): status \(answer.status)")
            }
            return try await answer.body.collectData(upTo: limit)
        } catch {
            throw WebFailure.describe(error, address)
        }
    }
}
