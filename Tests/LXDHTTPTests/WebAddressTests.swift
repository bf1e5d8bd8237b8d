import LXDHTTP
import Testing

@Suite struct WebAddressTests {
    @Test func partsAreTakenApart() throws {
        let address = try #require(WebAddress("HTTPS://user:pa%20ss@Images.Example:8443/a b/c?d=e#f"))
        #expect(address.isSecure)
        #expect(address.host == "images.example")
        #expect(address.port == 8443)
        #expect(address.target == "/a%20b/c?d=e")
        #expect(address.credentials == "user:pa ss")
        #expect(address.description == "https://images.example:8443/a%20b/c?d=e")
        #expect(WebAddress("http://[::1]:80")?.description == "http://[::1]/")
        #expect(WebAddress("http://10.0.0.1?x")?.target == "/?x")
    }

    @Test(arguments: [
        "", "images.example", "ftp://x", "https://", "https://:1/", "http://a b/", "http://a:0/", "http://a:99999/",
        "http://[::1/",
        "http://a/\r\nHost: b", "http://a\r\n/", "http://[a\r\nb]/", "file:///etc/passwd", "http://a/\u{7f}",
        "http://a%0a/",
    ])
    func whatIsNoWebAddressIsRefused(_ text: String) {
        #expect(WebAddress(text) == nil)
    }

    @Test func filesAreBelowTheAddress() throws {
        let base = try #require(WebAddress("https://x/releases/"))
        #expect(base.file("streams/v1/index.json")?.description == "https://x/releases/streams/v1/index.json")
        #expect(base.file("a?b#c")?.target == "/releases/a%3Fb%23c")
        #expect(base.file("a:b")?.host == "x")
        for path in ["", "..", "a/../b", "./a", "/a", "a//b", "a/", "http://y/", "a\\b", "a\nb"] {
            #expect(base.file(path) == nil, "\(path)")
        }
    }

    @Test func redirectsAreSeenFromWhereTheyStand() throws {
        let base = try #require(WebAddress("https://x:1/a/b?c"))
        #expect(base.resolving("d")?.description == "https://x:1/a/d")
        #expect(base.resolving("/d?e")?.description == "https://x:1/d?e")
        #expect(base.resolving("//y/d")?.description == "https://y/d")
        #expect(base.resolving("http://y/d")?.isSecure == false)
        #expect(base.resolving("javascript:x") == nil)
        #expect(base.resolving("/a\r\nb") == nil)
    }
}

@Suite struct ProxyRulesTests {
    private func proxy(_ rules: ProxyRules, _ url: String) throws -> String? {
        try rules.proxy(for: try #require(WebAddress(url)))?.authority
    }

    @Test func configurationComesBeforeTheEnvironment() throws {
        let environment = ["HTTP_PROXY": "http://env:1", "https_proxy": "env:2"]
        let rules = ProxyRules(http: "http://own:3", environment: environment)
        #expect(try proxy(rules, "http://x/") == "own:3")
        #expect(try proxy(rules, "https://x/") == "env:2")
        #expect(try proxy(ProxyRules(), "https://x/") == nil)
    }

    @Test func someHostsNeedNone() throws {
        let rules = ProxyRules(http: "p:1", ignoredHosts: "direct.example, .inner,10.0.0.0/8,192.168.1.1:80,fd00::/8")
        for host in [
            "direct.example", "a.direct.example", "a.inner", "inner", "10.9.8.7", "192.168.1.1", "localhost",
            "127.0.0.1", "[::1]", "[fd00::1]",
        ] {
            #expect(try proxy(rules, "http://\(host)/") == nil, "\(host)")
        }
        for host in ["indirect.example", "xinner", "11.0.0.1", "[fe80::1]"] {
            #expect(try proxy(rules, "http://\(host)/") == "p:1", "\(host)")
        }
        #expect(try proxy(ProxyRules(http: "p:1", ignoredHosts: "*"), "http://x/") == nil)
    }

    @Test func proxiesOfOtherKindsAreRefused() {
        #expect(throws: WebError.self) { try proxy(ProxyRules(http: "socks5://p:1"), "http://x/") }
        #expect(throws: WebError.self) { try proxy(ProxyRules(https: "https://p:1"), "https://x/") }
    }
}
