import Foundation

/// Every path the daemon uses, computed from `LXD_DIR` in one place.
///
/// With `LXD_DIR` set, logs and caches lie below it; without, they lie where the system keeps such things.
package struct DaemonPaths: Sendable {
    /// `LXD_DIR`, `/var/lib/lxd` by default. Absolute, no trailing slash.
    package let root: String
    /// `LXD_DIR/logs`, or `/var/log/lxd`.
    package let logs: String
    /// `LXD_DIR/cache`, or `/var/cache/lxd`.
    package let cache: String
    /// `LXD_DIR/run`, or `/run/lxd`.
    package let run: String

    package init(root: String) {
        self.init(root: root, logs: root + "/logs", cache: root + "/cache", run: root + "/run")
    }

    private init(root: String, logs: String, cache: String, run: String) {
        self.root = root
        self.logs = logs
        self.cache = cache
        self.run = run
    }

    /// Reads `LXD_DIR` as LXD does.
    package init(environment: [String: String]) {
        guard let directory = environment["LXD_DIR"], !directory.isEmpty else {
            self.init(root: "/var/lib/lxd", logs: "/var/log/lxd", cache: "/var/cache/lxd", run: "/run/lxd")
            return
        }
        let absolute = directory.hasPrefix("/") ? directory : FileManager.default.currentDirectoryPath + "/" + directory
        self.init(root: absolute.count > 1 && absolute.hasSuffix("/") ? String(absolute.dropLast()) : absolute)
    }

    package var database: String { root + "/database" }
    package var databaseFile: String { database + "/lxd.db" }
    package var socket: String { root + "/unix.socket" }
    package var pidFile: String { run + "/lxd.pid" }
    package var lockFile: String { root + "/.lock" }
    package var serverCertificate: String { root + "/server.crt" }
    package var serverKey: String { root + "/server.key" }
    package var clientCAs: String { root + "/server.ca" }

    package var images: String { root + "/images" }
    package var backups: String { root + "/backups" }
    package var instanceBackups: String { backups + "/instances" }
    package var volumeBackups: String { backups + "/custom" }
    package var containers: String { root + "/containers" }
    package var virtualMachines: String { root + "/virtual-machines" }
    package var snapshots: String { root + "/snapshots" }
    package var virtualMachineSnapshots: String { root + "/virtual-machines-snapshots" }
    package var storagePools: String { root + "/storage-pools" }
    package var networks: String { root + "/networks" }
    package var devices: String { root + "/devices" }
    /// Images of instances that move while they run, a folder each.
    package var liveImages: String { run + "/live" }
    package var devLXD: String { root + "/devlxd" }
    package var sharedMounts: String { root + "/shmounts" }
    package var disks: String { root + "/disks" }
    package var seccomp: String { root + "/security/seccomp" }
    package var appArmorProfiles: String { root + "/security/apparmor/profiles" }
    package var appArmorCache: String { root + "/security/apparmor/cache" }

    package func storagePool(_ name: String) -> String { storagePools + "/" + name }
    package func network(_ name: String) -> String { networks + "/" + name }

    /// The file or metadata half of an image.
    package func image(_ fingerprint: String) -> String { images + "/" + fingerprint }
    /// The root filesystem half of a split image.
    package func imageRootfs(_ fingerprint: String) -> String { images + "/" + fingerprint + ".rootfs" }

    /// - Parameter runtimeName: `NAME` in project default, `PROJECT_NAME` elsewhere.
    package func instanceLogs(_ runtimeName: String) -> String { logs + "/" + runtimeName }
    package func instanceDevices(_ runtimeName: String) -> String { devices + "/" + runtimeName }

    /// What the daemon creates at start: path and mode.
    package var directories: [(path: String, mode: UInt32)] {
        [
            (root, 0o711), (logs, 0o700), (cache, 0o700), (run, 0o711), (database, 0o700), (images, 0o700),
            (backups, 0o700), (instanceBackups, 0o700), (volumeBackups, 0o700), (containers, 0o711),
            (virtualMachines, 0o711), (snapshots, 0o700), (virtualMachineSnapshots, 0o700), (storagePools, 0o711),
            (networks, 0o711), (devices, 0o711), (devLXD, 0o755), (sharedMounts, 0o711), (disks, 0o700),
            (root + "/security", 0o700), (seccomp, 0o700), (liveImages, 0o711), (root + "/security/apparmor", 0o700),
            (appArmorProfiles, 0o700), (appArmorCache, 0o700),
        ]
    }
}
