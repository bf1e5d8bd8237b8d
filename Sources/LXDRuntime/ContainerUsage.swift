package import LXDAPI
internal import LXDLinux
internal import LXDNetlink
internal import SystemPackage

extension ContainerRuntime {
    /// CPU, memory, processes and network of a running container; nil if it does not run. Blocks.
    package func usage(_ name: String) -> InstanceState? {
        // Without a socket the network is not told; all else is.
        usage(name, try? RouteSocket())
    }

    /// The same of many containers; those that do not run are left out.
    package func usages(_ names: some Sequence<String>) -> [String: InstanceState] {
        let socket = try? RouteSocket()
        var usages: [String: InstanceState] = [:]
        for name in names { usages[name] = usage(name, socket) }
        return usages
    }

    private func usage(_ name: String, _ socket: RouteSocket?) -> InstanceState? {
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
            state.network = socket.map { network(ofProcess: entry.initProcess.pid, $0) } ?? [:]
        }
    }

    private func network(ofProcess pid: Int32, _ socket: RouteSocket) -> [String: InstanceStateNetwork] {
        // The container may end at any moment; then it has no network.
        guard let namespace = try? FileDescriptor.open("/proc/\(pid)/ns/net", .readOnly, options: .closeOnExec) else {
            return [:]
        }
        defer { try? namespace.close() }
        guard let view = try? socket.view(ofNamespace: namespace.rawValue) else {
            return [:]
        }
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
                if !link.isLoopback, let peer = link.peerIndex {
                    // One link asked for by its number: the host has as many as there are containers.
                    network.hostName = (try? socket.link(index: peer))??.name ?? ""
                }
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
