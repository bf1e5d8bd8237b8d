import Glibc

/// A terminal that hands on every key, until it is restored.
final class RawTerminal: Sendable {
    private let descriptor: Int32
    private let saved: termios

    /// - Throws: When the descriptor is no terminal.
    init(_ descriptor: Int32) throws {
        var state = termios()
        guard tcgetattr(descriptor, &state) == 0 else { throw CommandFailure(Standard.errorText(errno)) }
        saved = state
        self.descriptor = descriptor
        cfmakeraw(&state)
        guard tcsetattr(descriptor, TCSANOW, &state) == 0 else { throw CommandFailure(Standard.errorText(errno)) }
    }

    func restore() {
        var state = saved
        tcsetattr(descriptor, TCSANOW, &state)
    }
}
