import Foundation
import Glibc
import LXDAPI

/// Asks at the terminal, or reads the answers from a pipe.
enum Questions {
    static func ask(_ question: String, default preset: String, check: (String) -> String? = { _ in nil }) throws -> String {
        while true {
            show(question)
            var answer = try line()
            if answer.isEmpty { answer = preset }
            if let problem = check(answer) {
                FileHandle.standardError.write(Data("Invalid input: \(problem)\n\n".utf8))
                continue
            }
            if !answer.isEmpty { return answer }
            invalid()
        }
    }

    /// For questions that may be left unanswered.
    static func askOptional(_ question: String) throws -> String {
        show(question)
        return try line()
    }

    static func askBool(_ question: String, default preset: Bool) throws -> Bool {
        while true {
            show(question)
            switch try line().lowercased() {
            case "": return preset
            case "yes", "y": return true
            case "no", "n": return false
            default: invalid()
            }
        }
    }

    static func askChoice(_ question: String, _ choices: [String], default preset: String) throws -> String {
        while true {
            show(question)
            let answer = try line()
            if answer.isEmpty { return preset }
            if choices.contains(answer) { return answer }
            invalid()
        }
    }

    static func askNumber(_ question: String, _ range: ClosedRange<Int>, default preset: Int) throws -> Int {
        while true {
            show(question)
            let answer = try line()
            if answer.isEmpty { return preset }
            if let number = Int(answer), range.contains(number) { return number }
            invalid()
        }
    }

    /// Asks twice; nothing is shown while it is typed at a terminal.
    static func askPassword(_ question: String) throws -> String {
        while true {
            let first = try hidden(question)
            let second = try hidden("Again: ")
            if !first.isEmpty, first == second { return first }
            invalid()
        }
    }

    private static func hidden(_ question: String) throws -> String {
        show(question)
        var settings = termios()
        let isTerminal = tcgetattr(0, &settings) == 0
        if isTerminal {
            var silent = settings
            silent.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(0, TCSANOW, &silent)
        }
        defer {
            if isTerminal { tcsetattr(0, TCSANOW, &settings) }
            show("\n")
        }
        return try line()
    }

    private static func show(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

    private static func invalid() { FileHandle.standardError.write(Data("Invalid input, try again.\n\n".utf8)) }

    private static func line() throws -> String {
        guard let line = readLine() else { throw LXDError.badRequest("EOF") }
        return line.trimmingCharacters(in: .whitespaces)
    }
}
