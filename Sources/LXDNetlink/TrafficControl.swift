import SystemPackage

/// Limits on what a link sends and receives. Source: linux/pkt_sched.h, linux/pkt_cls.h, tc-htb(8), tc-u32(8).
package enum TrafficRequests {
    private static let rootHandle: UInt32 = 0x1_0000
    private static let classHandle: UInt32 = 0x1_0010
    private static let ingressHandle: UInt32 = 0xffff_0000
    private static let parentRoot: UInt32 = 0xffff_ffff
    private static let parentIngress: UInt32 = 0xffff_fff1
    /// ETH_P_ALL in network order with the lowest priority that the kernel picks itself (0).
    private static let protocolAll: UInt32 = 0x0300

    private static let kind: UInt16 = 1
    private static let options: UInt16 = 2

    /// tcmsg: family, padding, link index, handle, parent, info.
    private static func header(
        _ message: inout NetlinkMessage, index: Int32, handle: UInt32, parent: UInt32, info: UInt32 = 0
    ) {
        message.append(UInt32(0))
        message.append(index)
        message.append(handle)
        message.append(parent)
        message.append(info)
    }

    package static func deleteQdisc(index: Int32, isIngress: Bool) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.deleteQdisc, flags: 0)
        header(
            &message, index: index, handle: isIngress ? ingressHandle : 0,
            parent: isIngress ? parentIngress : parentRoot)
        if isIngress { message.attribute(kind, string: "ingress") }
        return message
    }

    /// A hierarchical token bucket whose unmarked packets go to class 1:10.
    package static func addTokenBucket(index: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.newQdisc, flags: NLM.create | NLM.exclusive)
        header(&message, index: index, handle: rootHandle, parent: parentRoot)
        message.attribute(kind, string: "htb")
        message.nested(options) { body in
            // tc_htb_glob: version, rate to quantum, default class, debug, direct packets.
            var glob: [UInt8] = []
            for number in [3, 10, 0x10, 0, 0] as [UInt32] { withUnsafeBytes(of: number) { glob += $0 } }
            body.attribute(2, glob)
        }
        return message
    }

    /// - Parameter bytesPerSecond: > 0.
    package static func addTokenBucketClass(index: Int32, bytesPerSecond: UInt64) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.newClass, flags: NLM.create | NLM.exclusive)
        header(&message, index: index, handle: classHandle, parent: rootHandle)
        message.attribute(kind, string: "htb")
        message.nested(options) { body in
            let burst = RateTable.ticks(
                bytes: bytesPerSecond / RateTable.timerHertz + 1600, bytesPerSecond: bytesPerSecond)
            var parameters = RateTable.specification(bytesPerSecond: bytesPerSecond, cellLog: 3, mpu: 0)
            parameters += RateTable.specification(bytesPerSecond: bytesPerSecond, cellLog: 3, mpu: 0)
            // buffer, cbuffer, quantum, level, priority
            for number in [burst, burst, 0, 0, 0] as [UInt32] { withUnsafeBytes(of: number) { parameters += $0 } }
            body.attribute(1, parameters)
            let table = RateTable.bytes(bytesPerSecond: bytesPerSecond, cellLog: 3)
            body.attribute(4, table)
            body.attribute(3, table)
            if bytesPerSecond > UInt64(UInt32.max) {
                body.attribute(6, number: bytesPerSecond)
                body.attribute(7, number: bytesPerSecond)
            }
        }
        return message
    }

    package static func addIngress(index: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.newQdisc, flags: NLM.create | NLM.exclusive)
        header(&message, index: index, handle: ingressHandle, parent: parentIngress)
        message.attribute(kind, string: "ingress")
        return message
    }

    /// Drops whatever arrives faster than the rate.
    package static func addPolice(index: Int32, bytesPerSecond: UInt64) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.newFilter, flags: NLM.create | NLM.exclusive)
        header(&message, index: index, handle: 0, parent: ingressHandle, info: protocolAll)
        message.attribute(kind, string: "u32")
        message.nested(options) { body in
            body.nested(7) { actions in
                actions.nested(1) { action in
                    action.attribute(1, string: "police")
                    action.nested(2) { police in
                        let cellLog: UInt8 = 8  // packets up to 64 KiB in 256 cells
                        // tc_police: index, action (2 = drop), limit, burst, mtu, rate, peak rate, references, capabilities
                        var parameters: [UInt8] = []
                        let burst = RateTable.ticks(bytes: 1024 * 1024, bytesPerSecond: bytesPerSecond)
                        for number in [0, 2, 0, burst, 64 * 1024] as [UInt32] {
                            withUnsafeBytes(of: number) { parameters += $0 }
                        }
                        parameters += RateTable.specification(bytesPerSecond: bytesPerSecond, cellLog: cellLog, mpu: 0)
                        parameters += [UInt8](repeating: 0, count: 12 + 8 + 4)
                        police.attribute(1, parameters)
                        police.attribute(2, RateTable.bytes(bytesPerSecond: bytesPerSecond, cellLog: cellLog))
                        if bytesPerSecond > UInt64(UInt32.max) { police.attribute(8, number: bytesPerSecond) }
                    }
                }
            }
            // tc_u32_sel with one key that matches everything: flags (1 = terminal), offsets, number of keys...
            let selector: [UInt8] = [1, 0, 1, 0] + [UInt8](repeating: 0, count: 12)
            let key = [UInt8](repeating: 0, count: 16)
            body.attribute(5, selector + key)
        }
        return message
    }
}

/// The kernel's old way to say how long packets of each size take; it still wants the table.
enum RateTable {
    static let timerHertz: UInt64 = 1000
    /// Scheduler ticks are 64 ns: 15.625 a microsecond.
    private static let ticksPerSecond: Double = 15_625_000

    static func ticks(bytes: UInt64, bytesPerSecond: UInt64) -> UInt32 {
        let ticks = Double(bytes) / Double(max(1, bytesPerSecond)) * ticksPerSecond
        return ticks >= Double(UInt32.max) ? .max : UInt32(ticks)
    }

    /// tc_ratespec: cell log, link layer, overhead, cell align, mpu, rate.
    static func specification(bytesPerSecond: UInt64, cellLog: UInt8, mpu: UInt16) -> [UInt8] {
        var bytes: [UInt8] = [cellLog, 1]
        for number in [UInt16(0), UInt16(bitPattern: -1), mpu] { withUnsafeBytes(of: number) { bytes += $0 } }
        withUnsafeBytes(of: UInt32(clamping: bytesPerSecond)) { bytes += $0 }
        return bytes
    }

    static func bytes(bytesPerSecond: UInt64, cellLog: UInt8) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1024)
        for cell in 0..<256 as Range<UInt64> {
            withUnsafeBytes(of: ticks(bytes: (cell + 1) << UInt64(cellLog), bytesPerSecond: bytesPerSecond)) {
                bytes += $0
            }
        }
        return bytes
    }
}

extension RouteSocket {
    /// Limits what a link sends; nil lifts the limit.
    package func limitSending(of name: String, bitsPerSecond: UInt64?) throws(NetlinkError) {
        let index = try requireIndex(name, "limit")
        try deleteQdisc(index: index, isIngress: false, name)
        guard let bits = bitsPerSecond, bits > 0 else { return }
        try perform(TrafficRequests.addTokenBucket(index: index), "add a token bucket to", name)
        let bytes = max(1, bits / 8)
        try perform(TrafficRequests.addTokenBucketClass(index: index, bytesPerSecond: bytes), "set the rate of", name)
    }

    /// Limits what a link receives by dropping the rest; nil lifts the limit.
    /// - Throws: `noSuchFileOrDirectory` when the kernel has no "police" action.
    package func limitReceiving(of name: String, bitsPerSecond: UInt64?) throws(NetlinkError) {
        let index = try requireIndex(name, "limit")
        try deleteQdisc(index: index, isIngress: true, name)
        guard let bits = bitsPerSecond, bits > 0 else { return }
        try perform(TrafficRequests.addIngress(index: index), "add an ingress queue to", name)
        let bytes = max(1, bits / 8)
        do {
            try perform(
                TrafficRequests.addPolice(index: index, bytesPerSecond: bytes), "limit what is received by", name)
        } catch {
            try deleteQdisc(index: index, isIngress: true, name)
            throw error
        }
    }

    private func requireIndex(_ name: String, _ operation: String) throws(NetlinkError) -> Int32 {
        guard let link = try self.link(named: name) else { throw NetlinkError(.noSuchDevice, operation, name) }
        return link.index
    }

    private func deleteQdisc(index: Int32, isIngress: Bool, _ name: String) throws(NetlinkError) {
        do {
            try perform(TrafficRequests.deleteQdisc(index: index, isIngress: isIngress), "lift the limit of", name)
        } catch where error.errno == .noSuchFileOrDirectory || error.errno == .invalidArgument {
            return  // there was none
        }
    }
}
