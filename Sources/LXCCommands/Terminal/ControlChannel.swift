import Glibc
import LXDAPI
import LXDHTTP

/// The websocket over which a command hears of signals and of the size of the window.
enum ControlChannel {
    /// Passes signals on until the task is cancelled or the other side goes away.
    static func forward(_ signals: SignalStream, to socket: WebSocketConnection, resizes: Bool) async {
        for await signal in signals.signals {
            do {
                if signal == SIGWINCH {
                    if resizes { try await sendSize(to: socket) }
                } else {
                    try await send(signal: meaning(of: signal), to: socket)
                }
            } catch {
                return  // The command has ended.
            }
        }
    }

    /// A lost terminal cannot hang up the command, only end it.
    private static func meaning(of signal: Int32) -> Int32 {
        guard signal == SIGHUP else { return signal }
        let terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC)
        guard terminal >= 0 else { return SIGTERM }
        close(terminal)
        return SIGHUP
    }

    private static func send(signal: Int32, to socket: WebSocketConnection) async throws {
        let message = InstanceExecControl.with {
            $0.command = "signal"
            $0.signal = Int(signal)
        }
        try await socket.send(text: try LXDJSON.encodeString(message))
    }

    static func sendSize(to socket: WebSocketConnection) async throws {
        guard let size = Standard.terminalSize(of: Standard.outputDescriptor) else { return }
        let message = InstanceExecControl.with {
            $0.command = "window-resize"
            $0.args = ["width": "\(size.columns)", "height": "\(size.rows)"]
        }
        try await socket.send(text: try LXDJSON.encodeString(message))
    }
}
