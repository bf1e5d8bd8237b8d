import Glibc
import SystemPackage

package enum BridgePortRequests {
    /// Options of a port: whether it may talk to other isolated ports, whether it sends back where it came from.
    package static func options(index: Int32, isIsolated: Bool? = nil, isHairpin: Bool? = nil) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.setLink, flags: 0)
        LinkRequests.header(&message, family: AF_BRIDGE, index: index)
        message.nested(IFLA.protocolInfo | IFLA.nested) { port in
            if let isIsolated { port.attribute(IFLA.portIsolated, number: UInt8(isIsolated ? 1 : 0)) }
            if let isHairpin { port.attribute(IFLA.portHairpin, number: UInt8(isHairpin ? 1 : 0)) }
        }
        return message
    }

    /// Adds a VLAN to a port, or takes it away.
    package static func vlan(index: Int32, id: UInt16, isUntagged: Bool, isRemoval: Bool) -> NetlinkMessage {
        var message = NetlinkMessage(type: isRemoval ? RTM.deleteLink : RTM.setLink, flags: 0)
        LinkRequests.header(&message, family: AF_BRIDGE, index: index)
        message.nested(IFLA.addressFamilySpecific) { port in
            // bridge_vlan_info: flags (2 = PVID, 4 = untagged), VLAN.
            let flags: UInt16 = isUntagged ? 6 : 0
            port.attribute(
                IFLA.bridgeVLANInfo, withUnsafeBytes(of: flags) { Array($0) } + withUnsafeBytes(of: id) { Array($0) })
        }
        return message
    }
}

extension RouteSocket {
    package func setBridgePort(_ name: String, isIsolated: Bool? = nil, isHairpin: Bool? = nil) throws(NetlinkError) {
        guard let link = try self.link(named: name) else {
            throw NetlinkError(.noSuchDevice, "change bridge port", name)
        }
        let request = BridgePortRequests.options(index: link.index, isIsolated: isIsolated, isHairpin: isHairpin)
        try perform(request, "change bridge port", name)
    }

    package func addBridgeVLAN(_ id: UInt16, isUntagged: Bool, to name: String) throws(NetlinkError) {
        guard let link = try self.link(named: name) else {
            throw NetlinkError(.noSuchDevice, "add VLAN \(id) to", name)
        }
        let request = BridgePortRequests.vlan(index: link.index, id: id, isUntagged: isUntagged, isRemoval: false)
        try perform(request, "add VLAN \(id) to", name)
    }

    package func removeBridgeVLAN(_ id: UInt16, from name: String) throws(NetlinkError) {
        guard let link = try self.link(named: name) else {
            throw NetlinkError(.noSuchDevice, "remove VLAN \(id) of", name)
        }
        let request = BridgePortRequests.vlan(index: link.index, id: id, isUntagged: false, isRemoval: true)
        do {
            try perform(request, "remove VLAN \(id) of", name)
        } catch where error.errno == .noSuchFileOrDirectory {
            return
        }
    }
}
