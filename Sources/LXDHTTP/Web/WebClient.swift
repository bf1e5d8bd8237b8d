internal import Foundation
package import NIOCore
internal import NIOPosix
internal import Synchronization

/// Why something could not be fetched, beyond what the transport says.
package enum WebError: Error, Sendable, Equatable, CustomStringConvertible {
    case tooManyRedirects(String)
    /// A redirect from https to http would give up what was asked for.
    case insecureRedirect(from: String, to: String)
    case badRedirect(String)
    case badProxy(String)
    case proxyRefused(status: String)
    /// The other side sends, but so slowly that it would never end.
    case tooSlow
    /// A name or address that means this host itself, asked for by somebody who may not reach it.
    case refusedAddress(String)

    package var description: String {
        switch self {
        case .tooManyRedirects(let url): "\(url) leads from one redirect to the next"
        case .insecureRedirect(let from, let to): "\(from) leads from https to \(to)"
        case .badRedirect(let location): "The server redirects to \(location.prefix(200)), which is no web address"
        case .badProxy(let text): "Invalid proxy address \"\(text.prefix(200))\": only http proxies are supported"
        case .proxyRefused(let status): "The proxy refused the connection: \(status.prefix(200))"
        case .tooSlow: "the server sends too slowly"
        case .refusedAddress(let host): "\(host.prefix(255)) is an address of this server's own, which this project may not use"
        }
    }
}

/// How little a body may bring before it is given up: `bytesMin` bytes for each `window` spent waiting.
package struct BodyPace: Sendable, Hashable {
    package var window: Duration
    package var bytesMin: Int

    package init(window: Duration = .seconds(60), bytesMin: Int = 16 << 10) {
        self.window = window
        self.bytesMin = bytesMin
    }
}

/// Fetches from servers on the web: image servers, not LXD's API.
///
/// Follows redirects, but neither many nor from https to http; goes through proxies; gives up on servers that do not
/// answer or hardly send. Connections are kept while it lives.
package final class WebClient: Sendable {
    package struct Settings: Sendable {
        package var userAgent = ""
        package var proxies = ProxyRules()
        package var verification = ClientTLS.Verification.system
        package var connectTimeout = Duration.seconds(30)
        /// How long to wait for an answer's head; nil: as long as it takes.
        package var headTimeout: Duration? = .seconds(30)
        package var pace = BodyPace()
        package var redirectsMax = 10
        package var reach = NetworkReach.everywhere

        package init() {}
    }

    /// What was answered at the end of all redirects.
    package struct Answer: Sendable {
        package let status: Int
        package let headers: HeaderFields
        package let body: IncomingBody
        /// Where it came from.
        package let address: WebAddress
    }

    private struct Place: Hashable {
        let isSecure: Bool
        let host: String
        let port: UInt16
        let proxy: WebAddress?
    }

    private let settings: Settings
    private let group: any EventLoopGroup
    private let sessions = Mutex<[Place: HTTPClientSession]>([:])

    package init(_ settings: Settings, group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton) {
        self.settings = settings
        self.group = group
    }

    /// - Throws: ``WebError``, `HTTPTransportError`, the system's errors.
    ///
    /// - Parameter body: Sent once only: a redirect of a request with a body is an error.
    package func send(
        _ verb: HTTPVerb, _ address: WebAddress, headers: HeaderFields = [:], body: OutgoingBody? = nil
    ) async throws -> Answer {
        if let body { return try await upload(verb, address, headers, body) }
        var place = address
        for _ in 0...settings.redirectsMax {
            let answer = try await exchange(
                verb, place, headers, credentials: place.isSameServer(as: address) ? address.credentials : nil)
            guard [301, 302, 303, 307, 308].contains(answer.status), let location = answer.headers["Location"] else {
                return Answer(status: answer.status, headers: answer.headers, body: answer.body, address: place)
            }
            guard let next = place.resolving(location) else { throw WebError.badRedirect(location) }
            guard next.isSecure || !place.isSecure else {
                throw WebError.insecureRedirect(
                    from: place.withoutQuery.description, to: next.withoutQuery.description)
            }
            place = next
        }
        throw WebError.tooManyRedirects(address.withoutQuery.description)
    }

    private func upload(
        _ verb: HTTPVerb, _ address: WebAddress, _ headers: HeaderFields, _ body: OutgoingBody
    ) async throws -> Answer {
        // The answer comes when the whole body has been read, however long that takes.
        let answer = try await exchange(verb, address, headers, credentials: address.credentials) { request in
            request.body = body
            request.timeout = nil
        }
        guard !(300..<400).contains(answer.status) else {
            throw WebError.tooManyRedirects(address.withoutQuery.description)
        }
        return Answer(status: answer.status, headers: answer.headers, body: answer.body, address: address)
    }

    private func exchange(
        _ verb: HTTPVerb, _ address: WebAddress, _ headers: HeaderFields, credentials: String?,
        _ change: (inout OutgoingRequest) -> Void = { _ in }
    ) async throws -> IncomingResponse {
        let rule = try settings.reach.admit(address.host)
        let proxy = try settings.proxies.proxy(for: address)
        var request = OutgoingRequest(verb, address.target, headers: headers, timeout: settings.headTimeout)
        request.pace = settings.pace
        change(&request)
        request.headers["Host"] = address.authority
        if !settings.userAgent.isEmpty { request.headers["User-Agent"] = settings.userAgent }
        if let credentials { request.headers["Authorization"] = Self.basic(credentials) }
        if let proxy, !address.isSecure {
            request.target = address.description
            if let credentials = proxy.credentials { request.headers["Proxy-Authorization"] = Self.basic(credentials) }
        }
        return try await session(address, proxy, rule).send(request)
    }

    private func session(_ address: WebAddress, _ proxy: WebAddress?, _ asked: AddressRule) throws -> HTTPClientSession {
        // A proxy is the administrator's; it looks up the names behind it.
        let rule = proxy == nil ? asked : .any
        let place = Place(isSecure: address.isSecure, host: address.host, port: address.port, proxy: proxy)
        if let known = sessions.withLock({ $0[place] }) { return known }
        let session: HTTPClientSession
        if address.isSecure {
            let endpoint = HTTPEndpoint.tcp(
                host: address.host, port: address.port, tls: try ClientTLS(verification: settings.verification))
            let tunnel = proxy.map { proxy in
                ProxyTunnel(
                    host: proxy.host, port: proxy.port, target: endpoint.description,
                    authorization: proxy.credentials.map(Self.basic))
            }
            session = HTTPClientSession(
                endpoint, connectTimeout: settings.connectTimeout, group: group, tunnel: tunnel, admits: rule)
        } else {
            let place = proxy ?? address
            session = HTTPClientSession(
                .tcp(host: place.host, port: place.port, tls: nil), connectTimeout: settings.connectTimeout,
                group: group, admits: rule)
        }
        return sessions.withLock { sessions in
            if let known = sessions[place] { return known }
            sessions[place] = session
            return session
        }
    }

    private static func basic(_ credentials: String) -> String {
        "Basic " + Data(credentials.utf8).base64EncodedString()
    }
}
