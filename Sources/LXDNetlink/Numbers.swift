// Numbers of the kernel's interface that the Glibc module does not import.
// Source: linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/net_namespace.h, linux/if_bridge.h.

enum NLM {
    static let request: UInt16 = 0x1
    static let multi: UInt16 = 0x2
    static let acknowledge: UInt16 = 0x4
    static let dumpInterrupted: UInt16 = 0x10
    static let capped: UInt16 = 0x100
    static let extendedAcknowledge: UInt16 = 0x200
    static let replace: UInt16 = 0x100
    static let exclusive: UInt16 = 0x200
    static let create: UInt16 = 0x400
    static let appendEntry: UInt16 = 0x800
    static let dump: UInt16 = 0x300
    static let error: UInt16 = 2
    static let done: UInt16 = 3
    static let extendedMessage: UInt16 = 1
}

enum RTM {
    static let newLink: UInt16 = 16
    static let deleteLink: UInt16 = 17
    static let getLink: UInt16 = 18
    static let setLink: UInt16 = 19
    static let newAddress: UInt16 = 20
    static let deleteAddress: UInt16 = 21
    static let getAddress: UInt16 = 22
    static let newRoute: UInt16 = 24
    static let deleteRoute: UInt16 = 25
    static let getRoute: UInt16 = 26
    static let newNeighbour: UInt16 = 28
    static let deleteNeighbour: UInt16 = 29
    static let getNeighbour: UInt16 = 30
    static let newQdisc: UInt16 = 36
    static let deleteQdisc: UInt16 = 37
    static let newClass: UInt16 = 40
    static let newFilter: UInt16 = 44
    static let newNamespaceID: UInt16 = 88
    static let getNamespaceID: UInt16 = 90
}

enum IFLA {
    static let address: UInt16 = 1
    static let broadcast: UInt16 = 2
    static let name: UInt16 = 3
    static let mtu: UInt16 = 4
    static let link: UInt16 = 5
    static let master: UInt16 = 10
    static let protocolInfo: UInt16 = 12
    static let operationalState: UInt16 = 16
    static let linkInfo: UInt16 = 18
    static let namespacePID: UInt16 = 19
    static let alias: UInt16 = 20
    static let statistics64: UInt16 = 23
    static let addressFamilySpecific: UInt16 = 26
    static let namespaceDescriptor: UInt16 = 28
    static let extendedMask: UInt16 = 29
    static let linkNamespaceID: UInt16 = 37
    static let targetNamespaceID: UInt16 = 46
    static let permanentAddress: UInt16 = 54
    static let nested: UInt16 = 0x8000

    static let infoKind: UInt16 = 1
    static let infoData: UInt16 = 2
    static let vethPeer: UInt16 = 1
    static let macvlanMode: UInt16 = 1
    static let vlanID: UInt16 = 1

    static let bridgeForwardDelay: UInt16 = 1
    static let bridgeSTPState: UInt16 = 5
    static let bridgeVLANFiltering: UInt16 = 7
    static let bridgeID: UInt16 = 11
    static let bridgeDefaultVLAN: UInt16 = 39

    static let portHairpin: UInt16 = 4
    static let portIsolated: UInt16 = 33

    static let bridgeFlags: UInt16 = 0
    static let bridgeVLANInfo: UInt16 = 2

    /// In a dump: leave the counters out.
    static let maskSkipStatistics: UInt32 = 1 << 3
}

enum IFA {
    static let address: UInt16 = 1
    static let local: UInt16 = 2
    static let label: UInt16 = 3
    static let broadcast: UInt16 = 4
    static let flags: UInt16 = 8
    static let targetNamespaceID: UInt16 = 10
}

enum RTA {
    static let destination: UInt16 = 1
    static let outputInterface: UInt16 = 4
    static let gateway: UInt16 = 5
    static let priority: UInt16 = 6
    static let preferredSource: UInt16 = 7
    static let table: UInt16 = 15
}

enum NDA {
    static let destination: UInt16 = 1
    static let linkLayerAddress: UInt16 = 2
}

enum NETNSA {
    static let namespaceID: UInt16 = 1
    static let pid: UInt16 = 2
    static let descriptor: UInt16 = 3
}
