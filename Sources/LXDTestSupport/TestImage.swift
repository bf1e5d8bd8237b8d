internal import Foundation
internal import Glibc
internal import LXDLinux

/// Images for tests, made once a test run.
package enum TestImage {
    private static let busyboxTask = Task { try await make("busybox", script: "make-busybox-image", arguments: []) }

    /// A unified busybox image: path of a `.tar.xz`.
    package static func busybox() async throws -> String { try await busyboxTask.value }

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
