import LXDAPI
package import LXDCore
import Synchronization

/// `/1.0` and `/1.0/resources`.
package struct ServerRoutes: RouteGroup {
    private let server: ServerService
    private let resources: HostResources
    private let known = KnownAnswers()

    package init(server: ServerService, resources: HostResources) {
        self.server = server
        self.resources = resources
    }

    package func register(on routes: inout RouteTable) {
        routes.get("/1.0", .everybody) { scope in
            guard scope.caller.isTrusted else { return try .sync(server.untrusted()) }
            return try await get(project: scope.project, withConfig: scope.caller.isAdmin)
        }
        routes.put("/1.0", .admin) { try await update($0, isPatch: false) }
        routes.patch("/1.0", .admin) { try await update($0, isPatch: true) }
        routes.get("/1.0/resources", .authenticated) { _ in
            let resources = resources
            return try .sync(await BlockingWork.run { resources.report() })
        }
    }

    /// Clients ask for it before nearly everything else, so it is put together only when something has changed.
    private func get(project: String, withConfig: Bool) async throws -> Answer {
        let version = server.answerVersion()
        let asked = KnownAnswers.Question(project: project, withConfig: withConfig)
        if let version, let answer = known.answer(to: asked, version) { return answer }
        let whole = try await server.get(project: project, withConfig: withConfig)
        let answer = try Answer.sync(whole, etag: whole.config)
        if let version { known.keep(answer, to: asked, version) }
        return answer
    }

    private func update(_ scope: RequestScope, isPatch: Bool) async throws -> Answer {
        let put: ServerPut = try await scope.decode()
        try await server.update(put, isPatch: isPatch, by: scope.requestor) { try scope.checkETag($0) }
        return .done
    }
}

/// Answers that are still true, a few of them.
private final class KnownAnswers: Sendable {
    struct Question: Hashable {
        let project: String
        let withConfig: Bool
    }

    private static let countMax = 16
    private let answers = Mutex<[Question: (version: ServerService.Version, answer: Answer)]>([:])

    func answer(to question: Question, _ version: ServerService.Version) -> Answer? {
        answers.withLock { answers in
            guard let known = answers[question], known.version == version else { return nil }
            return known.answer
        }
    }

    func keep(_ answer: Answer, to question: Question, _ version: ServerService.Version) {
        answers.withLock { answers in
            if answers.count >= Self.countMax { answers = [:] }
            answers[question] = (version, answer)
        }
    }
}
