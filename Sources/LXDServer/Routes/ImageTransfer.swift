internal import LXDAPI
internal import LXDCore
internal import LXDDatabase

/// Images from and to other servers.
extension ImageRoutes {
    /// `POST /1.0/images` with a source of type `image`: from another server, or from another project of this one.
    func fetch(_ request: ImagesPost, _ source: ImagesPostSource, _ scope: RequestScope) async throws -> Answer {
        var wanted = ImageFetch(source)
        wanted.project = scope.project
        wanted.isPublic = request.public
        wanted.autoUpdate = request.autoUpdate
        guard !wanted.name.isEmpty else {
            throw LXDError.badRequest("must specify one of alias or fingerprint for init from image")
        }
        if source.server.isEmpty {
            // Within this server the caller must be at home in both projects.
            try scope.requireProject(source.project.isEmpty ? "default" : source.project)
        } else {
            try await images.requireAllowed(source.server, in: scope.project)
        }
        let final = wanted
        return try start(scope) { [images] requestor, progress in
            let row =
                final.server.isEmpty
                ? try await images.share(final, by: requestor)
                : try await images.fetch(final, by: requestor, progress: progress)
            return try await images.finish(row, request)
        }
    }

    /// Likewise of type `url`.
    func fetchFromURL(_ request: ImagesPost, _ source: ImagesPostSource, _ scope: RequestScope) async throws -> Answer {
        guard !source.url.isEmpty else { throw LXDError.badRequest("Missing URL") }
        try await images.requireAllowed(source.url, in: scope.project)
        let project = scope.project
        return try start(scope) { [images] requestor, progress in
            var wanted = try await images.find(behind: source.url, for: project)
            wanted.project = project
            wanted.isPublic = request.public
            wanted.autoUpdate = request.autoUpdate
            let row = try await images.fetch(wanted, by: requestor, progress: progress)
            return try await images.finish(row, request)
        }
    }

    private func start(
        _ scope: RequestScope,
        _ work: @escaping @Sendable (EventLifecycleRequestor, ProgressSink) async throws -> Image
    ) throws -> Answer {
        let requestor = scope.requestor
        return try .async(
            operations.start(.imageDownload, project: scope.project, isCancellable: true, requestor: requestor) {
                handle in
                let image = try await work(requestor, ProgressSink { handle.progress($0, $1) })
                handle.update(["fingerprint": .string(image.fingerprint), "size": .string(String(image.size))])
            })
    }

    /// `POST /1.0/images/F/export`: sends the image to a server that expects it.
    func push(_ scope: RequestScope) async throws -> Answer {
        let image = try await images.get(project: scope.project, prefix: scope.parameter("fingerprint"))
        let request: ImageExportPost = try await scope.decode()
        try await images.requireAllowed(request.target, in: scope.project)
        let project = scope.project
        let requestor = scope.requestor
        return try .async(
            operations.start(.imageDownload, project: project, isCancellable: true, requestor: requestor) {
                [images] handle in
                try await images.push(
                    image, to: request, project: project, by: requestor,
                    progress: ProgressSink { handle.progress($0, $1) })
            })
    }

    /// `POST /1.0/images/F/refresh`.
    func refresh(_ scope: RequestScope) async throws -> Answer {
        let project = scope.project
        let row = try await images.row(project: project, prefix: scope.parameter("fingerprint"))
        let requestor = scope.requestor
        return try .async(
            operations.start(.imageRefresh, project: project, isCancellable: true, requestor: requestor) {
                [images] handle in
                do {
                    let newer = try await images.refresh(
                        row, by: requestor, progress: ProgressSink { handle.progress($0, $1) })
                    handle.update(["refreshed": .bool(newer != nil)])
                } catch {
                    throw LXDError.from(error).wrapped(
                        "Failed to update image \(goQuoted(row.fingerprint)) in project \(goQuoted(project))")
                }
            })
    }
}
