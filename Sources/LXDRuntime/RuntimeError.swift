package import LXDRuntimePlan
package import SystemPackage

/// Why the runtime did not do what it was asked.
package enum RuntimeError: Error, Sendable, CustomStringConvertible {
    /// The container does not run.
    case notRunning(String)
    /// It runs or is being started.
    case alreadyRunning(String)
    /// The helper could not be started.
    case cannotStartHelper(Errno)
    /// The helper did not answer in time and was ended.
    case deadlineExceeded(String)
    /// The helper ended without a word.
    case helperDied(String)
    /// What criu wrote about a checkpoint or restore that failed.
    case criu(String, String)
    /// What the processor lacks that programs from another host may use.
    case processor(String)
    /// What the helper reported.
    case failed(HelperFailure)

    package var description: String {
        switch self {
        case .notRunning: return "Instance is not running"
        case .alreadyRunning: return "The instance is already running"
        case .cannotStartHelper(let error): return "Failed to start lxd-helper: \(error)"
        case .deadlineExceeded(let what): return "Failed to \(what): it took too long and was stopped"
        case .helperDied(let what): return "Failed to \(what): lxd-helper ended unexpectedly"
        case .criu(let what, let reason): return "Failed to \(what) the container: \(reason)"
        case .processor(let features): return "Target CPU lacks features in use by the instance: \(features)"
        case .failed(let failure): return failure.text
        }
    }
}

extension HelperFailure {
    /// `Failed to STEP "SUBJECT": reason`, with what liblxc wrote below.
    package var text: String {
        var text = "Failed to " + step
        if !subject.isEmpty { text += " \"" + subject + "\"" }
        if number != 0 { text += ": " + Errno(rawValue: number).description }
        if !log.isEmpty { text += ":\n" + log }
        return text
    }
}
