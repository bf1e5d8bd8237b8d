import Glibc

/// The bytes of link requests, apart from any socket so that tests can read them.
package enum LinkRequests {
    /// ifinfomsg: family, padding, type, index, flags, change mask.
    static func header(
        _ message: inout NetlinkMessage, family: Int32 = AF_UNSPEC, index: Int32 = 0, flags: UInt32 = 0,
        mask: UInt32 = 0
    ) {
        message.append(UInt8(truncatingIfNeeded: family))
        message.append(UInt8(0))
        message.append(UInt16(0))
        message.append(index)
        message.append(flags)
        message.append(mask)
    }

    package static func create(_ link: LinkCreation) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.newLink, flags: NLM.create | NLM.exclusive)
        let flags = link.isUp ? Link.flagUp : 0
        header(&message, flags: flags, mask: flags)
        message.attribute(IFLA.name, string: link.name)
        if let mtu = link.mtu { message.attribute(IFLA.mtu, number: mtu) }
        if let address = link.address { message.attribute(IFLA.address, address.bytes) }
        if let master = link.masterIndex { message.attribute(IFLA.master, number: master) }
        switch link.kind {
        case .macvlan(let parent): message.attribute(IFLA.link, number: parent)
        case .vlan(let parent, _): message.attribute(IFLA.link, number: parent)
        default: break
        }
        message.nested(IFLA.linkInfo) { info in
            info.attribute(IFLA.infoKind, string: link.kind.name)
            link.kind.appendData(to: &info)
        }
        return message
    }

    package static func delete(index: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.deleteLink, flags: 0)
        header(&message, index: index)
        return message
    }

    package static func change(index: Int32, _ change: LinkChange) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.newLink, flags: 0)
        let mask = change.isUp == nil ? 0 : Link.flagUp
        header(&message, index: index, flags: change.isUp == true ? Link.flagUp : 0, mask: mask)
        if let name = change.name { message.attribute(IFLA.name, string: name) }
        if let mtu = change.mtu { message.attribute(IFLA.mtu, number: mtu) }
        if let address = change.address { message.attribute(IFLA.address, address.bytes) }
        if let master = change.masterIndex { message.attribute(IFLA.master, number: master) }
        switch change.namespace {
        case .ofProcess(let pid): message.attribute(IFLA.namespacePID, number: pid)
        case .descriptor(let descriptor): message.attribute(IFLA.namespaceDescriptor, number: descriptor)
        case nil: break
        }
        if let filtering = change.bridgeVLANFiltering {
            message.nested(IFLA.linkInfo) { info in
                info.attribute(IFLA.infoKind, string: "bridge")
                info.nested(IFLA.infoData) { $0.attribute(IFLA.bridgeVLANFiltering, number: UInt8(filtering ? 1 : 0)) }
            }
        }
        return message
    }

    package static func get(name: String) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.getLink, flags: 0)
        header(&message)
        message.attribute(IFLA.name, string: name)
        return message
    }

    package static func get(index: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.getLink, flags: 0)
        header(&message, index: index)
        return message
    }

    /// - Parameter namespaceID: Our number of another namespace; nil for our own.
    package static func list(namespaceID: Int32?, withStatistics: Bool) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.getLink, flags: 0)
        header(&message)
        if !withStatistics { message.attribute(IFLA.extendedMask, number: IFLA.maskSkipStatistics) }
        if let namespaceID { message.attribute(IFLA.targetNamespaceID, number: namespaceID) }
        return message
    }
}

extension LinkCreation.Kind {
    var name: String {
        switch self {
        case .bridge: "bridge"
        case .veth: "veth"
        case .macvlan: "macvlan"
        case .vlan: "vlan"
        case .dummy: "dummy"
        }
    }

    fileprivate func appendData(to info: inout NetlinkMessage) {
        switch self {
        case .bridge(let spanningTree, let forwardDelay, let vlanFiltering):
            info.nested(IFLA.infoData) { data in
                data.attribute(IFLA.bridgeSTPState, number: UInt32(spanningTree ? 1 : 0))
                if let forwardDelay { data.attribute(IFLA.bridgeForwardDelay, number: forwardDelay) }
                if let vlanFiltering { data.attribute(IFLA.bridgeVLANFiltering, number: UInt8(vlanFiltering ? 1 : 0)) }
            }
        case .veth(let peer, let peerAddress, let peerMTU):
            info.nested(IFLA.infoData) { data in
                data.nested(IFLA.vethPeer) { end in
                    LinkRequests.header(&end)
                    end.attribute(IFLA.name, string: peer)
                    if let peerMTU { end.attribute(IFLA.mtu, number: peerMTU) }
                    if let peerAddress { end.attribute(IFLA.address, peerAddress.bytes) }
                }
            }
        case .macvlan:
            // MACVLAN_MODE_BRIDGE
            info.nested(IFLA.infoData) { $0.attribute(IFLA.macvlanMode, number: UInt32(4)) }
        case .vlan(_, let id):
            info.nested(IFLA.infoData) { $0.attribute(IFLA.vlanID, number: id) }
        case .dummy:
            break
        }
    }
}

extension Link {
    /// - Parameter body: An RTM_NEWLINK message behind its header.
    init?(answer body: ArraySlice<UInt8>) {
        self.init()
        var reader = NetlinkReader(body)
        guard reader.skip(2), let type = reader.number(UInt16.self), let index = reader.number(Int32.self),
            let flags = reader.number(UInt32.self), reader.skip(4)
        else { return nil }
        (hardwareType, self.index, self.flags) = (type, index, flags)
        while let (type, payload) = reader.attribute() {
            switch type {
            case IFLA.name: name = NetlinkReader.string(payload)
            case IFLA.mtu: mtu = NetlinkReader.number(payload) ?? 0
            case IFLA.address: hardwareAddress = Array(payload)
            case IFLA.master: masterIndex = NetlinkReader.number(payload)
            case IFLA.link: peerIndex = NetlinkReader.number(payload)
            case IFLA.linkNamespaceID: peerNamespaceID = NetlinkReader.number(payload)
            case IFLA.operationalState: operationalState = NetlinkReader.number(payload) ?? 0
            case IFLA.statistics64: statistics = LinkStatistics(payload)
            case IFLA.linkInfo: readInfo(payload)
            default: break
            }
        }
        guard !name.isEmpty else { return nil }
    }

    private mutating func readInfo(_ payload: ArraySlice<UInt8>) {
        var reader = NetlinkReader(payload)
        while let (type, payload) = reader.attribute() {
            switch (type, kind) {
            case (IFLA.infoKind, _): kind = NetlinkReader.string(payload)
            case (IFLA.infoData, "bridge"): bridge = BridgeState(payload)
            case (IFLA.infoData, "vlan"): readVLAN(payload)
            default: break
            }
        }
    }

    private mutating func readVLAN(_ payload: ArraySlice<UInt8>) {
        var reader = NetlinkReader(payload)
        while let (type, payload) = reader.attribute(), type == IFLA.vlanID {
            vlanID = NetlinkReader.number(payload)
        }
    }
}

extension LinkStatistics {
    /// rtnl_link_stats64: packets, bytes, errors, dropped, each received then sent.
    fileprivate init?(_ payload: ArraySlice<UInt8>) {
        var reader = NetlinkReader(payload)
        guard let receivedPackets = reader.number(UInt64.self), let sentPackets = reader.number(UInt64.self),
            let receivedBytes = reader.number(UInt64.self), let sentBytes = reader.number(UInt64.self),
            let receiveErrors = reader.number(UInt64.self), let sendErrors = reader.number(UInt64.self),
            let receiveDropped = reader.number(UInt64.self), let sendDropped = reader.number(UInt64.self)
        else { return nil }
        self.init(
            receivedPackets: receivedPackets, sentPackets: sentPackets, receivedBytes: receivedBytes,
            sentBytes: sentBytes, receiveErrors: receiveErrors, sendErrors: sendErrors,
            receiveDropped: receiveDropped, sendDropped: sendDropped)
    }
}

extension BridgeState {
    fileprivate init(_ payload: ArraySlice<UInt8>) {
        var reader = NetlinkReader(payload)
        while let (type, payload) = reader.attribute() {
            switch type {
            case IFLA.bridgeID where payload.count == 8:
                let digits = payload.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
                id = digits.prefix(2).joined() + "." + digits.dropFirst(2).joined()
            case IFLA.bridgeSTPState: isSpanningTreeOn = NetlinkReader.number(payload, UInt32.self) != 0
            case IFLA.bridgeForwardDelay: forwardDelay = NetlinkReader.number(payload) ?? 0
            case IFLA.bridgeVLANFiltering: isVLANFiltering = NetlinkReader.number(payload, UInt8.self) != 0
            case IFLA.bridgeDefaultVLAN: defaultVLAN = NetlinkReader.number(payload) ?? 0
            default: break
            }
        }
    }
}
