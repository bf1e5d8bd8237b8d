import Glibc
import LXDLinux
import LXDRuntime
import LXDRuntimePlan
import SystemPackage
import Testing

@Suite(
    .serialized, .enabled(if: TestContainer.isPossible, "needs root, /bin/busybox and lxd-helper"),
    .timeLimit(.minutes(2)))
struct FileServerTests {
    /// The few packets of SFTP these tests need.
    private final class Session {
        let socket: OwnedDescriptor

        init(_ container: TestContainer) async throws {
            socket = OwnedDescriptor(
                adopting: try await container.runtime.fileServer(
                    container.name,
                    stopped: (container.rootfs, container.folder + "/instance/rootfs", container.idmap)))
        }

        func greet() throws -> Session {
            try send([1, 0, 0, 0, 3])
            #expect(try receive().first == 2)
            return self
        }

        func send(_ body: [UInt8]) throws { try writeAll(Self.number(body.count) + body, to: socket.descriptor) }

        func receive() throws -> [UInt8] {
            let head = try take(4)
            return try take(head.reduce(0) { $0 << 8 | Int($1) })
        }

        private func take(_ count: Int) throws -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: count)
            var done = 0
            while done < count {
                let got = bytes[done...].withUnsafeMutableBytes { read(socket.rawValue, $0.baseAddress, $0.count) }
                try #require(got > 0)
                done += got
            }
            return bytes
        }

        static func number(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
        static func text(_ text: String) -> [UInt8] { number(text.utf8.count) + Array(text.utf8) }

        /// Opens and reads a file; nil when it is refused.
        func content(_ path: String) throws -> String? {
            try send([3] + Self.number(1) + Self.text(path) + Self.number(1) + Self.number(0))
            let answer = try receive()
            guard answer.first == 102 else { return nil }
            try send([5] + Self.number(2) + answer[5...] + Self.number(0) + Self.number(0) + Self.number(100))
            let data = try receive()
            return data.first == 103 ? String(decoding: data[9...], as: UTF8.self) : ""
        }

        /// Makes a file by opening it for writing; the answer's type.
        func create(_ path: String) throws -> UInt8? {
            try send([3] + Self.number(1) + Self.text(path) + Self.number(2 | 8) + Self.number(0))
            return try receive().first
        }
    }

    private func withContainer(_ body: (TestContainer) async throws -> Void) async throws {
        let container = try await TestContainer()
        do {
            try await body(container)
        } catch {
            await container.remove()
            throw error
        }
        await container.remove()
    }

    @Test(arguments: [false, true])
    func pathsOfAnInstanceDoNotReachTheHost(isRunning: Bool) async throws {
        try await withContainer { container in
            try AtomicFile.write("host secret", to: container.folder + "/secret", mode: 0o644)
            symlink(container.folder + "/secret", container.folder + "/image/etc/absolute")
            symlink("../../../../../../../.." + container.folder + "/secret", container.folder + "/image/etc/relative")
            symlink(container.folder, container.folder + "/image/etc/folder")
            if isRunning { _ = try await container.runtime.start(container.plan) }
            let session = try await Session(container).greet()
            #expect(try session.content("/etc/passwd")?.hasPrefix("root:") == true)
            for path in [
                "/etc/absolute", "/etc/relative", "/etc/folder/secret", "/../secret", "../secret",
                container.folder + "/secret",
                "/proc/1/root" + container.folder + "/secret", "/proc/self/cwd/secret",
            ] {
                #expect(try session.content(path) == nil, "\(path)")
            }
            #expect(try session.create("/etc/folder/made") != 102)
            #expect(access(container.folder + "/made", F_OK) != 0)
        }
    }

    @Test func filesOfAStoppedInstanceBelongToItsRoot() async throws {
        try await withContainer { container in
            let session = try await Session(container).greet()
            #expect(try session.create("/root/new") == 102)
            #expect(try FileStatus.of(path: container.folder + "/layers/upper/root/new").uid == 0)
        }
    }

    @Test func aStartEndsTheFileServerOfTheStoppedInstance() async throws {
        try await withContainer { container in
            let session = try await Session(container).greet()
            _ = try await container.runtime.start(container.plan)
            var byte: UInt8 = 0
            #expect(read(session.socket.rawValue, &byte, 1) == 0)
        }
    }

    @Test func endingAContainerEndsItsFileServers() async throws {
        try await withContainer { container in
            _ = try await container.runtime.start(container.plan)
            let session = try await Session(container).greet()
            try await container.runtime.kill(container.name)
            var byte: UInt8 = 0
            #expect(read(session.socket.rawValue, &byte, 1) == 0)
            #expect(try container.traces() == [])
        }
    }
}
