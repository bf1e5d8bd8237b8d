import LXDAPI
import LXDDatabase
import LXDLinux
import LXDNetlink
import LXDStorage
import Logging
import Synchronization

/// What comes over the network for an instance while it stands still.
///
/// It would be lost, and whoever sent it would wait for a time that doubles before sending it again: a client waits for a second
/// and more where the instance stood still for half of one. So it is kept at the source, and given to the instance where it goes
/// on: at the target, over the `criu` socket after the images, or at the source when it stays there.
final class HeldFrames: Sendable {
    private let taps: [(device: String, tap: FrameTap)]
    /// Of each interface.
    private static let keptBytes: Int32 = 8 << 20

    /// Begins to keep it. Blocks shortly.
    ///
    /// - Parameter ports: The host's ends of interfaces by the names of their devices. One that is not there keeps nothing: then
    ///   what comes is sent again, as on every network.
    init(_ ports: [String: String]) {
        guard !ports.isEmpty, let socket = try? RouteSocket() else {
            taps = []
            return
        }
        taps = ports.compactMap { device, port in
            guard let link = (try? socket.link(named: port)) ?? nil,
                let tap = try? FrameTap(link: link.index, keptBytes: Self.keptBytes)
            else { return nil }
            return (device, tap)
        }
    }

    /// Sends what has come since the last time.
    ///
    /// - Returns: How many frames.
    func send(over channel: any TransferChannel) async throws -> Int {
        var bytes: [UInt8] = []
        var count = 0
        for (device, tap) in taps {
            for frame in await BlockingPool.shared.run({ tap.take() }) {
                bytes += Self.encoded(frame, device)
                count += 1
            }
        }
        if !bytes.isEmpty { try await channel.write(bytes) }
        return count
    }

    /// Gives it to the instance, which goes on here.
    func giveBack() async {
        await BlockingPool.shared.run { [taps] in
            for (_, tap) in taps {
                // What the kernel does not take is sent again.
                for frame in tap.take() { try? tap.send(frame) }
            }
        }
    }

    /// Gives what the source sends to the instance, which is about to go on here.
    ///
    /// - Parameter ports: The host's ends of its interfaces here.
    static func deliver(from channel: any TransferChannel, to ports: [String: String]) async throws -> Int {
        let taps = try await BlockingPool.shared.run {
            let socket = try RouteSocket()
            return try ports.compactMapValues { port in try socket.link(named: port).map { try FrameTap(link: $0.index) } }
        }
        var reader = FrameReader()
        var count = 0
        while let bytes = try await channel.read() {
            for (device, frame) in try reader.take(bytes) {
                guard let tap = taps[device] else { continue }
                count += 1
                // A queue that is full drops it, as any would.
                await BlockingPool.shared.run { try? tap.send(frame) }
            }
        }
        return count
    }

    /// The name's length in a byte, the name, the frame's length in four, least first, the frame.
    static func encoded(_ frame: [UInt8], _ device: String) -> [UInt8] {
        let name = Array(device.utf8.prefix(255))
        return [UInt8(name.count)] + name + (0..<4).map { UInt8(truncatingIfNeeded: frame.count >> (8 * $0)) } + frame
    }
}

/// Takes frames out of a stream that comes in pieces.
struct FrameReader {
    private var rest: [UInt8] = []

    mutating func take(_ bytes: [UInt8]) throws(LXDError) -> [(device: String, frame: [UInt8])] {
        rest += bytes
        var found: [(device: String, frame: [UInt8])] = []
        var position = 0
        while position < rest.count {
            let start = position + 1 + Int(rest[position])
            guard start + 4 <= rest.count else { break }
            let length = (0..<4).reduce(0) { $0 | Int(rest[start + $1]) << (8 * $1) }
            guard length <= FrameTap.lengthMax else { throw .badRequest("The other server sent a frame that is too long") }
            guard start + 4 + length <= rest.count else { break }
            found.append((String(decoding: rest[(position + 1)..<start], as: UTF8.self), Array(rest[(start + 4)..<(start + 4 + length)])))
            position = start + 4 + length
        }
        rest.removeFirst(position)
        return found
    }
}

extension LoadedInstance {
    /// The host's ends of the interfaces of a running instance, by the names of their devices.
    var hostPorts: [String: String] {
        devicesInOrder.reduce(into: [:]) { ports, device in
            guard device.config["type"] == "nic", let port = row.config["volatile.\(device.name).host_name"], !port.isEmpty else { return }
            ports[device.name] = port
        }
    }
}

/// A restored instance whose network is plugged in again.
struct PluggedInstance: Sendable {
    /// The host's ends of its interfaces, by the names of their devices.
    let ports: [String: String]
    /// When it knows of no neighbour that could not be reached while it was not plugged in.
    let forgotten: Task<Void, Never>

    /// Its sockets spoke up while its network was not plugged in, and asked for their neighbours in vain: the kernel asks again
    /// after a second, and at once when it has forgotten them.
    static func forgetNeighbours(of initPID: Int32) async {
        let program = ProcessRunner.locate("ip") ?? "/sbin/ip"
        // Without, it takes that second.
        _ = try? await ProcessRunner.run(
            "nsenter", ["-t", "\(initPID)", "-n", program, "neighbour", "flush", "all"], deadline: .seconds(5))
    }
}
