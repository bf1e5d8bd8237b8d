package import LXDAPI
internal import LXDLinux
internal import LXDNetlink
internal import SystemPackage

extension ContainerRuntime {
    /// CPU, memory, processes and network of a running container; nil if it does not run. Blocks.
    package func usage(_ name: String) -> InstanceState? {
        guard let entry = try? entry(name), entry.initProcess.exit == nil else { return nil }
        let group = entry.group
        return InstanceState.with { state in
            state.pid = Int64(entry.initProcess.pid)
            state.cpu.usage = group.cpuNanoseconds.map { Int64(clamping: $0) } ?? -1
            state.memory.usage = Int64(clamping: group.memoryBytes ?? 0)
            state.memory.usagePeak = Int64(clamping: group.memoryPeakBytes ?? 0)
            state.memory.swapUsage = Int64(clamping: group.swapBytes ?? 0)
            state.memory.swapUsagePeak = Int64(clamping: group.swapPeakBytes ?? 0)
            state.processes = group.taskCount.map { Int64(clamping: $0) } ?? Int64(group.processes().count)
            state.network = network(ofProcess: entry.initProcess.pid)
        }
    }

    private func network(ofProcess pid: Int32) -> [String: InstanceStateNetwork] {
        // The container may end at any moment; then it has no network.
        guard let namespace = try? FileDescriptor.open("/proc/\(pid)/ns/net", .readOnly, options: .closeOnExec) else {
            return [:]
        }
        defer { try? namespace.close() }
        guard let socket = try? RouteSocket(), let view = try? socket.view(ofNamespace: namespace.rawValue),
            let hostLinks = try? socket.links()
        else { return [:] }
        let hostNames = Dictionary(hostLinks.map { ($0.index, $0.name) }, uniquingKeysWith: { first, _ in first })
        var networks: [String: InstanceStateNetwork] = [:]
        for link in view.links {
            networks[link.name] = InstanceStateNetwork.with { network in
                network.hwaddr = link.hardwareAddress.allSatisfy { $0 == 0 } ? "" : link.hardwareAddressText
                network.mtu = Int(link.mtu)
                network.state = link.isUp ? "up" : "down"
                network.type =
                    link.isLoopback
                    ? "loopback"
                    : link.flags & Link.flagPointToPoint != 0
                        ? "point-to-point" : link.flags & Link.flagBroadcast != 0 ? "broadcast" : "unknown"
                if !link.isLoopback, let peer = link.peerIndex { network.hostName = hostNames[peer] ?? "" }
                if let counters = link.statistics {
                    network.counters.bytesReceived = Int64(clamping: counters.receivedBytes)
                    network.counters.bytesSent = Int64(clamping: counters.sentBytes)
                    network.counters.packetsReceived = Int64(clamping: counters.receivedPackets)
                    network.counters.packetsSent = Int64(clamping: counters.sentPackets)
                    network.counters.errorsReceived = Int64(clamping: counters.receiveErrors)
                    network.counters.errorsSent = Int64(clamping: counters.sendErrors)
                    network.counters.packetsDroppedInbound = Int64(clamping: counters.receiveDropped)
                    network.counters.packetsDroppedOutbound = Int64(clamping: counters.sendDropped)
                }
                network.addresses = view.addresses.filter { $0.linkIndex == link.index }.map { address in
                    InstanceStateNetworkAddress.with {
                        $0.family = address.prefix.address.isIPv6 ? "inet6" : "inet"
                        $0.address = address.prefix.address.description
                        $0.netmask = String(address.prefix.length)
                        $0.scope = address.scopeName
                    }
                }
            }
        }
        return networks
    }
}
