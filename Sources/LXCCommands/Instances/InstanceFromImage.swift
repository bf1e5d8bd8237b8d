import LXDAPI
import LXDClient

/// Makes an instance from an image of this server, another server or an image server.
struct InstanceFromImage {
    let session: Session
    let server: ServerConnection

    func create(
        _ request: inout InstancesPost, profiles: [String]?, image named: RemoteName, target: String, wantsVM: Bool
    ) async throws -> Operation {
        var image = try await guess(named, target: target)
        if image.name.isEmpty { image = RemoteName(remote: image.remote, name: "default") }
        request.source.type = "image"
        let remote = session.configuration.remotes[image.remote]
        if image.remote == target {
            try await useLocal(image.name, &request, wantsVM: wantsVM)
        } else if let remote, remote.protocol == "simplestreams" {
            request.source.mode = "pull"
            request.source.protocol = "simplestreams"
            request.source.server = remote.address
            request.source.alias = image.name
        } else {
            return try await createFromServer(image, &request, profiles, wantsVM: wantsVM)
        }
        return try await wait(try InstanceRequest.body(request, profiles: profiles))
    }

    private func wait(_ body: JSONValue) async throws -> Operation {
        try await session.wait(
            try await server.createInstance(body), showing: session.renderer("Retrieving image: %s"))
    }

    private func useLocal(_ name: String, _ request: inout InstancesPost, wantsVM: Bool) async throws {
        let image = try await find(name, on: server)
        try Self.adopt(image, &request, wantsVM: wantsVM)
        request.source.fingerprint = image.fingerprint
    }

    private static func adopt(_ image: Image, _ request: inout InstancesPost, wantsVM: Bool) throws {
        if image.type != "virtual-machine", wantsVM {
            throw CommandFailure("Asked for a VM but image is of type container")
        }
        request.type = image.type == "virtual-machine" ? .virtualMachine : .container
    }

    /// The image that an alias or a fingerprint names.
    private func find(_ name: String, on server: ServerConnection) async throws -> Image {
        let alias = try? await server.imageAlias(name).value  // A name that is no alias may be a fingerprint.
        return try await server.image(alias?.target ?? name).value
    }

    private func createFromServer(
        _ image: RemoteName, _ request: inout InstancesPost, _ profiles: [String]?, wantsVM: Bool
    ) async throws -> Operation {
        let source = try ServerConnection(remote: image.remote, of: session.configuration, allowPublic: true)
        let alias = try? await source.imageAlias(image.name).value  // Likewise.
        let found = try await source.image(alias?.target ?? image.name).value
        try Self.adopt(found, &request, wantsVM: wantsVM)
        request.source.mode = "pull"
        request.source.protocol = "lxd"
        request.source.certificate = try await source.certificate()
        if alias != nil, found.public {
            request.source.alias = image.name
        } else {
            request.source.fingerprint = found.fingerprint
        }
        if !found.public { request.source.secret = try await source.imageSecret(found.fingerprint) }
        let template = request
        return try await RemoteSource.tryAll(
            try await source.addresses(), failure: "Failed instance creation"
        ) { address in
            var request = template
            request.source.server = address
            return try await wait(try InstanceRequest.body(request, profiles: profiles))
        }
    }

    /// A local name whose first part is a remote may mean that remote.
    private func guess(_ image: RemoteName, target: String) async throws -> RemoteName {
        guard image.remote == target else { return image }
        let first = String(image.name.prefix { $0 != "/" })
        guard session.configuration.remotes[first] != nil else { return image }
        if (try? await find(image.name, on: server)) != nil { return image }
        let rest = image.name.dropFirst(first.count + 1)
        let name = "The local image '\(image.name)' couldn't be found, trying '\(first):\(rest)' instead.\n"
        Standard.error(name)
        return RemoteName(remote: first, name: rest.isEmpty ? "default" : String(rest))
    }
}
