import CLXDLinux
import Glibc
import LXDRuntimePlan

/// What this program does: one request of the daemon, told by a subcommand and a plan on a descriptor.
enum Helper {
    /// Runs the request named by the first argument and returns the exit status.
    static func main(_ arguments: [String]) -> Int32 {
        _ = clxd_prctl(PR_SET_NAME, UInt(bitPattern: strdup("lxd-helper")), 0, 0, 0)
        umask(0o022)
        signal(SIGPIPE, SIG_IGN)
        guard arguments.count == 2, isatty(HelperDescriptor.control) == 0,
            fcntl(HelperDescriptor.control, F_GETFD) >= 0
        else {
            let text = "lxd-helper is started by lxd; it does nothing by itself.\n"
            _ = write(2, text, text.utf8.count)
            return 2
        }
        var subcommand = arguments[1]
        if subcommand == "serve" {
            guard case .run(let wanted) = Nursery.serve() else { return 0 }
            subcommand = wanted
        }
        _ = clxd_set_cloexec(HelperDescriptor.control, 1)
        _ = clxd_set_cloexec(HelperDescriptor.plan, 1)
        do throws(HelperFailure) {
            switch subcommand {
            case "start": try Start.run(readPlan())
            case "exec": try Exec.run(readPlan())
            case "checkpoint": try Checkpoint.run(readPlan())
            case "pages": try PageFetcher.run(readPlan())
            case "restore": try Start.restore(readPlan())
            case "request": try Request.run(readPlan())
            default: throw HelperFailure(step: "find the subcommand", subject: subcommand)
            }
            return 0
        } catch {
            ControlSocket.send(.failed(error))
            return 1
        }
    }

    /// Reads the plan descriptor to its end.
    private static func readPlan<Plan: Packable>() throws(HelperFailure) -> Plan {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(HelperDescriptor.plan, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw HelperFailure(step: "read the plan", number: errno) }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= Unpacker.sizeMax else { throw HelperFailure(step: "read the plan", number: EFBIG) }
        }
        close(HelperDescriptor.plan)
        do {
            return try Plan(packed: bytes)
        } catch {
            throw HelperFailure(step: "read the plan", subject: "\(error)")
        }
    }
}

/// The way back to the daemon.
enum ControlSocket {
    /// Sends one message with descriptors; false when the daemon is gone.
    @discardableResult
    static func send(_ message: HelperMessage, descriptors: [Int32] = []) -> Bool {
        var bytes = message.packed()
        if bytes.count > HelperDescriptor.messageSizeMax {
            bytes = HelperMessage.failed(HelperFailure(step: "answer", number: EMSGSIZE)).packed()
        }
        return bytes.withUnsafeBytes {
            clxd_send_descriptors(
                HelperDescriptor.control, $0.baseAddress, $0.count, descriptors, Int32(descriptors.count), 0)
        } >= 0
    }
}

/// Gives the result of a CLXDLinux call, or throws what was being done to what.
@discardableResult
func attempt(_ step: String, _ subject: String = "", _ result: Int32) throws(HelperFailure) -> Int32 {
    guard result >= 0 else { throw HelperFailure(step: step, number: -result, subject: subject) }
    return result
}
