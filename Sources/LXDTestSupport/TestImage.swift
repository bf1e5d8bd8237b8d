internal import Foundation
internal import Glibc
internal import LXDLinux

/// Images for tests, made once a test run.
package enum TestImage {
    private static let busyboxTask = Task { try await make("busybox", script: "make-busybox-image", arguments: []) }

    /// A unified busybox image: path of a `.tar.xz`.
    package static func busybox() async throws -> String { try await busyboxTask.value }

    private static let debianTask = Task {
        if let ready = ProcessInfo.processInfo.environment["LXD_TEST_DEBIAN"] { return ready }
        return try await TestDaemon.withDaemon { daemon in
            try await daemon.mustLxc("image", "build", "debian/12", "--alias", "debian", deadline: .seconds(900))
            let file = "/tmp/lxd-testimage-debian-\(getpid())"
            try await daemon.mustLxc("image", "export", "debian", file, deadline: .seconds(120))
            atexit { TestImage.removeDebian() }
            guard let made = debianFiles().first else { throw TestFailure("no \(file).* was exported") }
            return made
        }
    }

    /// A unified Debian 12 image, built from Debian's packages once a test run; `LXD_TEST_DEBIAN` names one that is ready.
    package static func debian() async throws -> String { try await debianTask.value }

    private static func debianFiles() -> [String] {
        // None: then there is nothing to remove.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/tmp")) ?? []
        return names.filter { $0.hasPrefix("lxd-testimage-debian-\(getpid())") }.map { "/tmp/" + $0 }
    }

    private static func removeDebian() { for file in debianFiles() { unlink(file) } }

    private static func make(_ name: String, script: String, arguments: [String]) async throws -> String {
        let file = "/tmp/lxd-testimage-\(name)-\(getpid()).tar.xz"
        try await ProcessRunner.runChecked(
            sourceFolder + "/scripts/" + script, [file] + arguments, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            deadline: .seconds(120))
        atexit {
            // The one place that knows the name; nobody is left to tell at exit.
            _ = try? FileManager.default.removeItem(atPath: "/tmp/lxd-testimage-busybox-\(getpid()).tar.xz")
        }
        return file
    }
}
