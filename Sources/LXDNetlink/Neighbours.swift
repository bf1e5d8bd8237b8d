import Glibc
import SystemPackage

/// An entry of the ARP or neighbour-discovery cache.
package struct Neighbour: Sendable, Hashable {
    package var linkIndex: Int32
    package var address: IPAddress
    package var hardwareAddress: [UInt8]
    /// `NUD_…`: 0x20 failed.
    package var state: UInt16
}

extension RouteSocket {
    package func neighbours(linkIndex: Int32) throws(NetlinkError) -> [Neighbour] {
        var request = NetlinkMessage(type: RTM.getNeighbour, flags: 0)
        Self.neighbourHeader(&request, family: 0, index: 0, state: 0)
        return try dump(request, "list", "neighbours").compactMap { answer in
            guard answer.type == RTM.newNeighbour, let entry = Neighbour(answer: answer.body),
                entry.linkIndex == linkIndex
            else { return nil }
            return entry
        }
    }

    /// Forgets whom the addresses on a link belonged to.
    package func flushNeighbours(of link: Link) throws(NetlinkError) {
        for entry in try neighbours(linkIndex: link.index) {
            var request = NetlinkMessage(type: RTM.deleteNeighbour, flags: 0)
            Self.neighbourHeader(&request, family: entry.address.family, index: entry.linkIndex, state: 0)
            request.attribute(NDA.destination, entry.address.bytes)
            do {
                try perform(request, "forget neighbour \(entry.address) of", link.name)
            } catch where error.errno == .noSuchFileOrDirectory {
                continue
            }
        }
    }

    /// ndmsg: family, padding, link index, state, flags, type.
    private static func neighbourHeader(_ message: inout NetlinkMessage, family: UInt8, index: Int32, state: UInt16) {
        message.append(raw: [family, 0, 0, 0])
        message.append(index)
        message.append(state)
        message.append(UInt16(0))
    }
}

extension Neighbour {
    init?(answer body: ArraySlice<UInt8>) {
        var reader = NetlinkReader(body)
        guard reader.skip(4), let index = reader.number(Int32.self), let state = reader.number(UInt16.self),
            reader.skip(2)
        else { return nil }
        var address: IPAddress?
        var hardware: [UInt8] = []
        while let (type, payload) = reader.attribute() {
            switch type {
            case NDA.destination: address = IPAddress(bytes: payload)
            case NDA.linkLayerAddress: hardware = Array(payload)
            default: break
            }
        }
        guard let address else { return nil }
        self.init(linkIndex: index, address: address, hardwareAddress: hardware, state: state)
    }
}
