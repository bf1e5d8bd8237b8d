import Testing

@testable import LXDCore

@Suite struct ListenAddressTests {
    @Test(arguments: [
        ("", ""), ("10.0.0.1", "10.0.0.1:8443"), (":8443", ":8443"), ("[::]:9999", "[::]:9999"), ("::1", "[::1]:8443"),
        ("[fd00::1]", "[fd00::1]:8443"), ("host.example:1", "host.example:1"), ("10.0.0.1:", "10.0.0.1:8443"),
        ("[::]", "[::]:8443"), ("[::]:", "[::]:8443"), ("fd00::", "[fd00::]:8443"), ("host", "host:8443"),
    ])
    func addressesGetAPort(given: String, expected: String) {
        #expect(ListenAddress.canonical(given) == expected)
    }

    @Test func hostAndPortAreTakenApart() {
        #expect(ListenAddress.split("[::1]:80")?.host == "::1")
        #expect(ListenAddress.split("::1") == nil)
    }

    @Test func pathsAreEscaped() {
        #expect(ResourcePath.of("images", "aliases", "debian/12", project: "a b") == "/1.0/images/aliases/debian%2F12?project=a%20b")
    }
}
