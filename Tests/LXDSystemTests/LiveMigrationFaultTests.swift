import Foundation
import Glibc
import LXDLinux
import LXDTestSupport
import Testing

/// Everything that can die in a live migration dies at every step of it: one copy runs afterwards, its clients are still
/// connected, and the other host has nothing of it.
///
/// The steps are those of LXDCore's MigrationFaults. Before the source has decided the container stays where it is; from then on
/// it is the target's.
@Suite(
    .serialized,
    .enabled(
        if: Programs.mayRunContainers && access("/usr/lib/lxd/criu/criu", X_OK) == 0, "needs root and scripts/install-criu"),
    .timeLimit(.minutes(15)))
struct LiveMigrationFaultTests {
    struct Case: Sendable, CustomStringConvertible {
        enum Fault: String, Sendable {
            /// kill -9 of a daemon while the one whose step it is stands at it.
            case killSource, killTarget
            /// The step fails.
            case fail
            /// kill -9 of criu, or of the helper above it, on the side whose step it is.
            case killCriu, killHelper
            /// The cable is pulled at the step, and plugged in again when both have noticed.
            case cutCable
        }
        /// Who has it afterwards; nil where that depends on who was faster.
        enum Outcome: Sendable { case source, target }
        var step: String
        var fault: Fault
        var outcome: Outcome?
        var isAtTarget: Bool { step.hasPrefix("target") }
        var description: String { "\(fault) at \(step)" }
    }

    static let undecided = [
        "source-checked", "source-first-pass", "source-dumped", "source-images-sent", "source-sent", "source-ready",
        "target-created", "target-devices", "target-images", "target-received", "target-restored", "target-ready",
    ]
    /// The source decides as soon as the target has told it that it waits.
    static let open = ["target-waiting"]
    static let decided = [
        "source-committed", "source-go", "source-ended", "target-go", "target-resumed", "target-done",
    ]

    /// All steps.
    ///
    /// - Parameter late: Steps before the decision at which it comes too late to be noticed for sure.
    private static func everywhere(_ fault: Case.Fault, late: [String] = []) -> [Case] {
        cases(fault, undecided.filter { !late.contains($0) }, .source) + cases(fault, open + late, nil) + cases(fault, decided, .target)
    }

    private static func cases(_ fault: Case.Fault, _ steps: [String], _ outcome: Case.Outcome?) -> [Case] {
        steps.map { Case(step: $0, fault: fault, outcome: outcome) }
    }

    @Test func theSourcesDaemonIsKilledAtEveryStep() async throws { try await run(Self.everywhere(.killSource)) }

    @Test func theTargetsDaemonIsKilledAtEveryStep() async throws {
        // It has said that it holds everything: when the source hears no more of it, it may have decided.
        try await run(Self.everywhere(.killTarget, late: ["source-ready"]))
    }

    @Test func everyStepFails() async throws { try await run(Self.everywhere(.fail)) }

    @Test func criuOrItsHelperIsKilledAtEveryStepOfTheirs() async throws {
        for fault in [Case.Fault.killCriu, .killHelper] {
            // The images are complete: the source may go on with them, or take the container back; the target may try again.
            try await run(
                Self.cases(
                    fault,
                    ["source-dumped", "source-images-sent", "source-sent", "source-ready", "target-restored", "target-ready", "target-waiting"],
                    nil) + Self.cases(fault, ["source-committed", "target-go"], .target))
        }
    }

    @Test func theCableIsCut() async throws {
        try await run(
            Self.cases(.cutCable, ["source-dumped"], .source) + Self.cases(.cutCable, ["source-ready"], nil)
                + Self.cases(.cutCable, ["source-committed"], .target))
    }

    @Test func criuIsKilledAsSoonAsItStarts() async throws {
        try await LiveHosts.with { pair in
            for source in [true, false] {
                let container = try await SmallContainer.launch(pair, on: pair.here)
                let client = try await TestClient(from: pair.hosts.here, to: LiveHosts.address)
                do {
                    let host = source ? pair.hosts.here : pair.hosts.far
                    let moving = Task { try await pair.move(container.name, from: pair.here) }
                    try await eventually("criu", within: .seconds(60), every: .milliseconds(1)) {
                        let found = try pair.processes(of: host).filter { $0.program == "criu" && !$0.command.contains("--version") }
                        for criu in found { kill(criu.pid, SIGKILL) }
                        return found.isEmpty ? nil : true
                    }
                    _ = try await moving.value
                    try await container.expectOneCopy(client, source: pair.here, mayKeepVolume: true)
                } catch {
                    Issue.record("criu killed on the \(source ? "source" : "target"): \(error)")
                }
                await client.end()
                for daemon in [pair.here, pair.far] { try await daemon.lxc("delete", "--force", container.name) }
            }
        }
    }

    @Test func theTargetsDiskIsFull() async throws {
        try await LiveHosts.with(farDiskMebibytes: 60) { pair in
            let container = try await SmallContainer.launch(pair, on: pair.here)
            // Its files: images of memory may be kept elsewhere.
            try await pair.here.mustLxc("exec", container.name, "--", "sh", "-c", "head -c 100000000 /dev/urandom >/root/big")
            let client = try await TestClient(from: pair.hosts.here, to: LiveHosts.address)
            do {
                let result = try await pair.move(container.name, from: pair.here)
                #expect(!result.exit.isSuccess)
                #expect(result.errorText.contains("No space left"), "\(result.errorText)")
                let owner = try await container.expectOneCopy(client, source: pair.here, mayKeepVolume: false)
                #expect(owner === pair.here)
            } catch {
                await client.end()
                throw error
            }
            await client.end()
        }
    }

    // MARK: One case

    /// Runs cases one after the other on one container, which goes to and fro; where one has failed the next begins anew.
    private func run(_ cases: [Case]) async throws {
        var left = cases[...]
        while !left.isEmpty {
            try await LiveHosts.with { pair in
                let container = try await SmallContainer.launch(pair, on: pair.here)
                let client = try await TestClient(from: pair.hosts.here, to: LiveHosts.address)
                var owner = pair.here
                while let next = left.popFirst() {
                    do { owner = try await run(next, container, client, on: owner, pair) } catch {
                        Issue.record("\(next): \(error)")
                        break
                    }
                }
                await client.end()
            }
        }
    }

    /// - Returns: The daemon that has the container now.
    private func run(
        _ fault: Case, _ container: SmallContainer, _ client: TestClient, on source: TestDaemon, _ pair: LiveHosts
    ) async throws -> TestDaemon {
        let result = try await move(container, fault, from: source, pair)
        let owner = try await container.expectOneCopy(client, source: source, mayKeepVolume: fault.outcome != .source)
        if let outcome = fault.outcome, owner !== (outcome == .target ? pair.other(source) : source) {
            throw TestFailure("it runs on the \(owner === source ? "source" : "target"); the client said: \(result.errorText)")
        }
        if fault.outcome == .source, result.exit.isSuccess { throw TestFailure("the client was told that all is well") }
        // The source may not have been asked to delete it any more.
        if owner !== source { try await source.lxc("delete", "--force", container.name) }
        return owner
    }

    private func move(
        _ container: SmallContainer, _ fault: Case, from source: TestDaemon, _ pair: LiveHosts
    ) async throws -> ToolResult {
        let target = pair.other(source)
        let stepper = fault.isAtTarget ? target : source
        let action = fault.fault == .fail ? "fail" : "pause"
        unlink(stepper.faults + ".paused")
        try "\(fault.step) \(action)\n".write(toFile: stepper.faults, atomically: true, encoding: .utf8)
        let moving = Task { try await pair.move(container.name, from: source) }
        if fault.fault != .fail {
            do { try await waitUntilPaused(stepper) } catch {
                unlink(stepper.faults)
                let result = try await moving.value
                throw TestFailure("\(error); the client said: \(result.outputText)\(result.errorText)")
            }
        }
        func goOn() { unlink(stepper.faults + ".paused") }
        switch fault.fault {
        case .fail: break
        case .killSource, .killTarget:
            let victim = fault.fault == .killSource ? source : target
            try await victim.crash()
            goOn()
            try await victim.start()
        case .killCriu, .killHelper:
            let processes = try pair.processes(of: pair.host(stepper))
            let all = processes.filter { $0.program == "criu" }
            let parents = Set(all.map(\.parent))
            let victims = fault.fault == .killCriu ? all : processes.filter { parents.contains($0.pid) && $0.program != "criu" }
            for process in victims { kill(process.pid, SIGKILL) }
            goOn()
            if victims.isEmpty { throw TestFailure("no such process: \(processes.map(\.command))") }
        case .cutCable:
            try await pair.hosts.here.cutCable()
            goOn()
            // Both take the other for lost after ten seconds; the client, which sits on one end of the cable, need not notice.
            try await Task.sleep(for: .seconds(12))
            try await pair.hosts.here.plugCable()
        }
        let result = try await moving.value
        if access(stepper.faults, F_OK) == 0 {
            unlink(stepper.faults)
            throw TestFailure("\(fault.step) was not reached; the client said: \(result.outputText)\(result.errorText)")
        }
        return result
    }

    private func waitUntilPaused(_ daemon: TestDaemon) async throws {
        try await eventually("the migration to reach its step", within: .seconds(30), every: .milliseconds(5)) {
            access(daemon.faults + ".paused", F_OK) == 0 ? true : nil
        }
    }
}
