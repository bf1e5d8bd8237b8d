internal import Foundation
internal import Glibc
internal import LXDLinux

/// The program of Tests/Fixtures/live-migration that runs inside containers, and outside as their TCP client.
package enum TestGuest {
    package static let folder = sourceFolder + "/Tests/Fixtures/live-migration"

    private static let programTask = Task<String, any Error> {
        let file = "/tmp/lxd-testguest-\(getpid())"
        // Swift's toolchain brings a C compiler.
        let search = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let toolchain = search.split(separator: ":").map { (folder: Substring) -> String in folder + "/clang" }
        let compiler = (toolchain + ["/usr/bin/clang", "/usr/bin/gcc", "/usr/bin/cc"]).first { access($0, X_OK) == 0 }
        guard let compiler else { throw TestFailure("no C compiler: neither clang nor gcc is on PATH") }
        try await ProcessRunner.runChecked(
            compiler, ["-O2", "-static", "-o", file, folder + "/guest.c"], environment: ["PATH=/usr/bin:/bin"], deadline: .seconds(120))
        atexit { unlink("/tmp/lxd-testguest-\(getpid())") }
        return file
    }

    /// The path of the program, compiled once a test run.
    package static func program() async throws -> String { try await programTask.value }
}

/// A line of `NAME=VALUE` pairs, as the guest program writes them.
package struct GuestStatus: Sendable, CustomStringConvertible {
    package var values: [String: String] = [:]

    package init(_ text: some StringProtocol) {
        for pair in text.split(whereSeparator: \.isWhitespace) {
            guard let sign = pair.firstIndex(of: "=") else { continue }
            values[String(pair[..<sign])] = String(pair[pair.index(after: sign)...])
        }
    }

    package func number(_ name: String) -> Int { values[name].flatMap { Int($0) } ?? 0 }
    package var description: String { values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ") }
}

/// One TCP connection to a container, which numbers its lines and takes note of every one that is not answered, or twice.
package final class TestClient: Sendable {
    private let process: ProcessHandle
    private let file: String

    /// Connects from a host's network to the guest program's echo service.
    package init(from host: TestHost?, to address: String, port: Int = 7777) async throws {
        let file = "/tmp/lxd-testclient-\(UUID().uuidString.prefix(8).lowercased())"
        let arguments = ["client", address, "\(port)", file]
        let program = try await TestGuest.program()
        let line = host?.command(program, arguments) ?? (program: program, arguments: arguments)
        let spawned = try await eventually("a TCP connection to \(address)", within: .seconds(30)) { () -> ProcessHandle? in
            let request = SpawnRequest(executable: line.program, arguments: [line.program] + line.arguments)
            let process = try ProcessSpawner.spawn(request)
            while process.exit == nil {
                if Self.read(file).number("received") > 0 { return process }
                try await Task.sleep(for: .milliseconds(20))
            }
            return nil
        }
        process = spawned
        self.file = file
    }

    package var status: GuestStatus { Self.read(file) }

    private static func read(_ file: String) -> GuestStatus {
        GuestStatus((try? String(contentsOfFile: file, encoding: .utf8)) ?? "")
    }

    /// Waits until all that was sent before this call has been answered.
    ///
    /// - Throws: When the connection is lost, a number is missing, or the answers do not come.
    package func expectAnswers(_ when: String) async throws {
        let sent = status.number("sent")
        try await eventually("the answers to a TCP client \(when)", within: .seconds(90)) {
            let exit = process.exit
            // Read after that: its last words are why it ended.
            let now = status
            guard now.values["state"] == "connected", exit == nil, now.number("bad") == 0 else {
                throw TestFailure("the TCP client \(when): \(now)\(exit.map { ", ended: \($0)" } ?? "")")
            }
            return now.number("received") > sent ? true : nil
        }
    }

    package func end() async {
        try? process.signal(SIGKILL)  // It may have ended by itself; what it saw is in its file, which has been read.
        _ = await process.wait()
        unlink(file)
    }
}
