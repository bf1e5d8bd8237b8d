import LXDAPI
import LXDCore
import LXDHTTP
import LXDServer
import Testing

@Suite struct APIServerTests {
    private let api = TestAPI([SampleRoutes()])

    @Test func theRootNamesTheVersion() async throws {
        #expect(try await api.ask(.get, "/").json["metadata"] == ["/1.0"])
    }

    @Test func anUnknownPathAnswersAsLXD() async throws {
        for path in ["/nothing", "/1.0/nothing", "/1.0/instances/", "/1.0/instances/a/b/c", "//1.0/admin"] {
            let answer = try await api.ask(.get, path)
            #expect(answer.status == 404, "\(path)")
            #expect(
                answer.json["error"] == "not found" && answer.json["error_code"] == 404
                    && answer.json["type"] == "error")
        }
    }

    @Test func aKnownPathWithAnotherMethodIsNotImplemented() async throws {
        let answer = try await api.ask(.delete, "/1.0/admin")
        #expect(answer.status == 501 && answer.json["error"] == "not implemented")
        #expect(
            try await api.ask(HTTPVerb(rawValue: "BREW"), "/1.0/admin").json["error"] == #"Method "BREW" not found"#)
    }

    @Test(arguments: [
        ("/1.0/instances/c1", ["c1"]), ("/1.0/instances/c1/state", ["state", "c1"]), ("/1.0/instances/a%20b", ["a b"]),
        ("/1.0/instances/special", ["the special one"]), ("/1.0/instances/special/state", ["state", "special"]),
        ("/1.0/containers/c1", ["c1"]), ("/1.0/virtual-machines/v1/state", ["state", "v1"]),
        ("/1.0/images/aliases/a/b%2Fc", ["a/b/c"]), ("/1.0/instances/..%2f..", ["../.."]),
    ])
    func pathsAreMatchedAndDecoded(_ target: String, _ expected: [String]) async throws {
        #expect(try await api.ask(.get, target).json["metadata"] == .strings(expected))
    }

    @Test(arguments: ["/1.0/instances/%zz", "/1.0/instances/%00", "/1.0/instances/%ff"])
    func namesThatDoNotDecodeAreNotFound(_ target: String) async throws {
        #expect(try await api.ask(.get, target).status == 404)
    }

    @Test func theOldCollectionsAreKnownToHandlers() async throws {
        #expect(try await api.ask(.get, "/1.0/containers").json["metadata"] == "containers")
        #expect(try await api.ask(.get, "/1.0/instances").json["metadata"] == "instances")
    }

    @Test func theQueryIsDecoded() async throws {
        let plain = try await api.ask(.get, "/1.0/query")
        #expect(plain.json["metadata"] == ["default", "-", "0", "false", "-"])
        let full = try await api.ask(
            .get, "/1.0/query?project=a%2Fb&filter=name+eq+c1&recursion=2&all-projects=true&target=m1&x=%zz")
        #expect(full.json["metadata"] == ["a/b", "name eq c1", "2", "true", "m1"])
    }

    @Test(arguments: ["{", "[1]", #"{"a":"b"}"#, "", #"{"a":1} trailing"#])
    func wrongJSONIsABadRequestThatSaysSo(_ body: String) async throws {
        let answer = try await api.ask(.put, "/1.0/instances/c1", body: body)
        #expect(answer.status == 400)
        #expect(answer.json["error"].stringValue?.isEmpty == false)
    }

    @Test func aBodyBeyondTheLimitIsRefused() async throws {
        let body = "{\"a\":" + String(repeating: " ", count: RequestScope.jsonBytesMax) + "1}"
        #expect(try await api.ask(.put, "/1.0/instances/c1", body: body).status == 413)
    }

    @Test func aChangeBasedOnAnOlderStateIsRefused() async throws {
        let tag = try #require(try await api.ask(.get, "/1.0/tagged").headers["ETag"])
        let good = try await api.ask(.put, "/1.0/instances/c1", headers: ["If-Match": tag], body: #"{"a":2}"#)
        #expect(good.status == 200)
        let unquoted = String(tag.dropFirst().dropLast())
        #expect(
            try await api.ask(.put, "/1.0/instances/c1", headers: ["If-Match": unquoted], body: #"{"a":2}"#).status
                == 200)
        let stale = try await api.ask(.put, "/1.0/instances/c1", headers: ["If-Match": "\"abc\""], body: #"{"a":2}"#)
        #expect(stale.status == 412)
        #expect(stale.json["error"] == .string("ETag doesn't match: \(unquoted) vs abc"))
    }

    @Test func anErrorThatIsNoneOfOursIsInternal() async throws {
        #expect(try await api.ask(.get, "/1.0/broken").status == 500)
    }

    @Test func whatADaemonAnswersBeforeAndAfterItIsReady() async throws {
        api.server.enter(.starting)
        #expect(try await api.ask(.get, "/1.0/admin").json["error"] == "LXD daemon setup in progress")
        #expect(try await api.ask(.get, "/internal/local").status == 200)
        api.server.enter(.stopping)
        #expect(try await api.ask(.get, "/1.0/admin").status == 200)
        let change = try await api.ask(.post, "/1.0/change")
        #expect(change.status == 503 && change.json["error"] == "LXD is shutting down")
    }

    @Test func aRequestWaitsForADaemonThatIsStarting() async throws {
        let api = TestAPI([SampleRoutes()], startPatience: .seconds(60))
        api.server.enter(.starting)
        async let answer = api.ask(.get, "/1.0/admin")
        try await Task.sleep(for: .milliseconds(50))
        api.server.enter(.ready)
        #expect(try await answer.status == 200)
    }
}

@Suite struct AuthorizationTests {
    private let api = TestAPI([SampleRoutes()])

    init() { api.trustTestCertificates() }

    /// Rows: path; columns: the status for the unix socket, an administrator's certificate, one restricted to the project
    /// "shop", an unknown certificate, no certificate.
    @Test(arguments: [
        ("/1.0/admin", [200, 200, 403, 403, 403]),
        ("/1.0/authenticated", [200, 200, 200, 403, 403]),
        ("/1.0/project", [200, 200, 403, 403, 403]),
        ("/1.0/project?project=shop", [200, 200, 200, 403, 403]),
        ("/1.0/project?all-projects=true", [200, 200, 403, 403, 403]),
        ("/1.0/list", [200, 200, 403, 403, 403]),
        ("/1.0/list?all-projects=true", [200, 200, 200, 403, 403]),
        ("/1.0/everybody", [200, 200, 200, 200, 200]),
        ("/internal/local", [200, 403, 403, 403, 403]),
        ("/1.0/nothing", [404, 404, 404, 404, 404]),
    ])
    func whoMayUseWhat(_ target: String, _ statuses: [Int]) async throws {
        for (from, expected) in zip(TestAPI.From.allCases, statuses) {
            let answer = try await api.ask(.get, target, from: from)
            #expect(answer.status == expected, "\(target) from \(from)")
            if expected == 403 { #expect(answer.json["error"] == "not authorized") }
        }
    }

    @Test func strangersLearnNothingAboutMethods() async throws {
        #expect(try await api.ask(.delete, "/1.0/everybody", from: .stranger).status == 403)
    }

    @Test func aRevokedCertificateIsUntrustedAtOnce() async throws {
        #expect(try await api.ask(.get, "/1.0/admin", from: .admin).status == 200)
        _ = api.trust.replace(with: [])
        #expect(try await api.ask(.get, "/1.0/admin", from: .admin).status == 403)
    }

    /// Rows: headers of the request, whether a change is refused.
    @Test(
        arguments: [
            ([:], false),
            (["Sec-Fetch-Site": "cross-site"], true),
            (["Sec-Fetch-Site": "same-site"], true),
            (["Sec-Fetch-Site": "same-origin", "Origin": "https://lxd:8443"], false),
            (["Sec-Fetch-Site": "none"], false),
            (["Origin": "https://evil.example", "Host": "lxd:8443"], true),
            (["Origin": "https://lxd:8443", "Host": "lxd:8443"], false),
            (["Origin": "null", "Host": "lxd:8443"], true),
            (["Origin": "ws+unix://localhost", "Host": "localhost"], false),
        ] as [([String: String], Bool)])
    func changesFromOtherSitesAreRefused(_ headers: [String: String], _ refused: Bool) async throws {
        var fields: HeaderFields = [:]
        for (name, value) in headers { fields[name] = value }
        #expect(try await api.ask(.post, "/1.0/change", from: .admin, headers: fields).status == (refused ? 403 : 200))
        #expect(try await api.ask(.get, "/1.0/admin", from: .admin, headers: fields).status == 200)
        fields["Connection"] = "Upgrade"
        fields["Upgrade"] = "websocket"
        fields["Sec-WebSocket-Key"] = "AAAA"
        fields["Sec-WebSocket-Version"] = "13"
        #expect(try await api.ask(.get, "/1.0/socket", from: .admin, headers: fields).status == (refused ? 403 : 101))
    }

    @Test func anAllowedOriginMayChangeThings() async throws {
        var rules = CrossOriginRules()
        rules.origin = "https://ui.example"
        api.server.apply(rules)
        let answer = try await api.ask(
            .post, "/1.0/change", from: .admin,
            headers: ["Origin": "https://ui.example", "Sec-Fetch-Site": "cross-site"])
        #expect(answer.status == 200)
        #expect(answer.headers["Access-Control-Allow-Origin"] == "https://ui.example")
        #expect(
            try await api.ask(.post, "/1.0/change", from: .admin, headers: ["Origin": "https://evil.example"]).status
                == 403)
    }
}
