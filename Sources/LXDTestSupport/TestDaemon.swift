package import LXDLinux

internal import Foundation
internal import Glibc
internal import SystemPackage

/// A daemon on a folder and socket of its own, with a client that talks to nothing else.
///
/// `withDaemon` tracks it and takes everything down again, whether the test passes, fails or throws.
package final class TestDaemon: Sendable {
    package let programs: Programs
    /// LXD_DIR; short, since a unix socket's path has at most 107 bytes.
    package let directory: String
    package let configuration: String
    package let work: String
    /// The host it runs on; nil for the machine itself.
    package let host: TestHost?
    private let process = Locked<ProcessHandle?>(nil)

    private init(programs: Programs, root: String, host: TestHost?) {
        self.programs = programs
        self.host = host
        directory = root + "/lxd"
        configuration = root + "/conf"
        work = root + "/work"
    }

    /// Runs the body with a fresh daemon, then ends it and removes all it had.
    ///
    /// - Parameters:
    ///   - host: Where the daemon and all its tools run.
    ///   - diskMebibytes: Gives its folder a filesystem of that size; needs a host.
    package static func withDaemon<Result: Sendable>(
        _ programs: Programs = .ours, on host: TestHost? = nil, diskMebibytes: Int? = nil,
        _ body: (TestDaemon) async throws -> Result
    ) async throws -> Result {
        let root = "/tmp/lxd-test-" + UUID().uuidString.prefix(8).lowercased()
        guard mkdir(root, 0o711) == 0 else { throw TestFailure("cannot make \(root): errno \(errno)") }
        let daemon = TestDaemon(programs: programs, root: root, host: host)
        mkdir(daemon.directory, 0o711)
        mkdir(daemon.configuration, 0o700)
        mkdir(daemon.work, 0o700)
        do {
            if let diskMebibytes { try await host?.limitDisk(daemon.directory, mebibytes: diskMebibytes) }
            try await daemon.start()
            let result = try await body(daemon)
            await daemon.clear()
            daemon.removeFolder(root)
            return result
        } catch {
            let log = daemon.logTail()
            await daemon.clear()
            daemon.removeFolder(root)
            throw TestFailure("\(error)\n--- the daemon's last words ---\n\(log)")
        }
    }

    // MARK: The process

    /// Starts the daemon and waits until it is ready.
    package func start() async throws {
        let line = command(programs.daemon, ["--logfile", directory + "/lxd.log", "--debug"])
        var request = SpawnRequest(
            executable: line.program, arguments: [line.program] + line.arguments, environment: environment)
        let out = open(directory + "/out.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer { close(out) }
        request.descriptors = [1: out, 2: out]
        let handle = try ProcessSpawner.spawn(request)
        process.withLock { $0 = handle }
        let ready = try await run(programs.daemon, ["waitready", "--timeout=30"], deadline: .seconds(40))
        guard ready.exit.isSuccess else { throw TestFailure("the daemon did not get ready: \(ready.errorText)") }
    }

    /// kill -9, as a crash or the out-of-memory killer would.
    package func crash() async throws {
        guard let handle = process.withLock({ $0 }) else { return }
        try? handle.signal(SIGKILL)  // It may have ended by itself, which is what is wanted.
        _ = await handle.wait()
    }

    /// Waits until something else has ended it.
    package func waitUntilDead(within limit: Duration = .seconds(60)) async throws {
        guard let handle = process.withLock({ $0 }) else { return }
        if await handle.wait(timeout: limit) == nil { throw TestFailure("the daemon lives on") }
    }

    /// SIGTERM: containers keep running.
    package func end() async {
        guard let handle = process.withLock({ $0 }) else { return }
        try? handle.signal(SIGTERM)  // As above.
        let deadline = ContinuousClock.now + .seconds(20)
        while handle.exit == nil, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(20)) }
        if handle.exit == nil { try? handle.signal(SIGKILL) }
        process.withLock { $0 = nil }
    }

    /// What a test wants to go wrong in a live migration: `STEP ACTION` in this file, see LXDCore's MigrationFaults.
    package var faults: String { work + "/faults" }

    package var processID: Int32? { process.withLock { $0?.pid } }

    private var environment: [String] {
        ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("LXD_") && !$0.key.hasPrefix("LXC_") }
            .map { "\($0.key)=\($0.value)" }
            + ["LXD_DIR=\(directory)", "LXD_CONF=\(configuration)", "LXD_TEST_WORK=\(work)", "LXD_MIGRATION_FAULTS=\(faults)"]
    }

    // MARK: What a user does

    /// Runs the client; never throws for its exit status.
    @discardableResult
    package func lxc(_ arguments: String..., input: String = "", deadline: Duration = .seconds(120)) async throws -> ToolResult {
        let line = command(programs.client, arguments)
        return try await ProcessRunner.run(
            line.program, line.arguments, input: Array(input.utf8), environment: environment, deadline: deadline, outputLimit: 4 << 20)
    }

    /// Runs the client and fails the test, with both streams, unless it succeeds.
    @discardableResult
    package func mustLxc(_ arguments: String..., input: String = "", deadline: Duration = .seconds(120)) async throws -> String {
        let line = command(programs.client, arguments)
        let result = try await ProcessRunner.run(
            line.program, line.arguments, input: Array(input.utf8), environment: environment, deadline: deadline, outputLimit: 4 << 20)
        guard result.exit.isSuccess else {
            throw TestFailure("lxc \(arguments.joined(separator: " ")): \(result.exit): \(result.outputText)\(result.errorText)")
        }
        return result.outputText
    }

    /// Runs the client on a terminal.
    package func terminal(_ arguments: String...) throws -> TestTerminal {
        let line = command(programs.client, arguments)
        return try TestTerminal(
            SpawnRequest(executable: line.program, arguments: [line.program] + line.arguments, environment: environment + ["TERM=xterm"]))
    }

    /// Any program with this daemon's environment, bash scripts mostly.
    package func run(_ program: String, _ arguments: [String], extra: [String] = [], deadline: Duration) async throws -> ToolResult {
        let line = command(program, arguments)
        return try await ProcessRunner.run(
            line.program, line.arguments, environment: environment + extra, workingDirectory: work, deadline: deadline, outputLimit: 16 << 20)
    }

    private func command(_ program: String, _ arguments: [String]) -> (program: String, arguments: [String]) {
        host?.command(program, arguments) ?? (program, arguments)
    }

    /// One request on the unix socket, by curl.
    package func request(_ method: String, _ path: String, _ body: String = "", headers: [String] = []) async throws -> Answer {
        var arguments = [
            "-s", "--max-time", "120", "--unix-socket", directory + "/unix.socket", "-X", method, "-w", "\n%{http_code}",
            "http://lxd" + path,
        ]
        for header in headers { arguments += ["-H", header] }
        if !body.isEmpty { arguments += ["--data-binary", body] }
        let result = try await run("curl", arguments, deadline: .seconds(130))
        guard let split = result.outputText.lastIndex(of: "\n") else { throw TestFailure("\(method) \(path): no answer") }
        let status = Int(result.outputText[result.outputText.index(after: split)...]) ?? 0
        return Answer(status: status, body: String(result.outputText[..<split]))
    }

    /// A storage pool, and the busybox image under the alias `busybox`.
    package func prepareForContainers() async throws {
        try await mustLxc("storage", "create", "pool", "dir")
        try await mustLxc("profile", "device", "add", "default", "root", "disk", "path=/", "pool=pool")
        try await mustLxc("image", "import", try await TestImage.busybox(), "--alias", "busybox")
    }

    // MARK: Several hosts

    /// Listens on its host's address, so that others can reach it there.
    package func listen() async throws {
        guard let host else { throw TestFailure("a daemon without a host of its own has no address to listen on") }
        try await mustLxc("config", "set", "core.https_address", host.address + ":8443")
    }

    /// Makes another daemon a remote of this one's client, by a join token; the other must listen.
    package func addRemote(_ name: String, _ other: TestDaemon) async throws {
        let text = try await other.mustLxc("config", "trust", "add", "--name", name + "-client")
        guard let token = text.split(whereSeparator: \.isWhitespace).last else { throw TestFailure("no token in: \(text)") }
        try await mustLxc("remote", "add", name, String(token))
    }

    // MARK: Taking down

    private func clear() async {
        if process.withLock({ $0?.exit == nil && $0 != nil }) == false { try? await start() }
        // Best effort on the way out of a test: what stays is found by scripts/test.
        if let names = try? await lxc("list", "-f", "csv", "-c", "n").outputText.split(separator: "\n") {
            for name in names { _ = try? await lxc("delete", "--force", String(name)) }
        }
        _ = try? await lxc("profile", "edit", "default", input: "config: {}\ndevices: {}\n")
        if let networks = try? await lxc("network", "list", "-f", "csv").outputText.split(separator: "\n") {
            for line in networks where line.contains(",YES,") {
                _ = try? await lxc("network", "delete", String(line.split(separator: ",").first ?? ""))
            }
        }
        await end()
    }

    private func removeFolder(_ root: String) {
        let mounts = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        for line in mounts.split(separator: "\n").reversed() {
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[4].hasPrefix(root + "/") else { continue }
            umount2(String(fields[4]), Int32(MNT_DETACH))
        }
        try? FileManager.default.removeItem(atPath: root)
    }

    /// The end of the daemon's log and of what it wrote to its standard streams.
    package func logTail() -> String {
        ["lxd.log", "out.log"].map { name in
            let text = (try? String(contentsOfFile: directory + "/" + name, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").suffix(15).joined(separator: "\n")
        }.joined(separator: "\n")
    }
}

/// What came back for one request.
package struct Answer: Sendable {
    package var status: Int
    package var body: String

    /// The `error` field; empty for a success.
    package var error: String {
        let object = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        return object?["error"] as? String ?? ""
    }
}

package struct TestFailure: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}
