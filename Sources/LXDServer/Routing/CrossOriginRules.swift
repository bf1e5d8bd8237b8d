internal import LXDHTTP

/// `core.https_allowed_*`: which web pages may use this server from a browser.
package struct CrossOriginRules: Sendable, Equatable {
    package var origin = ""
    package var methods = ""
    package var headers = ""
    package var credentials = false

    package init() {}

    /// Headers that tell a browser what is allowed; only for requests that come from one.
    func answerHeaders(for request: IncomingRequest) -> [(String, String)] {
        var fields: [(String, String)] = []
        if request.headers["Origin"] != nil {
            if !origin.isEmpty { fields.append(("Access-Control-Allow-Origin", origin)) }
            if !methods.isEmpty { fields.append(("Access-Control-Allow-Methods", methods)) }
            if !headers.isEmpty { fields.append(("Access-Control-Allow-Headers", headers)) }
        }
        if credentials { fields.append(("Access-Control-Allow-Credentials", "true")) }
        return fields
    }

    /// Whether a page of another site makes this request with its visitor's certificate.
    ///
    /// Reading is harmless: browsers do not show a page the answer. Changing and opening WebSockets is not. Programs
    /// send neither header, or an Origin that is no web page's (pylxd: `ws+unix://localhost`).
    func isForged(_ request: IncomingRequest) -> Bool {
        let changes = request.verb != .get && request.verb != .head || request.upgrade != nil
        guard changes else { return false }
        if let from = request.headers["Origin"], !origin.isEmpty, origin == "*" || origin == from { return false }
        if let site = request.headers["Sec-Fetch-Site"] { return site != "same-origin" && site != "none" }
        guard let from = request.headers["Origin"] else { return false }
        guard from == "null" || from.hasPrefix("http://") || from.hasPrefix("https://") else { return false }
        return from.split(separator: "/", omittingEmptySubsequences: true).last.map(String.init)
            != request.headers["Host"]
    }
}
