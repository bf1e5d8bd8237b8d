internal import Glibc
internal import LXDLinux

/// A program on a terminal of its own, as a person has it: `lxc console`, `lxc exec` of a shell.
package final class TestTerminal: Sendable {
    private let stream: AsyncDescriptor
    private let process: ProcessHandle
    private let seen = Locked<[UInt8]>([])

    init(_ request: SpawnRequest) throws {
        var terminal = try PseudoTerminal()
        guard let peer = terminal.peer.take(), let master = terminal.master.take() else { throw TestFailure("no terminal") }
        try PseudoTerminal.resize(master.descriptor, rows: 24, columns: 200)
        var request = request
        request.descriptors = [0: peer.rawValue, 1: peer.rawValue, 2: peer.rawValue]
        process = try ProcessSpawner.spawn(request)
        stream = try AsyncDescriptor(adopting: master)
    }

    /// Types a line and waits until what it prints holds a text that the line itself does not.
    ///
    /// - Returns: All that was printed since the line was typed.
    @discardableResult
    package func type(_ line: String, until text: String, within limit: Duration = .seconds(60)) async throws -> String {
        seen.withLock { $0.removeAll() }
        try await stream.write(Array(line.utf8) + [13])
        do {
            return try await eventually("\"\(text)\" on the terminal", within: limit) {
                try read()
                let all = seen.withLock { String(decoding: $0, as: UTF8.self) }
                return all.contains(text) ? all : nil
            }
        } catch {
            throw TestFailure("\(error); it shows: \(seen.withLock { String(decoding: $0, as: UTF8.self) })")
        }
    }

    private func read() throws {
        while case .bytes(let bytes) = try stream.readNow(limit: 4096), !bytes.isEmpty {
            seen.withLock { $0 += bytes }
        }
    }

    /// Whether the program has ended, a lost connection for one.
    package var hasEnded: Bool { process.exit != nil }

    /// Ends the program with the keys that leave a console, else by force.
    package func end() async {
        try? await stream.write([1, UInt8(ascii: "q")])  // It may have ended by itself.
        if await process.wait(timeout: .seconds(5)) == nil { try? process.signal(SIGKILL) }
        _ = await process.wait()
        stream.close()
    }
}
