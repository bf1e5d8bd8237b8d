import LXDLinux
import SystemPackage
import Testing

@testable import LXDNetlink

/// Messages as the kernel reads them, byte by byte. Numbers are little endian: the tests' machines all are.
struct NetlinkRequestTests {
    @Test func creatingABridgeNamesKindAndOptions() {
        let message = LinkRequests.create(LinkCreation("br0", .bridge(forwardDelay: 0)))
        let expected: [UInt8] = [
            76, 0, 0, 0, 16, 0, 0x01, 0x06, 1, 0, 0, 0, 0, 0, 0, 0,  // length, RTM_NEWLINK, request|excl|create, sequence
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // ifinfomsg
            8, 0, 3, 0, 0x62, 0x72, 0x30, 0,  // IFLA_IFNAME "br0"
            36, 0, 18, 0,  // IFLA_LINKINFO
            11, 0, 1, 0, 0x62, 0x72, 0x69, 0x64, 0x67, 0x65, 0, 0,  // IFLA_INFO_KIND "bridge", padded
            20, 0, 2, 0,  // IFLA_INFO_DATA
            8, 0, 5, 0, 0, 0, 0, 0,  // IFLA_BR_STP_STATE off
            8, 0, 1, 0, 0, 0, 0, 0,  // IFLA_BR_FORWARD_DELAY 0
        ]
        #expect(message.finished(sequence: 1) == expected)
    }

    @Test func anAddressThatHasMovedIsToldToTheBridgeAndTheNetwork() throws {
        let address = try #require(MACAddress("00:16:3e:01:02:03"))
        let expected: [UInt8] = [
            40, 0, 0, 0, 28, 0, 0x01, 0x05, 1, 0, 0, 0, 0, 0, 0, 0,  // length, RTM_NEWNEIGH, request|replace|create, sequence
            7, 0, 0, 0, 9, 0, 0, 0, 2, 0, 2, 0,  // ndmsg: bridge, link 9, reachable, master
            10, 0, 2, 0, 0x00, 0x16, 0x3e, 0x01, 0x02, 0x03, 0, 0,  // NDA_LLADDR, padded
        ]
        #expect(RouteSocket.bridgeEntry(address, port: 9).finished(sequence: 1) == expected)
        let frame = RouteSocket.announcement(address)
        #expect(frame.count == 60)
        #expect(frame.prefix(22) == [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x16, 0x3e, 0x01, 0x02, 0x03, 0x80, 0x35,  // to all, RARP
            0, 1, 8, 0, 6, 4, 0, 3,  // Ethernet, IPv4, 6, 4, request
        ])
    }

    @Test func movingALinkRenamesItInTheSameRequest() {
        let message = LinkRequests.change(index: 7, LinkChange(name: "eth0", namespace: .descriptor(9)))
        let expected: [UInt8] = [
            52, 0, 0, 0, 16, 0, 0x01, 0, 2, 0, 0, 0, 0, 0, 0, 0,  // RTM_NEWLINK, request
            0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // ifinfomsg: index 7
            9, 0, 3, 0, 0x65, 0x74, 0x68, 0x30, 0, 0, 0, 0,  // IFLA_IFNAME "eth0", padded
            8, 0, 28, 0, 9, 0, 0, 0,  // IFLA_NET_NS_FD 9
        ]
        #expect(message.finished(sequence: 2) == expected)
    }

    @Test func aRouteOfAnInstanceIsMarkedBoot() throws {
        let prefix = try #require(IPPrefix("192.0.2.1/32"))
        let message = RouteRequests.add(Route(to: prefix, linkIndex: 3, origin: .boot))
        let expected: [UInt8] = [
            44, 0, 0, 0, 24, 0, 0x01, 0x06, 1, 0, 0, 0, 0, 0, 0, 0,  // RTM_NEWROUTE
            2, 32, 0, 0, 254, 3, 253, 1, 0, 0, 0, 0,  // AF_INET /32, main table, boot, scope link, unicast
            8, 0, 1, 0, 192, 0, 2, 1,  // RTA_DST
            8, 0, 4, 0, 3, 0, 0, 0,  // RTA_OIF
        ]
        #expect(message.finished(sequence: 1) == expected)
    }

    @Test func anAddressIsLocalAndPeer() throws {
        let prefix = try #require(IPPrefix("10.0.0.1/24"))
        let message = AddressRequests.add(LinkAddress(linkIndex: 5, prefix: prefix))
        let expected: [UInt8] = [
            40, 0, 0, 0, 20, 0, 0x01, 0x06, 1, 0, 0, 0, 0, 0, 0, 0,  // RTM_NEWADDR
            2, 24, 0, 0, 5, 0, 0, 0,  // ifaddrmsg
            8, 0, 2, 0, 10, 0, 0, 1,  // IFA_LOCAL
            8, 0, 1, 0, 10, 0, 0, 1,  // IFA_ADDRESS
        ]
        #expect(message.finished(sequence: 1) == expected)
    }

    @Test func linksOfAnotherNamespaceAreAskedForByItsNumber() {
        let message = LinkRequests.list(namespaceID: 4, withStatistics: true)
        #expect(message.finished(sequence: 1).suffix(8) == [8, 0, 46, 0, 4, 0, 0, 0])
    }
}

struct NetlinkAnswerTests {
    private static func message(_ type: UInt16, flags: UInt16 = 0, sequence: UInt32 = 1, _ body: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in [UInt32(16 + body.count)] { withUnsafeBytes(of: number) { bytes += $0 } }
        for number in [type, flags] { withUnsafeBytes(of: number) { bytes += $0 } }
        for number in [sequence, 0] { withUnsafeBytes(of: number) { bytes += $0 } }
        return bytes + body
    }

    private static func decode(_ bytes: [UInt8]) throws -> (answers: [NetlinkAnswer], isDone: Bool) {
        var decoder = NetlinkDecoder(sequence: 1)
        var answers: [NetlinkAnswer] = []
        let isDone = try decoder.decode(bytes[...], into: &answers)
        return (answers, isDone)
    }

    @Test func anErrorCarriesTheKernelsSentence() throws {
        let code: [UInt8] = [0xef, 0xff, 0xff, 0xff]  // -EEXIST
        let echoed: [UInt8] = [32, 0, 0, 0, 16, 0, 5, 6] + [UInt8](repeating: 0, count: 8)
        let sentence = Array("taken".utf8) + [0]
        let attribute: [UInt8] = [10, 0, 1, 0] + sentence + [0, 0]
        let bytes = Self.message(2, flags: NLM.extendedAcknowledge | NLM.capped, code + echoed + attribute)
        #expect(throws: NetlinkFailure(errno: .fileExists, detail: "taken")) { try Self.decode(bytes) }
    }

    @Test func anAcknowledgementEndsTheConversation() throws {
        let result = try Self.decode(Self.message(2, [0, 0, 0, 0] + [UInt8](repeating: 0, count: 16)))
        #expect(result.isDone && result.answers.isEmpty)
    }

    @Test func anInterruptedDumpIsAskedForAgain() {
        let bytes = Self.message(16, flags: NLM.dumpInterrupted, [UInt8](repeating: 0, count: 16))
        #expect(throws: NetlinkFailure(errno: .interrupted)) { try Self.decode(bytes) }
    }

    @Test func messagesOfAnEarlierConversationAreLeftOut() throws {
        let result = try Self.decode(Self.message(16, sequence: 0, [UInt8](repeating: 0, count: 16)))
        #expect(!result.isDone && result.answers.isEmpty)
    }

    @Test(
        arguments: [[1, 2, 3], [8, 0, 0, 0, 2, 0], [255, 255, 255, 255, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]]
            as [[UInt8]])
    func malformedAnswersAreRefused(_ bytes: [UInt8]) {
        #expect(throws: NetlinkFailure.self) { try Self.decode(bytes) }
    }

    @Test func anAttributeThatClaimsTooMuchEndsTheReading() {
        var reader = NetlinkReader([200, 0, 1, 0, 1, 2, 3, 4][...])
        #expect(reader.attribute() == nil)
    }

    @Test func aLinkIsReadWithKindPeerAndCounters() throws {
        var message = NetlinkMessage(type: RTM.newLink, flags: 0)
        LinkRequests.header(&message, index: 11, flags: Link.flagUp)
        message.attribute(IFLA.name, string: "eth0")
        message.attribute(IFLA.mtu, number: UInt32(1400))
        message.attribute(IFLA.address, [0, 0x16, 0x3e, 1, 2, 3])
        message.attribute(IFLA.link, number: Int32(12))
        message.nested(IFLA.linkInfo) { $0.attribute(IFLA.infoKind, string: "veth") }
        message.attribute(IFLA.statistics64, (1...24).flatMap { n in withUnsafeBytes(of: UInt64(n)) { Array($0) } })
        let link = try #require(Link(answer: message.bytes.dropFirst(16)))
        #expect(link.name == "eth0" && link.index == 11 && link.mtu == 1400 && link.isUp && link.kind == "veth")
        #expect(link.peerIndex == 12 && link.hardwareAddressText == "00:16:3e:01:02:03")
        #expect(
            link.statistics?.receivedPackets == 1 && link.statistics?.sentBytes == 4
                && link.statistics?.sendDropped == 8)
    }
}

struct IPAddressTests {
    @Test(arguments: [
        ("10.0.0.1/24", "10.0.0.0/24", "10.0.0.255"), ("192.0.2.129/25", "192.0.2.128/25", "192.0.2.255"),
        ("fd42::1/64", "fd42::/64", "fd42::ffff:ffff:ffff:ffff"), ("0.0.0.0/0", "0.0.0.0/0", "255.255.255.255"),
    ])
    func prefixesKnowTheirNetworkAndLastAddress(_ text: String, _ network: String, _ last: String) throws {
        let prefix = try #require(IPPrefix(text))
        #expect("\(prefix.network)" == network && "\(prefix.broadcast)" == last)
    }

    @Test(arguments: ["", "10.0.0.1", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0/24", "fd42::1/129", "a/1", "10.0.0.1/24/1"])
    func whatIsNoPrefixIsRefused(_ text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test func hostsAreCountedFromBothEnds() throws {
        let prefix = try #require(IPPrefix("10.0.0.1/24"))
        #expect(prefix.host(2)?.description == "10.0.0.2" && prefix.host(-2)?.description == "10.0.0.254")
    }

    @Test func anEUI64AddressFollowsFromTheHardwareAddress() throws {
        let mac = try #require(MACAddress("00:16:3e:11:22:33"))
        let prefix = try #require(IPPrefix("fd42:1:2:3::1/64"))
        #expect(mac.eui64(in: prefix)?.description == "fd42:1:2:3:216:3eff:fe11:2233")
    }

    @Test func overlapIsSeenFromBothSides() throws {
        let wide = try #require(IPPrefix("10.0.0.0/8"))
        let narrow = try #require(IPPrefix("10.1.2.0/24"))
        #expect(wide.overlaps(narrow) && narrow.overlaps(wide))
    }
}
