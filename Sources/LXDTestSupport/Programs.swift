
internal import Foundation
internal import Glibc

/// A pair of programs under test: a daemon and a client, ours or Debian's.
package struct Programs: Sendable, CustomStringConvertible {
    package var daemon: String
    package var client: String
    package var description: String

    /// The pair that was built together with the tests: the folder of the test program, or `LXD_TEST_BIN`.
    package static let ours: Programs = {
        let environment = ProcessInfo.processInfo.environment
        let built = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path
        let folder = environment["LXD_TEST_BIN"] ?? built
        return Programs(daemon: folder + "/lxd", client: folder + "/lxc", description: "ours")
    }()

    /// LXD 5.0.2 as Debian packages it; nil where it is not installed.
    package static let debian: Programs? = {
        let programs = Programs(daemon: "/usr/bin/lxd", client: "/usr/bin/lxc", description: "Debian's")
        let both = [programs.daemon, programs.client].allSatisfy { (path: String) in access(path, X_OK) == 0 }
        return both ? programs : nil
    }()

    package init(daemon: String, client: String, description: String) {
        self.daemon = daemon
        self.client = client
        self.description = description
    }

    /// Containers need root; tests that need them are skipped without.
    package static var mayRunContainers: Bool {
        geteuid() == 0 && access(ours.daemon, X_OK) == 0
    }
}

/// The folder of the sources, for scripts and fixtures.
package let sourceFolder: String = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
