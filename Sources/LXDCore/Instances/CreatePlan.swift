package import LXDAPI
package import LXDDatabase

/// A request for a new instance after everything that can be refused at once has been checked.
package struct CreatePlan: Sendable {
    package enum Source: Sendable {
        case image(ImageRow)
        /// On another server; fetched as part of the operation.
        case remoteImage(InstanceSource)
        case none
        case copy(CopySource)
        /// On another server; ``MigrationService`` fetches it.
        case migration(MigrationSource)
    }

    /// What is copied, as it was when the request came.
    package struct CopySource: Sendable {
        package let instance: LoadedInstance
        /// Nothing: the instance itself, with its snapshots unless left out.
        package let snapshot: String?
        package let instanceOnly: Bool
        /// Bring an existing target up to date.
        package let isRefresh: Bool
        /// Files that vanish while they are read are no error.
        package var isAllowInconsistent = false
    }

    /// The wanted state; configuration as asked for.
    package var row: InstanceRow
    package let source: Source

    package var key: InstanceKey { InstanceKey(project: row.project, name: row.name) }

    /// The paths that the operation concerns.
    package var resources: [String] {
        guard case .copy(let source) = source else { return [row.name] }
        return [row.name, source.instance.name]
    }
}

extension InstanceService {
    /// Checks a request and finds what it starts from.
    ///
    /// - Parameter hasProfiles: Whether the request names profiles, if only none; else the image's, the source's or
    ///   the default one apply.
    package func planCreate(project: String, _ request: InstancesPost, hasProfiles: Bool) async throws -> CreatePlan {
        var type = request.type == .any ? InstanceType.container : request.type
        if request.source.type == "copy" { type = .container }
        guard type == .container else {
            throw LXDError.badRequest("Instance type \(goQuoted(type.rawValue)) is not supported on this server")
        }
        var sized = request
        if !request.instanceType.isEmpty {
            sized.config.merge(try InstanceSize.limits(of: request.instanceType)) { given, _ in given }
        }
        let wanted = sized
        return try await environment.store.read { tx in
            try Self.plan(tx, project, wanted, hasProfiles: hasProfiles)
        }
    }

    private static func plan(
        _ tx: Transaction, _ project: String, _ request: InstancesPost, hasProfiles: Bool
    ) throws -> CreatePlan {
        _ = try tx.requireProject(project)
        var request = request
        let source = try findSource(tx, project, &request, hasProfiles: hasProfiles)
        switch source {
        // An empty list of theirs is meant.
        case .copy, .image: break
        case .none, .remoteImage, .migration: if !hasProfiles, request.profiles.isEmpty { request.profiles = ["default"] }
        }
        _ = try tx.requireProfiles(request.profiles, project: project)
        if request.name.isEmpty {
            let names = Set(try tx.instanceNames(project: project))
            guard let name = GeneratedNames.next(isTaken: names.contains) else {
                throw LXDError.internalError("Couldn't generate a new unique name after 100 tries")
            }
            request.name = name
        }
        var row = InstanceRow(project: project, name: try InstanceName(request.name).rawValue, createdAt: .now())
        row.description = request.description
        row.ephemeral = request.ephemeral
        row.profiles = request.profiles
        row.config = request.config
        row.devices = request.devices
        row.lastUsedAt = .epoch
        row.phase = .creating
        switch source {
        case .copy(let copy): row.architecture = copy.instance.row.architecture
        case .image(let image): row.architecture = try Architectures.named(image.architecture).id
        case .remoteImage: break
        case .migration:
            row.architecture = try Architectures.named(request.architecture).id
            try choosePool(tx, &row)
        case .none:
            row.architecture =
                request.architecture.isEmpty
                ? try Architectures.local().id : try Architectures.named(request.architecture).id
        }
        try checkProject(tx, row, source)
        return CreatePlan(row: row, source: source)
    }

    /// What the project refuses is said at once; the transaction that writes the instance looks again.
    private static func checkProject(_ tx: Transaction, _ row: InstanceRow, _ source: CreatePlan.Source) throws {
        let instance = LoadedInstance(row, profiles: try tx.requireProfiles(row.profiles, project: row.project))
        let isRefresh =
            switch source {
            case .copy(let copy): copy.isRefresh
            case .migration(let migration): migration.isRefresh
            default: false
            }
        let present = try isRefresh && tx.instance(project: row.project, name: row.name) != nil
        let trustsVolatile = if case .copy = source { true } else { false }
        try tx.admitToProject(
            instance, replacing: present ? tx.loadInstance(instance.key) : nil, trustsVolatile: trustsVolatile)
    }

    /// An instance from another server goes into the pool of its own root disk if there is one of that name here, else its
    /// profiles', else the only pool.
    private static func choosePool(_ tx: Transaction, _ row: inout InstanceRow) throws {
        let own = rootDisk(row.devices)
        if let pool = own?.config["pool"], !pool.isEmpty, try tx.storagePool(pool) != nil { return }
        let profiles = try tx.requireProfiles(row.profiles, project: row.project)
        let inherited = profiles.reversed().lazy.compactMap { rootDisk($0.devices)?.config["pool"] }.first { !$0.isEmpty }
        let pools = try tx.storagePools().map(\.name)
        guard let pool = inherited ?? (pools.count == 1 ? pools.first : nil) else {
            throw LXDError.badRequest("Can't find a storage pool for the instance to use")
        }
        if let own {
            row.devices[own.name]?["pool"] = pool
        } else if inherited == nil {
            let name = row.devices["root"] == nil ? "root" : (0..<100).map { "root\($0)" }.first { row.devices[$0] == nil }
            row.devices[name ?? "root"] = ["type": "disk", "path": "/", "pool": pool]
        }
    }

    private static func findSource(
        _ tx: Transaction, _ project: String, _ request: inout InstancesPost, hasProfiles: Bool
    ) throws -> CreatePlan.Source {
        switch request.source.type {
        case "none": return .none
        case "image": return try findImage(tx, project, &request, hasProfiles: hasProfiles)
        case "copy": return .copy(try findCopySource(tx, project, &request, hasProfiles: hasProfiles))
        case "migration":
            let source = try MigrationSource(request.source)
            try tx.stripVolatile(&request.config, project: project)
            if !request.source.baseImage.isEmpty { request.config[VolatileKeys.baseImage] = request.source.baseImage }
            return .migration(source)
        default: throw LXDError.badRequest("Unknown source type \(request.source.type)")
        }
    }

    private static func findImage(
        _ tx: Transaction, _ project: String, _ request: inout InstancesPost, hasProfiles: Bool
    ) throws -> CreatePlan.Source {
        let source = request.source
        if !source.server.isEmpty {
            var wanted = ImageFetch()
            wanted.server = source.server
            wanted.imageProtocol = source.protocol
            wanted.name = source.fingerprint.isEmpty ? source.alias : source.fingerprint
            wanted.type = InstanceType.container.rawValue
            guard !wanted.name.isEmpty else {
                throw source.properties.isEmpty
                    ? LXDError.badRequest("Must specify one of alias, fingerprint or properties for init from image")
                    : .badRequest("Property match is only supported for local images")
            }
            // Of an image that was fetched before, somebody may have chosen the profiles.
            let known = try Fingerprint(rawValue: wanted.name)?.rawValue ?? tx.cachedImage(of: wanted)
            let owner = try tx.effectiveProject(project, .images)
            if !hasProfiles, let known, let image = try tx.image(project: owner, fingerprint: known) {
                request.profiles = try tx.seen(image, from: project).profiles
            }
            return .remoteImage(source)
        }
        let owner = try tx.effectiveProject(project, .images)
        let image: ImageRow?
        if !source.fingerprint.isEmpty {
            image = try findImage(tx, owner, prefix: source.fingerprint)
        } else if !source.alias.isEmpty {
            guard let alias = try tx.imageAlias(project: owner, name: source.alias) else {
                throw LXDError.notFound("Image alias not found")
            }
            image = try tx.image(project: owner, fingerprint: alias.fingerprint)
        } else if !source.properties.isEmpty {
            image = try tx.images(project: owner).filter { image in
                source.properties.allSatisfy { image.properties[$0.key] == $0.value }
            }.max { $0.createdAt < $1.createdAt }
            guard image != nil else { throw LXDError.internalError("No matching image could be found") }
        } else {
            throw LXDError.badRequest("Must specify one of alias, fingerprint or properties for init from image")
        }
        guard let image else { throw LXDError.notFound("Image not found") }
        guard image.type != .virtualMachine else {
            throw LXDError.badRequest("Requested image's type \"virtual-machine\" doesn't match instance type \"container\"")
        }
        if !hasProfiles { request.profiles = try tx.seen(image, from: project).profiles }
        return .image(image)
    }

    private static func findImage(_ tx: Transaction, _ project: String, prefix: String) throws -> ImageRow? {
        guard Fingerprint.isPrefix(prefix) else { throw LXDError.badRequest("Invalid fingerprint \(goQuoted(prefix))") }
        let found = try tx.images(project: project, fingerprintPrefix: prefix, publicOnly: false)
        guard found.count < 2 else { throw LXDError.badRequest("More than one image matches") }
        return found.first
    }

    private static func findCopySource(
        _ tx: Transaction, _ project: String, _ request: inout InstancesPost, hasProfiles: Bool
    ) throws -> CreatePlan.CopySource {
        guard !request.source.source.isEmpty else { throw LXDError.badRequest("Must specify a source instance") }
        let owner = request.source.project.isEmpty ? project : request.source.project
        let (name, snapshotName) = splitSnapshotName(request.source.source)
        let instance = try tx.loadInstance(InstanceKey(project: owner, name: name))
        var config = instance.row.config
        var devices = instance.row.devices
        if let snapshotName {
            guard let snapshot = try tx.snapshot(instanceID: instance.row.id, name: snapshotName) else {
                throw LXDError.notFound("Instance snapshot not found")
            }
            config = snapshot.config
            devices = snapshot.devices
        }
        if request.stateful, name != request.name {
            throw LXDError.badRequest(
                "Copying stateful instances requires that source \(goQuoted(name)) and target \(goQuoted(request.name)) name be identical")
        }
        try tx.stripVolatile(&request.config, project: project)
        request.config.merge(config.filter { VolatileKeys.isCopied($0.key) }) { asked, _ in asked }
        request.devices.merge(devices) { asked, _ in asked }
        if !hasProfiles { request.profiles = instance.row.profiles }
        return CreatePlan.CopySource(
            instance: instance, snapshot: snapshotName,
            instanceOnly: request.source.instanceOnly || request.source.containerOnly || snapshotName != nil,
            isRefresh: request.source.refresh, isAllowInconsistent: request.source.allowInconsistent)
    }
}
