import Glibc
import SystemPackage

/// A unicast route.
package struct Route: Sendable, Hashable {
    /// Who made it. LXD marks a network's routes `static` and those of instances `boot`.
    package enum Origin: UInt8, Sendable {
        case unspecified = 0
        case redirect = 1
        case kernel = 2
        case boot = 3
        case `static` = 4
        case routerAdvertisement = 9
        case dhcp = 16
    }

    /// nil is the default route.
    package var destination: IPPrefix?
    package var family: UInt8
    package var linkIndex: Int32
    package var gateway: IPAddress?
    package var preferredSource: IPAddress?
    /// `RTPROT_…`; `Origin` names the usual ones.
    package var origin: UInt8
    package var table: UInt32
    package var metric: UInt32?
    /// `RT_SCOPE_…`; nil chooses as `ip` does.
    package var scope: UInt8?
    /// `RTN_…`; 1 is unicast.
    package var type: UInt8 = 1

    package init(
        to destination: IPPrefix, linkIndex: Int32, origin: Origin, gateway: IPAddress? = nil,
        table: UInt32 = 254, metric: UInt32? = nil
    ) {
        self.destination = destination
        family = destination.address.family
        self.linkIndex = linkIndex
        self.gateway = gateway
        self.origin = origin.rawValue
        self.table = table
        self.metric = metric
    }
}

package enum RouteRequests {
    private static let tableUnspecified: UInt8 = 0

    /// rtmsg: family, destination length, source length, TOS, table, protocol, scope, type, flags.
    private static func header(
        _ message: inout NetlinkMessage, family: UInt8, length: UInt8 = 0, table: UInt8 = 0, origin: UInt8 = 0,
        scope: UInt8 = 0, type: UInt8 = 0
    ) {
        message.append(raw: [family, length, 0, 0, table, origin, scope, type])
        message.append(UInt32(0))
    }

    package static func add(_ route: Route) -> NetlinkMessage {
        change(route, NetlinkMessage(type: RTM.newRoute, flags: NLM.create | NLM.exclusive))
    }

    package static func delete(_ route: Route) -> NetlinkMessage {
        change(route, NetlinkMessage(type: RTM.deleteRoute, flags: 0))
    }

    private static func change(_ route: Route, _ message: NetlinkMessage) -> NetlinkMessage {
        var message = message
        // A destination behind a gateway is "universe", one on the link itself is "link"; IPv6 knows only the first.
        let isOnLink = route.gateway == nil && route.family == UInt8(AF_INET)
        header(
            &message, family: route.family, length: UInt8(route.destination?.length ?? 0),
            table: route.table < 256 ? UInt8(route.table) : tableUnspecified, origin: route.origin,
            scope: route.scope ?? (isOnLink ? 253 : 0), type: route.type)
        if let destination = route.destination {
            message.attribute(RTA.destination, destination.network.address.bytes)
        }
        message.attribute(RTA.outputInterface, number: route.linkIndex)
        if let gateway = route.gateway { message.attribute(RTA.gateway, gateway.bytes) }
        if let source = route.preferredSource { message.attribute(RTA.preferredSource, source.bytes) }
        if let metric = route.metric { message.attribute(RTA.priority, number: metric) }
        if route.table >= 256 { message.attribute(RTA.table, number: route.table) }
        return message
    }

    package static func list(family: UInt8) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.getRoute, flags: 0)
        header(&message, family: family)
        return message
    }
}

extension Route {
    init?(answer body: ArraySlice<UInt8>) {
        var reader = NetlinkReader(body)
        guard let family = reader.number(UInt8.self), let length = reader.number(UInt8.self), reader.skip(2),
            let table = reader.number(UInt8.self), let origin = reader.number(UInt8.self),
            let scope = reader.number(UInt8.self), let type = reader.number(UInt8.self), reader.skip(4)
        else { return nil }
        self.family = family
        (self.table, self.origin, self.scope, self.type) = (UInt32(table), origin, scope, type)
        linkIndex = 0
        while let (type, payload) = reader.attribute() {
            switch type {
            case RTA.destination:
                destination = IPAddress(bytes: payload).flatMap { IPPrefix($0, length: Int(length)) }
            case RTA.outputInterface: linkIndex = NetlinkReader.number(payload) ?? 0
            case RTA.gateway: gateway = IPAddress(bytes: payload)
            case RTA.preferredSource: preferredSource = IPAddress(bytes: payload)
            case RTA.priority: metric = NetlinkReader.number(payload)
            case RTA.table: self.table = NetlinkReader.number(payload) ?? self.table
            default: break
            }
        }
    }
}

extension RouteSocket {
    /// - Throws: `fileExists` when the same route is there already.
    package func add(_ route: Route, linkName: String) throws(NetlinkError) {
        try perform(RouteRequests.add(route), "add route \(route.text) to", linkName)
    }

    /// Deletes a route if it is there.
    package func delete(_ route: Route, linkName: String) throws(NetlinkError) {
        do {
            try perform(RouteRequests.delete(route), "delete route \(route.text) of", linkName)
        } catch
            where error.errno == .noSuchProcess || error.errno == .noSuchFileOrDirectory
            || error.errno == .noSuchDevice
        {
            return
        }
    }

    /// Unicast routes of the main table and others, without the kernel's local ones and cached clones.
    package func routes(family: UInt8, linkIndex: Int32? = nil, origin: Route.Origin? = nil) throws(NetlinkError)
        -> [Route]
    {
        try dump(RouteRequests.list(family: family), "list", "routes").compactMap { answer in
            guard answer.type == RTM.newRoute, let route = Route(answer: answer.body), route.type == 1,
                linkIndex == nil || route.linkIndex == linkIndex,
                origin == nil || route.origin == origin?.rawValue
            else { return nil }
            return route
        }
    }
}

extension Route {
    var text: String { destination.map(\.description) ?? "default" }
}
