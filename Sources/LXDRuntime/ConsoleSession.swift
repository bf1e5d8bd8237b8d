internal import LXDLinux
internal import SystemPackage

/// Somebody at the console of a running container; nobody else is let in until it is closed.
package final class ConsoleSession: Sendable {
    private enum Place: Sendable {
        /// The console itself: what liblxc gave us is taken back when the reservation is closed.
        case terminal(reading: AsyncDescriptor, writing: AsyncDescriptor, reservation: AsyncDescriptor)
        /// With who keeps the log of the console.
        case kept(KeptConsole, AsyncStream<[UInt8]>)
    }
    private let place: Place

    /// Takes over both: the terminal's master, and what reserves it while open.
    init(master: FileDescriptor, reservation: FileDescriptor) throws {
        let held = try AsyncDescriptor(adopting: OwnedDescriptor(adopting: reservation))
        let (reading, writing) = try AsyncDescriptor.bothWays(owning: master)
        place = .terminal(reading: reading, writing: writing, reservation: held)
    }

    init(_ console: KeptConsole, shown: AsyncStream<[UInt8]>) { place = .kept(console, shown) }

    /// Hands on what the container shows, until the console is gone, ``leave()`` was called, or `body` throws.
    package func output(_ body: ([UInt8]) async throws -> Void) async throws {
        switch place {
        case .terminal(let reading, _, _):
            while let bytes = try await reading.read() { try await body(bytes) }
        case .kept(_, let shown):
            for await bytes in shown { try await body(bytes) }
        }
    }

    /// Types.
    package func write(_ bytes: [UInt8]) async throws {
        switch place {
        case .terminal(_, let writing, _): try await writing.write(bytes)
        case .kept(let console, _): try await console.session.write(bytes)
        }
    }

    package func resize(rows: Int, columns: Int) throws {
        switch place {
        case .terminal(_, let writing, _): try writing.resize(rows: rows, columns: columns)
        case .kept(let console, _): try console.session.resize(rows: rows, columns: columns)
        }
    }

    /// Lets whoever waits for output go.
    package func leave() {
        switch place {
        case .terminal(let reading, _, _): reading.interrupt()
        case .kept(let console, _): console.leave()
        }
    }

    /// Gives the console back to others.
    package func close() {
        switch place {
        case .terminal(let reading, let writing, let reservation):
            for descriptor in [reading, writing, reservation] { descriptor.close() }
        case .kept(let console, _): console.leave()
        }
    }
}
