import FoundationEssentials
import LXDAPI
package import LXDCore
import LXDHTTP

/// `/1.0/instances/{name}/metadata` and its templates.
package struct InstanceMetadataRoutes: RouteGroup {
    private let metadata: InstanceMetadataService

    package init(metadata: InstanceMetadataService) { self.metadata = metadata }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0/instances/{name}/metadata", .project) { scope in
            let value = try await metadata.metadata(scope.instanceKey(), by: scope.requestor)
            return try .sync(value, etag: value)
        }
        routes.put("/1.0/instances/{name}/metadata", .project) { scope in
            let new: ImageMetadata = try await scope.decode()
            try await metadata.update(
                scope.instanceKey(), by: scope.requestor, precondition: { try scope.checkETag($0) }, { _ in new })
            return .done
        }
        routes.patch("/1.0/instances/{name}/metadata", .project) { scope in
            let patch = try await scope.bodyData()
            try await metadata.update(
                scope.instanceKey(), by: scope.requestor, precondition: { try scope.checkETag($0) },
                { try LXDJSON.merge(patch: patch, into: $0) })
            return .done
        }
        routes.get("/1.0/instances/{name}/metadata/templates", .project, templates)
        routes.post("/1.0/instances/{name}/metadata/templates", .project) { scope in
            let bytes = [UInt8](try await scope.bodyData())
            try await metadata.setTemplate(scope.instanceKey(), scope.query["path"] ?? "", bytes, by: scope.requestor)
            return .done
        }
        routes.delete("/1.0/instances/{name}/metadata/templates", .project) { scope in
            try await metadata.deleteTemplate(scope.instanceKey(), scope.query["path"] ?? "", by: scope.requestor)
            return .done
        }
    }

    private func templates(_ scope: RequestScope) async throws -> Answer {
        let key = try scope.instanceKey()
        guard let name = scope.query["path"], !name.isEmpty else { return try .sync(await metadata.templates(key)) }
        let bytes = try await metadata.template(key, name, by: scope.requestor)
        return .file(named: name, length: bytes.count) { try await $0.write(bytes) }
    }
}
