import LXDAPI
import LXDLinux
package import LXDCore
package import LXDDatabase

/// What the daemon lets its own commands do.
package protocol DaemonControl: Sendable {
    var isReady: Bool { get }
    /// Ends the daemon and returns when everything is stopped.
    ///
    /// - Parameter force: Not to wait for operations that run.
    func shutdown(force: Bool) async throws
}

/// `/internal`: for the commands of `lxd` on this machine, over the unix socket only.
package struct InternalRoutes: RouteGroup {
    private let control: any DaemonControl
    private let store: Store
    private let warnings: WarningService

    package init(control: any DaemonControl, store: Store, warnings: WarningService) {
        self.control = control
        self.store = store
        self.warnings = warnings
    }

    package func register(on routes: inout RouteTable) {
        routes.get("/internal/ready", .local) { _ in
            guard control.isReady else { throw LXDError.unavailable("LXD daemon not ready yet") }
            return .done
        }
        routes.put("/internal/shutdown", .local) { scope in
            try await control.shutdown(force: scope.query.flag("force"))
            return .done
        }
        routes.get("/internal/gc", .local) { _ in
            ProcessMemory.giveBack()
            return .done
        }
        routes.get("/internal/sql", .local) { scope in
            let schemaOnly = scope.query["schema"] == "1"
            let text = try await store.read { try $0.dump(schemaOnly: schemaOnly) }
            return try .sync(["text": text])
        }
        routes.post("/internal/sql", .local, query)
        routes.post("/internal/testing/warnings", .local) { scope in
            let request: NewWarning = try await scope.decode()
            guard let type = WarningType(rawValue: request.typeCode) else {
                throw LXDError.badRequest("Invalid warning type code \(request.typeCode)")
            }
            guard let entity = WarningEntity(rawValue: request.entityTypeCode ?? -1) else {
                throw LXDError.badRequest("Unknown entity type")
            }
            try await warnings.raise(
                type, request.message ?? "", project: request.project ?? "", entity: entity, id: request.entityID ?? -1)
            return .done
        }
    }

    private func query(_ scope: RequestScope) async throws -> Answer {
        let request: SQLRequest = try await scope.decode()
        guard ["local", "global"].contains(request.database) else { throw LXDError.badRequest("Invalid database") }
        guard !request.query.isEmpty else { throw LXDError.badRequest("No query provided") }
        let statements = request.query.split(separator: ";").map(String.init).filter { !$0.allSatisfy(\.isWhitespace) }
        let results: [JSONValue]
        do {
            results = try await store.write { tx in
                try statements.map { Self.wire(try tx.runRaw($0)) }
            }
        } catch {
            throw LXDError.badRequest("Failed to execute query: \(error)", cause: error)
        }
        return try .sync(JSONValue.object(["Results": .array(results)]))
    }

    private static func wire(_ result: RawResult) -> JSONValue {
        let rows = result.rows.map { row in
            JSONValue.array(
                row.map { value in
                    switch value {
                    case .null: .null
                    case .integer(let number): .integer(number)
                    case .real(let number): .number(number)
                    case .text(let text): .string(text)
                    case .blob(let bytes): .string(String(decoding: bytes, as: UTF8.self))
                    }
                })
        }
        return [
            "type": result.isQuery ? "select" : "exec", "columns": .strings(result.columns), "rows": .array(rows),
            "rows_affected": .integer(Int64(result.changedRows)),
        ]
    }
}

private struct SQLRequest: Decodable {
    let database: String
    let query: String
}

private struct NewWarning: Decodable {
    let typeCode: Int
    let message: String?
    let project: String?
    let entityTypeCode: Int?
    let entityID: Int64?

    private enum CodingKeys: String, CodingKey {
        case typeCode = "type_code"
        case message, project
        case entityTypeCode = "entity_type_code"
        case entityID = "entity_id"
    }
}
