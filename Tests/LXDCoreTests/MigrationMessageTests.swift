import Foundation
import LXDAPI
import LXDStorage
import Testing

@testable import LXDCore

@Suite struct MigrationMessageTests {
    /// The bytes that LXD 5.0.2's protobuf library writes for such a header.
    @Test func headersAreLXDsByteForByte() {
        var header = MigrationHeader()
        header.predump = false
        header.snapshotNames = ["snap0"]
        var snapshot = MigrationSnapshot()
        snapshot.name = "snap0"
        snapshot.config = ["a": "b"]
        snapshot.profiles = ["default"]
        snapshot.devices = ["eth0": ["type": "nic"]]
        snapshot.architecture = 2
        snapshot.createdAt = 1
        header.snapshots = [snapshot]
        header.rsyncFeatures = ["xattrs", "delete", "compress", "bidirectional"]
        header.refresh = true
        header.indexHeaderVersion = 1
        let expected = hex(
            """
            0800
            22 05 736e617030
            2a 35
               0a 05 736e617030
               12 06 0a0161 120162
               1a 07 64656661756c74
               20 00
               2a 13 0a0465746830 120b 0a0474797065 12036e6963
               30 02
               38 00
               40 01
            38 00
            42 08 0801 1001 1801 2001
            48 01
            68 01
            """)
        #expect(header.encoded == expected)
    }

    @Test func headersSurviveTheWay() throws {
        var header = MigrationHeader()
        header.stateTransfer = MigrationHeader.StateTransfer.none
        header.idMap = [MigrationIDRange(isUID: true, isGID: false, hostID: 1_000_000, namespaceID: 0, range: 65536)]
        header.rsyncFeatures = ["xattrs"]
        header.btrfsFeatures = ["migration_header"]
        header.formats = ["layers-1"]
        var snapshot = MigrationSnapshot()
        snapshot.name = "s"
        snapshot.expiresAt = LXDTime.zero.seconds
        snapshot.config = ["user.x": "ä", "user.y": ""]
        header.snapshots = [snapshot]
        header.snapshotNames = ["s"]
        #expect(try MigrationHeader(decoding: header.encoded) == header)
    }

    @Test func fieldsOfLaterVersionsArePassedOver() throws {
        var bytes = MigrationHeader().encoded
        bytes += hex("a01f 01 aa1f 03 616263 ad1f 01020304 b11f 0102030405060708")
        #expect(try MigrationHeader(decoding: bytes) == MigrationHeader())
    }

    @Test(arguments: [
        "", "10", "0a", "0aff", "0affffffffffffffffff01", "08ffffffffffffffffffff01", "2a02 0a05", "0b", "42 02 0a00",
        "0800 22 01 ff",
    ])
    func brokenMessagesAreRefused(_ text: String) {
        #expect(throws: LXDError.self) { try MigrationHeader(decoding: hex(text)) }
    }

    @Test func anyPrefixOfAMessageIsReadOrRefusedWithoutCrashing() {
        var snapshot = MigrationSnapshot()
        snapshot.name = "snap0"
        snapshot.devices = ["root": ["path": "/", "pool": "p", "type": "disk"]]
        var header = MigrationHeader()
        header.snapshots = [snapshot, snapshot]
        let bytes = header.encoded
        for end in bytes.indices {
            _ = try? MigrationHeader(decoding: Array(bytes[..<end]))
            var changed = bytes
            changed[end] ^= 0x55
            _ = try? MigrationHeader(decoding: changed)
        }
    }

    @Test func outcomesAreLXDs() throws {
        #expect(MigrationControl(isSuccess: true).encoded == hex("0801 1200"))
        #expect(MigrationControl(isSuccess: false, message: "no").encoded == hex("0800 12026e6f"))
        #expect(try MigrationControl(decoding: hex("0801")).isSuccess)
        #expect(throws: LXDError.self) { try MigrationControl(decoding: hex("1200")) }
    }

    private func hex(_ text: String) -> [UInt8] {
        let digits = text.filter(\.isHexDigit)
        return stride(from: 0, to: digits.count, by: 2).compactMap { offset in
            let start = digits.index(digits.startIndex, offsetBy: offset)
            return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
        }
    }
}

@Suite struct MigrationFormatTests {
    private let allRsync = TransferMethod.rsync(features: ["xattrs", "delete", "compress", "bidirectional"])

    @Test func lxdAndOursMeetAtRsync() throws {
        let ours = MigrationFormats([.layers, allRsync], poolConfig: [:])
        var lxd = MigrationHeader()
        lxd.rsyncFeatures = ["xattrs", "delete", "bidirectional"]
        #expect(
            try ours.choose(from: lxd, isRefresh: false) == .rsync(features: ["xattrs", "delete", "bidirectional"]))
        #expect(try ours.agreed(by: lxd) == .rsync(features: ["xattrs", "delete", "bidirectional"]))
    }

    @Test func lxdsOtherPoolsFallBackToRsync() throws {
        let ours = MigrationFormats([.layers, allRsync], poolConfig: [:])
        var zfs = MigrationHeader()
        zfs.transport = .zfs
        zfs.rsyncFeatures = ["xattrs", "bidirectional"]
        #expect(try ours.choose(from: zfs, isRefresh: false) == .rsync(features: ["xattrs", "bidirectional"]))
    }

    @Test func twoOfOursExchangeLayers() throws {
        let ours = MigrationFormats([.layers, allRsync], poolConfig: [:])
        var offer = MigrationHeader()
        ours.offer(in: &offer)
        #expect(offer.transport == .rsync)
        let chosen = try ours.choose(from: offer, isRefresh: true)
        var answer = MigrationHeader()
        ours.answer(chosen, in: &answer)
        #expect(try ours.agreed(by: answer) == .layers)
    }

    @Test func serversFromBeforeTheNegotiationGetOnlyOldFeatures() throws {
        let ours = MigrationFormats([allRsync], poolConfig: [:])
        #expect(
            try ours.choose(from: MigrationHeader(), isRefresh: false)
                == .rsync(features: ["xattrs", "delete", "compress"]))
    }

    @Test func compressionCanBeTurnedOffForThePool() {
        var offer = MigrationHeader()
        MigrationFormats([allRsync], poolConfig: ["rsync.compression": "false"]).offer(in: &offer)
        #expect(offer.rsyncFeatures == ["xattrs", "delete", "bidirectional"])
    }

    @Test func btrfsRefreshesNeedTheNamesOfSubvolumes() throws {
        let all = ["migration_header", "header_subvolumes", "header_subvolume_uuids"]
        let ours = MigrationFormats([.btrfs(features: all), allRsync], poolConfig: [:])
        var old = MigrationHeader()
        old.transport = .btrfs
        old.btrfsFeatures = ["migration_header"]
        #expect(try ours.choose(from: old, isRefresh: false) == .btrfs(features: ["migration_header"]))
        #expect(try ours.choose(from: old, isRefresh: true) == .rsync(features: ["xattrs", "delete", "compress"]))
    }

    @Test func whatWasNotOfferedIsNotTaken() {
        let ours = MigrationFormats([allRsync], poolConfig: [:])
        var answer = MigrationHeader()
        answer.formats = ["layers-1"]
        #expect(throws: LXDError.self) { try ours.agreed(by: answer) }
        answer.formats = []
        answer.transport = .zfs
        #expect(throws: LXDError.self) { try ours.agreed(by: answer) }
    }
}

@Suite struct MigrationRuleTests {
    @Test func refreshesFetchWhatDiffersInNameOrTime() {
        let changes = SnapshotChanges(
            source: [("same", 1), ("retaken", 2), ("new", 3)], target: [("same", 1), ("retaken", 1), ("gone", 9)])
        #expect(changes.missing == ["retaken", "new"])
        #expect(changes.obsolete == ["retaken", "gone"])
    }

    @Test(arguments: [
        ("https://10.0.0.1:8443/1.0/operations/6916c8a6-9b7d-4abd-90b3-aedfec7ec7da", "10.0.0.1", UInt16(8443)),
        ("https://[fd00::1]:8443/1.0/operations/6916c8a6", "fd00::1", 8443),
        ("https://host.example/1.0/operations/6916c8a6", "host.example", 443),
    ])
    func addressesOfOperationsAreRead(_ url: String, host: String, port: UInt16) throws {
        let operation = try RemoteOperation(url: url, certificatePEM: "")
        #expect((operation.host, operation.port) == (host, port))
        #expect(operation.path.hasPrefix("/1.0/operations/6916c8a6"))
    }

    /// A caller must not be able to send the server anywhere but to a socket of an operation.
    @Test(arguments: [
        "http://10.0.0.1/1.0/operations/6916", "https://10.0.0.1/1.0/instances", "https://10.0.0.1/1.0/operations/",
        "https://10.0.0.1/1.0/operations/../x", "https://10.0.0.1/1.0/operations/69?x=1",
        "https://u@h/1.0/operations/69",
        "https:///1.0/operations/69", "https://h:0/1.0/operations/69", "https://h:99999/1.0/operations/69",
        "https://h\r\nx/1.0/operations/69", "https://a:b:c/1.0/operations/69", "unix:///1.0/operations/69", "",
    ])
    func otherAddressesAreRefused(_ url: String) {
        #expect(throws: LXDError.self) { try RemoteOperation(url: url, certificatePEM: "") }
    }

    @Test func whatIsNoCertificateIsRefused() {
        let url = "https://h:1/1.0/operations/69"
        #expect { try RemoteOperation(url: url, certificatePEM: "none") } throws: { "\($0)" == "Invalid certificate" }
    }

    @Test func sizesOfProgressAreLXDs() {
        let some = TransferProgress(name: "c1/snap0", bytes: 123_456_789, totalBytes: nil)
        #expect(TransferReport.text(some, bytesPerSecond: 12_345_678) == "c1/snap0: 123.45MB (12.34MB/s)")
        let known = TransferProgress(name: "c1", bytes: 500, totalBytes: 1000)
        #expect(TransferReport.text(known, bytesPerSecond: 0) == "c1: 50% 500B (0B/s)")
    }
}
