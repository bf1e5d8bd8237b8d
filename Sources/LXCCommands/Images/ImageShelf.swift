import Foundation
import LXDAPI
import LXDClient
import LXDHTTP
import LXDImageServers
import Synchronization

/// A server as far as images are read from it: one of LXD's kind, or a web server with documents.
enum ImageShelf: Sendable {
    case lxd(ServerConnection)
    case streams(SimpleStreamsServer)

    /// - Parameter address: Of the remote.
    static func streams(_ address: String) throws -> ImageShelf {
        var settings = WebClient.Settings()
        settings.userAgent = "LXD 5.0.2"
        settings.proxies = ProxyRules(environment: ProcessInfo.processInfo.environment)
        return .streams(try SimpleStreamsServer(url: address, client: WebClient(settings, group: ClientLoop.group)))
    }

    func images() async throws -> [Image] {
        switch self {
        case .lxd(let server): try await server.images()
        case .streams(let server): try await server.catalogue().images
        }
    }

    func aliases() async throws -> [ImageAliasesEntry] {
        switch self {
        case .lxd(let server): try await server.imageAliases()
        case .streams(let server): try await server.catalogue().aliases
        }
    }

    /// The fingerprint that an alias stands for, or the name as it is.
    ///
    /// - Parameter type: `container`, `virtual-machine`, or empty for either.
    func resolved(_ name: String, type: String) async throws -> String {
        switch self {
        case .lxd(let server):
            do {
                let alias = try await server.imageAlias(name).value
                return type.isEmpty || alias.type.isEmpty || alias.type == type ? alias.target : name
            } catch let error as LXDError where error.code == .notFound {
                return name
            }
        case .streams(let server): return try await server.catalogue().target(ofAlias: name, type: type)?.target ?? name
        }
    }

    func image(_ name: String, type: String) async throws -> Versioned<Image> {
        switch self {
        case .lxd(let server): return try await server.image(try await resolved(name, type: type))
        case .streams(let server):
            let catalogue = try await server.catalogue()
            return Versioned(try catalogue.image(catalogue.target(ofAlias: name, type: type)?.target ?? name), etag: "")
        }
    }

    /// Fetches an image's files into a folder.
    func download(_ name: String, type: String, into folder: String, _ progress: ProgressRenderer) async throws
        -> ImageFiles
    {
        switch self {
        case .lxd(let server):
            return try await ImageFiles.download(
                try await resolved(name, type: type), from: server, into: folder, progress)
        case .streams(let server):
            defer { progress.done() }
            let catalogue = try await server.catalogue()
            let image = try catalogue.image(catalogue.target(ofAlias: name, type: type)?.target ?? name)
            let place = try TemporaryFolder(in: folder)
            let meter = FileMeter(progress)
            let loaded = try await server.download(image, of: catalogue, into: place.path) { meter.show($0, $1, $2) }
            var files = ImageFiles(metadata: "\(folder)/\(image.fingerprint)")
            files.metadataName = loaded.fileName
            files.rootfsName = loaded.rootfsName
            try Self.move(loaded.file, to: files.metadata)
            if let rootfs = loaded.rootfs {
                files.rootfs = files.metadata + ".root"
                try Self.move(rootfs, to: files.metadata + ".root")
            }
            return files
        }
    }
}

extension ImageShelf {
    private static func move(_ path: String, to place: String) throws {
        guard rename(path, place) == 0 else { throw LocalFailure.of("rename", place) }
    }
}

/// Shows how far the files of an image are, one after the other.
private final class FileMeter: Sendable {
    private struct State {
        var file = ""
        var meter = TransferMeter(total: nil)
        var done: Int64 = 0
    }

    private let progress: ProgressRenderer
    private let state = Mutex(State())

    init(_ progress: ProgressRenderer) { self.progress = progress }

    func show(_ file: String, _ done: Int64, _ total: Int64) {
        let text = state.withLock { state in
            if state.file != file {
                state = State(file: file, meter: TransferMeter(total: total > 0 ? Int(total) : nil))
            }
            defer { state.done = done }
            return state.meter.advance(by: Int(max(0, done - state.done)))
        }
        if let text { progress.update("\(file): \(text)") }
    }
}

extension Session {
    /// The server of a remote for reading images from.
    func shelf(_ remote: String) throws -> ImageShelf {
        guard let known = configuration.remotes[remote] else { return .lxd(try server(remote)) }
        if known.protocol == "simplestreams" { return try .streams(known.address) }
        guard known.isPublic else { return .lxd(try server(remote)) }
        return .lxd(try ServerConnection(remote: remote, of: configuration, allowPublic: true))
    }
}
