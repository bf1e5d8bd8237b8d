import Glibc
import SystemPackage

/// An address on a link.
package struct LinkAddress: Sendable, Hashable {
    package var linkIndex: Int32
    /// The address itself with its prefix length, also on point-to-point links.
    package var prefix: IPPrefix
    /// `RT_SCOPE_…`: 0 global, 200 site, 253 link, 254 host.
    package var scope: UInt8
    /// `IFA_F_…`: 0x40 tentative, 0x80 permanent.
    package var flags: UInt32

    package init(linkIndex: Int32, prefix: IPPrefix, scope: UInt8 = 0, flags: UInt32 = 0) {
        self.linkIndex = linkIndex
        self.prefix = prefix
        self.scope = scope
        self.flags = flags
    }

    /// LXD's word for the scope.
    package var scopeName: String {
        // As LXD: by the address itself, not by what the kernel was told.
        let bytes = prefix.address.bytes
        if prefix.address.isIPv4 {
            if bytes.first == 127 { return "local" }
            return bytes.starts(with: [169, 254]) ? "link" : "global"
        }
        if bytes == [UInt8](repeating: 0, count: 15) + [1] { return "local" }
        return bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80 ? "link" : "global"
    }
}

package enum AddressRequests {
    /// ifaddrmsg: family, prefix length, flags, scope, link index.
    private static func header(
        _ message: inout NetlinkMessage, family: UInt8, length: UInt8, scope: UInt8, index: Int32
    ) {
        message.append(family)
        message.append(length)
        message.append(UInt8(0))
        message.append(scope)
        message.append(index)
    }

    package static func add(_ address: LinkAddress) -> NetlinkMessage {
        change(address, NetlinkMessage(type: RTM.newAddress, flags: NLM.create | NLM.exclusive))
    }

    package static func delete(_ address: LinkAddress) -> NetlinkMessage {
        change(address, NetlinkMessage(type: RTM.deleteAddress, flags: 0))
    }

    private static func change(_ address: LinkAddress, _ message: NetlinkMessage) -> NetlinkMessage {
        var message = message
        let ip = address.prefix.address
        header(
            &message, family: ip.family, length: UInt8(address.prefix.length), scope: address.scope,
            index: address.linkIndex)
        message.attribute(IFA.local, ip.bytes)
        message.attribute(IFA.address, ip.bytes)
        return message
    }

    package static func list(namespaceID: Int32?, linkIndex: Int32, family: UInt8) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.getAddress, flags: 0)
        header(&message, family: family, length: 0, scope: 0, index: linkIndex)
        if let namespaceID { message.attribute(IFA.targetNamespaceID, number: namespaceID) }
        return message
    }
}

extension LinkAddress {
    init?(answer body: ArraySlice<UInt8>) {
        var reader = NetlinkReader(body)
        guard reader.skip(1), let length = reader.number(UInt8.self), let flags = reader.number(UInt8.self),
            let scope = reader.number(UInt8.self), let index = reader.number(Int32.self)
        else { return nil }
        var local: IPAddress?
        var address: IPAddress?
        var wideFlags: UInt32?
        while let (type, payload) = reader.attribute() {
            switch type {
            case IFA.local: local = IPAddress(bytes: payload)
            case IFA.address: address = IPAddress(bytes: payload)
            case IFA.flags: wideFlags = NetlinkReader.number(payload)
            default: break
            }
        }
        // On a point-to-point link "address" is the other end.
        guard let ip = local ?? address, let prefix = IPPrefix(ip, length: Int(length)) else { return nil }
        self.init(linkIndex: index, prefix: prefix, scope: scope, flags: wideFlags ?? UInt32(flags))
    }
}

extension RouteSocket {
    package func add(_ address: IPPrefix, to link: Link) throws(NetlinkError) {
        // IPv4 host addresses of loopback aside, LXD adds global addresses only.
        let entry = LinkAddress(linkIndex: link.index, prefix: address)
        try perform(AddressRequests.add(entry), "add address \(address) to", link.name)
    }

    /// Deletes an address if it is there.
    package func delete(_ address: LinkAddress, linkName: String) throws(NetlinkError) {
        do {
            try perform(AddressRequests.delete(address), "delete address \(address.prefix) of", linkName)
        } catch where error.errno == .addressNotAvailable {
            return
        }
    }

    /// Addresses of this namespace, or of the one with the number `namespaceID`.
    /// - Parameter family: `AF_INET`, `AF_INET6`, or 0 for both.
    package func addresses(namespaceID: Int32? = nil, linkIndex: Int32 = 0, family: UInt8 = 0) throws(NetlinkError)
        -> [LinkAddress]
    {
        let request = AddressRequests.list(namespaceID: namespaceID, linkIndex: linkIndex, family: family)
        return try dump(request, "list", "addresses").compactMap { answer in
            answer.type == RTM.newAddress ? LinkAddress(answer: answer.body) : nil
        }
    }

    /// Deletes all addresses of global scope of a family.
    package func flushGlobalAddresses(of link: Link, family: UInt8) throws(NetlinkError) {
        for address in try addresses(linkIndex: link.index, family: family)
        where address.linkIndex == link.index && address.scope == 0 {
            try delete(address, linkName: link.name)
        }
    }
}
