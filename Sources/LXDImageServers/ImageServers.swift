package import LXDAPI
package import LXDHTTP

/// The way to image servers, as this server's configuration has it.
package struct ImageServers: Sendable {
    /// Empty values leave it to the environment.
    package struct Proxies: Sendable {
        package var http = ""
        package var https = ""
        package var ignoredHosts = ""

        package init(http: String, https: String, ignoredHosts: String) {
            self.http = http
            self.https = https
            self.ignoredHosts = ignoredHosts
        }
    }

    /// How proxies are reached at present.
    package var proxies = Proxies(http: "", https: "", ignoredHosts: "")
    /// Set for whoever may not have this server ask itself or its links: hosts that they may nevertheless name.
    package var trustedHosts: Set<String>?
    private let base: WebClient.Settings
    private let userAgent: String
    private let environment: [String: String]
    private let cache: StreamCache?

    /// - Parameters:
    ///   - settings: What is the same for all; tests shorten the waits.
    ///   - environment: Where proxies are named that the configuration does not name.
    ///   - cache: For documents of simplestreams servers; nil for none.
    package init(
        settings: WebClient.Settings = WebClient.Settings(), userAgent: String, environment: [String: String] = [:],
        cache: StreamCache? = nil
    ) {
        base = settings
        self.userAgent = userAgent
        self.environment = environment
        self.cache = cache
    }

    private var settings: WebClient.Settings {
        var settings = base
        settings.userAgent = userAgent
        settings.proxies = ProxyRules(
            http: proxies.http, https: proxies.https, ignoredHosts: proxies.ignoredHosts, environment: environment)
        settings.reach = reach
        return settings
    }

    private var reach: NetworkReach { trustedHosts.map { .beyondThisHost(except: $0) } ?? .everywhere }

    /// The host in a URL, lower case; nil for what is none.
    package static func host(of url: String) -> String? { WebAddress(url)?.host }

    /// Whether a server may be asked, as far as its address says without a name being looked up.
    package func mayAsk(_ url: String) -> Bool { WebAddress(url).map(reach.mayReach) ?? false }

    package func simpleStreams(_ url: String) throws(LXDError) -> SimpleStreamsServer {
        try SimpleStreamsServer(url: url, client: WebClient(settings), cache: cache)
    }

    /// - Parameter certificate: In PEM, the one it must show; empty when an authority of the system vouches for it.
    package func lxd(_ url: String, certificate: String, project: String) throws(LXDError) -> LXDImageServer {
        try LXDImageServer(url: url, certificate: certificate, project: project, settings: settings)
    }

    /// The image that a URL leads to by headers.
    package func image(behind url: String, architectures: [String], version: String) async throws(LXDError)
        -> ImageAtURL
    {
        try await ImageAtURL.find(url, architectures: architectures, version: version, client: WebClient(settings))
    }

    /// An image whose place and fingerprint are known.
    package func image(at file: String, fingerprint: String) throws(LXDError) -> ImageAtURL {
        try ImageAtURL(file: file, fingerprint: fingerprint, client: WebClient(settings))
    }
}
