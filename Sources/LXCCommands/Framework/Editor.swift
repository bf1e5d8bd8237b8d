import CLXDLinux
import FoundationEssentials
import Glibc

/// The one flow in which a person edits a document: `VISUAL`, `EDITOR` or one that is found, on a temporary file.
enum Editor {
    /// Lets the person edit a text until it is accepted.
    ///
    /// - Parameters:
    ///   - text: What the editor shows first.
    ///   - failure: What stands before an error that made the editor open again.
    ///   - apply: Takes the edited text. When it throws, the error is shown and the editor opens again on what was
    ///     written, so that nothing is lost.
    static func edit(
        _ text: String, failure: String = "Config parsing error", apply: (String) async throws -> Void
    ) async throws {
        var content = try run(on: text)
        while true {
            do {
                return try await apply(content)
            } catch {
                Standard.error("\(failure): \(FailureText.of(error))\n")
                Standard.output("Press enter to open the editor again or ctrl+c to abort change\n")
                guard Standard.readLine() != nil else { throw CommandFailure("EOF") }
                content = try run(on: content)
            }
        }
    }

    private static func run(on text: String) throws -> String {
        var template = Array("\(FileManager.default.temporaryDirectory.path)/lxd_editor_XXXXXX.yaml".utf8CString)
        let descriptor = mkstemps(&template, 5)
        guard descriptor >= 0 else { throw CommandFailure("Failed creating a temporary file: \(Standard.errorText(errno))") }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(path) }
        fchmod(descriptor, 0o600)
        Standard.write(text, to: descriptor)
        close(descriptor)
        try open(path)
        guard let edited = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("open \(path): \(Standard.errorText(ENOENT))")
        }
        return String(decoding: edited, as: UTF8.self)
    }

    /// Opens a file in the person's editor and waits until it is closed.
    static func open(_ path: String) throws {
        let words = try program().split(whereSeparator: \.isWhitespace).map(String.init)
        guard let name = words.first, let editor = Child.find(name) else {
            throw CommandFailure("exec: \((words.first ?? "").goQuoted): executable file not found in $PATH")
        }
        let status = try Child.run(editor, words + [path])
        guard status == 0 else { throw CommandFailure("exit status \(status)") }
    }

    private static func program() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        for name in ["VISUAL", "EDITOR"] {
            if let value = environment[name], !value.isEmpty { return value }
        }
        for name in ["editor", "vi", "emacs", "nano"] where Child.find(name) != nil { return name }
        throw CommandFailure("No text editor found, please set the EDITOR environment variable")
    }
}

/// A program that is started with the terminal and waited for.
enum Child {
    /// The path of a program, as a shell finds it.
    static func find(_ name: String) -> String? {
        if name.contains("/") { return access(name, X_OK) == 0 ? name : nil }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// Runs a program and returns its exit status, or 128 and the number of the signal that ended it.
    static func run(_ path: String, _ arguments: [String]) throws -> Int32 {
        wait(try start(path, arguments))
    }

    /// Starts a program.
    ///
    /// - Parameter streams: Descriptors of ours by the numbers under which the program has them; the others of 0 to 2
    ///   are those of this process.
    static func start(_ path: String, _ arguments: [String], streams: [Int32: Int32] = [:]) throws -> pid_t {
        let vector = arguments.map { $0.withCString { strdup($0) } } + [nil]
        defer { vector.forEach { free($0) } }
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (number, descriptor) in streams { posix_spawn_file_actions_adddup2(&actions, descriptor, number) }
        // What this process ignores, and what its worker threads block, the program should not.
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var child = pid_t(0)
        let result = posix_spawn(&child, path, &actions, &attributes, vector, environ)
        guard result == 0 else { throw CommandFailure("\(path): \(Standard.errorText(result))") }
        return child
    }

    static func wait(_ child: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }
}
