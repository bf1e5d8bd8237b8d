import FoundationEssentials
import LXDAPI
import LXDAuth
import LXDCore
import LXDDatabase
import Testing

/// Certificates made once with openssl, good until 2126: an authority, what it signed, what it took back, and what only
/// looks as if it had signed it.
private enum Signed {
    static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBjzCCATWgAwIBAgIUeOc9FIeg9SgKfxGI/lxcRkelCTowCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEyMzE1NTAyMloYDzIxMjYxMDMw
        MTU1MDIyWjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAARXOhyeCgr5Z/cqfeFjnnUKHo1HFJD3w0RuhJ9tNnXCnpGOHa3vKX2B
        K+ttE4V1eP3XDl5IETUKKhuN7bpqrFeIo2MwYTAdBgNVHQ4EFgQU+cq8dKodUEE0
        fxUvSWsvKWbE76cwHwYDVR0jBBgwFoAU+cq8dKodUEE0fxUvSWsvKWbE76cwDwYD
        VR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwIDSAAwRQIh
        AP54gMluxeHA/wRm8Iw8eV6qOHdF9N3V4yO0bf7vOZMpAiB5R2YPGOkdBqg2KFdq
        fQ6RpJ/iucM+/8PCvnRQyFe6Jw==
        -----END CERTIFICATE-----
        """
    static let good = """
        -----BEGIN CERTIFICATE-----
        MIIBDTCBswICEAAwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJYXV0aG9yaXR5MCAX
        DTI2MTEyMzE1NTAyMloYDzIxMjYxMDMwMTU1MDIyWjAOMQwwCgYDVQQDDANvbmUw
        WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASTsky4THvgm9mgHj/l6Dnx4bPKfTIK
        8bjGhmnUF1+7wpVR/iRPMxUYR6ib/ayPrJ27ceO1vEneDkLwdOlml5gHMAoGCCqG
        SM49BAMCA0kAMEYCIQCHG2DShU1X1LRIjmiBa8F0IViDKMje/bVnnMz4QWeRLgIh
        AKZH1e3yoFdRZ+ZnZUJqt1CxPreAQQGo7Ib7VnpM6GGQ
        -----END CERTIFICATE-----
        """
    static let takenBack = """
        -----BEGIN CERTIFICATE-----
        MIIBDTCBswICEAEwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJYXV0aG9yaXR5MCAX
        DTI2MTEyMzE1NTAyMloYDzIxMjYxMDMwMTU1MDIyWjAOMQwwCgYDVQQDDAN0d28w
        WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARo0avRDNHT7PjTKH9q9PyxTstNpaxG
        HBkpfk3jOeQ8PJ39Mxv1PMhEpAhcy0p313y0zFLSSl1F6wsJVCFC15ctMAoGCCqG
        SM49BAMCA0kAMEYCIQCgjdYGxqxzrkUQ0PENakd8UUxv8LAetSCIaSvoK4PgiAIh
        AMX4gCtiNcadtfo7taDsSiic7SzbJm7L9SCW7ruvz895
        -----END CERTIFICATE-----
        """
    static let forged = """
        -----BEGIN CERTIFICATE-----
        MIIBCjCBsgIBTTAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwIBcN
        MjYxMTIzMTU1MDIyWhgPMjEyNjEwMzAxNTUwMjJaMA4xDDAKBgNVBAMMA29uZTBZ
        MBMGByqGSM49AgEGCCqGSM49AwEHA0IABJOyTLhMe+Cb2aAeP+XoOfHhs8p9Mgrx
        uMaGadQXX7vClVH+JE8zFRhHqJv9rI+snbtx47W8Sd4OQvB06WaXmAcwCgYIKoZI
        zj0EAwIDRwAwRAIgeZrJO3qpziPha89bCCa1mhWwTk6HxGRwMYacwq1CB6cCIAe5
        HJl36HPcljJLQNrAX7ZSzKXtuML7gGeeADztcdQU
        -----END CERTIFICATE-----
        """
    static let expired = """
        -----BEGIN CERTIFICATE-----
        MIIBDDCBswICEAIwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJYXV0aG9yaXR5MB4X
        DTIwMDEwMTAwMDAwMFoXDTIwMDEwMjAwMDAwMFowEDEOMAwGA1UEAwwFdGhyZWUw
        WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASTsky4THvgm9mgHj/l6Dnx4bPKfTIK
        8bjGhmnUF1+7wpVR/iRPMxUYR6ib/ayPrJ27ceO1vEneDkLwdOlml5gHMAoGCCqG
        SM49BAMCA0gAMEUCIQDz94DpSKny+6BLQZ+HdntVnAJtlxPHTxKC7k4WbFHWoAIg
        NNas/nF4jM+++yCye3OQ80K3f8TC8a0hYZp/AnidOlg=
        -----END CERTIFICATE-----
        """
    static let revocations = """
        -----BEGIN X509 CRL-----
        MIHFMGwCAQEwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJYXV0aG9yaXR5Fw0yNjEx
        MjMxNTUwMjJaGA8yMTI2MTAzMDE1NTAyMlowFTATAgIQARcNMjYxMTIzMTU1MDIy
        WqAOMAwwCgYDVR0UBAMCAQEwCgYIKoZIzj0EAwIDSQAwRgIhAMRVk/xQI77Bo2J3
        HK1hhZ+/si8BPPGeWs9VQaAGYtQvAiEAzS06ez1C7czv5vrpa4OiTWNr66vlY0pO
        axVPBFL9dY4=
        -----END X509 CRL-----
        """
}

@Suite struct CertificateAuthorityTests {
    private static func der(_ pem: String) throws -> [UInt8] { try CertificateFacts(pem: pem).der }

    @Test func onlyWhatTheAuthoritySignedAndDidNotTakeBackCounts() throws {
        let authority = try CertificateAuthority(pem: Signed.authority, revocations: Array(Signed.revocations.utf8))
        #expect(authority.verdict(on: try Self.der(Signed.good)) == .signed)
        #expect(authority.verdict(on: try Self.der(Signed.takenBack)) == .revoked)
        #expect(authority.verdict(on: try Self.der(Signed.forged)) == .foreign)
        #expect(authority.verdict(on: Certificates.admin.der) == .foreign)
        #expect(authority.verdict(on: [1, 2, 3]) == .foreign)
    }

    @Test func withoutAListNothingIsRevoked() throws {
        let authority = try CertificateAuthority(pem: Signed.authority)
        #expect(authority.verdict(on: try Self.der(Signed.takenBack)) == .signed)
    }

    @Test func whatCannotBeReadIsNotPassedOver() {
        #expect(throws: LXDError.self) { try CertificateAuthority(pem: "nonsense") }
        #expect(throws: LXDError.self) { try CertificateAuthority(pem: Signed.good) }
        #expect(throws: LXDError.self) { try CertificateAuthority(pem: Signed.authority, revocations: [1, 2, 3]) }
        #expect(throws: LXDError.self) { try CertificateAuthority(pem: Signed.authority, revocations: []) }
    }
}

@Suite struct TrustDirectoryTests {
    private func row(_ pem: String, type: String = "client", projects: [String]? = nil) -> CertificateRow {
        var row = CertificateRow()
        row.certificate = pem
        row.type = type
        row.restricted = projects != nil
        row.projects = projects ?? []
        return row
    }

    private func entry(_ trust: TrustDirectory, _ pem: String, forMetrics: Bool = false) throws -> TrustDirectory.Entry? {
        let facts = try CertificateFacts(pem: pem)
        return trust.client(fingerprint: facts.fingerprint, der: facts.der, forMetrics: forMetrics)
    }

    private func authority() throws -> CertificateAuthority {
        try CertificateAuthority(pem: Signed.authority, revocations: Array(Signed.revocations.utf8))
    }

    @Test func aCertificateForMetricsIsGoodForNothingElse() throws {
        let trust = TrustDirectory()
        _ = trust.replace(with: [row(Signed.good, type: "metrics")])
        #expect(try entry(trust, Signed.good) == nil)
        #expect(try entry(trust, Signed.good, forMetrics: true)?.type == "metrics")
    }

    @Test func aCertificateOutOfDateIsTrustedNoMore() throws {
        let trust = TrustDirectory()
        _ = trust.replace(with: [row(Signed.expired)])
        #expect(try entry(trust, Signed.expired) == nil)
    }

    /// The host's clock is wrong: what is valid in truth is refused while the clock says otherwise, and no longer.
    @Test(arguments: [(-3600, false), (60, true), (3_122_064_000, true), (3_185_136_000, false)] as [(Double, Bool)])
    func theClockOfTheHostDecides(seconds: Double, isTrusted: Bool) throws {
        for authority in [nil, try authority()] {
            let trust = TrustDirectory(authority: authority)
            trust.setTrustsSigned(true)
            let facts = try CertificateFacts(pem: Signed.good)
            let now = facts.notBefore.addingTimeInterval(seconds)
            func isKnown() -> Bool { trust.client(fingerprint: facts.fingerprint, der: facts.der, at: now) != nil }
            // By its signature alone, then by an entry.
            #expect(isKnown() == (isTrusted && authority != nil))
            _ = trust.replace(with: [row(Signed.good)])
            #expect(isKnown() == isTrusted)
            #expect(((try? facts.check(at: now)) != nil) == isTrusted)
        }
    }

    @Test func whoWasTrustedBeforeThereWasAnAuthorityIsNotAnyMore() throws {
        let trust = TrustDirectory(authority: try authority())
        _ = trust.replace(with: [row(Certificates.admin.pem), row(Signed.forged)])
        #expect(try entry(trust, Certificates.admin.pem) == nil)
        #expect(try entry(trust, Signed.forged) == nil)
        #expect(!trust.accepts(Certificates.admin.der))
    }

    @Test func theSignatureAloneIsNotTrustUnlessItIsConfigured() throws {
        let trust = TrustDirectory(authority: try authority())
        #expect(try entry(trust, Signed.good) == nil)
        trust.setTrustsSigned(true)
        #expect(try entry(trust, Signed.good)?.restricted == false)
        #expect(try entry(trust, Signed.expired) == nil)
        #expect(try entry(trust, Certificates.stranger.pem) == nil)
        trust.setTrustsSigned(false)
        #expect(try entry(trust, Signed.good) == nil)
    }

    @Test func whatTheAuthorityTookBackIsTrustedNoMoreEvenWithAnEntry() throws {
        let trust = TrustDirectory(authority: try authority())
        trust.setTrustsSigned(true)
        _ = trust.replace(with: [row(Signed.takenBack)])
        #expect(try entry(trust, Signed.takenBack) == nil)
    }

    @Test func aRestrictedCertificateStaysRestrictedHoweverItIsSigned() throws {
        let trust = TrustDirectory(authority: try authority())
        trust.setTrustsSigned(true)
        _ = trust.replace(with: [row(Signed.good, projects: ["shop"])])
        let found = try #require(try entry(trust, Signed.good))
        #expect(found.restricted && found.projects == ["shop"])
    }
}
