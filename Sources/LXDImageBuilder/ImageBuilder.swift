package import SystemPackage

internal import Foundation
internal import Glibc
internal import LXDLinux

/// Builds a unified image from a distribution's own packages, with no image server: metadata, templates and root file system.
///
/// The packages are unpacked by mmdebstrap in mount and process namespaces of their own; signatures are checked against
/// the distribution's keyring.
package struct ImageBuilder: Sendable {
    package var release: Release
    /// Where packages come from; nil takes the distribution's own servers.
    package var mirror: String?
    /// Hears a line about each step, for a person.
    package var progress: @Sendable (String) -> Void

    package init(release: Release, mirror: String? = nil, progress: @escaping @Sendable (String) -> Void) {
        self.release = release
        self.mirror = mirror
        self.progress = progress
    }

    /// Builds the image and writes it, zstd-compressed, to `file`. Takes one to three minutes.
    ///
    /// - Throws: `ImageBuildError`; nothing is left but what was at `file` before.
    package func build(to file: FilePath) async throws {
        guard geteuid() == 0 else { throw ImageBuildError.notRoot }
        if let mirror {
            let plain = mirror.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
            guard plain, mirror.hasPrefix("http://") || mirror.hasPrefix("https://") else { throw ImageBuildError.badMirror(mirror) }
        }
        for (tool, package) in [("mmdebstrap", "mmdebstrap"), ("gpgv", "gpgv"), ("tar", "tar"), ("zstd", "zstd"), ("unshare", "util-linux")]
        where ProcessRunner.locate(tool) == nil {
            throw ImageBuildError.missingTool(tool, package: package)
        }
        let work = "/var/tmp/lxd-image-\(UUID().uuidString.lowercased())"
        do {
            try FileManager.default.createDirectory(
                atPath: work, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        } catch { throw ImageBuildError.cannotWrite(path: work, error: "\(error)") }
        defer {
            do { try FileManager.default.removeItem(atPath: work) } catch { progress("Could not remove \(work): \(error)") }
        }
        try writeRecipe(into: work)
        try await run("unshare", installArguments(work: work), deadline: .seconds(1800))
        progress("Packing the image")
        let made = work + "/image.tar.zst"
        try await run("tar", packArguments(work: work, to: made), deadline: .seconds(900))
        guard rename(made, file.string) == 0 || copyOver(made, to: file.string) else {
            throw ImageBuildError.cannotWrite(path: file.string, error: String(cString: strerror(errno)))
        }
    }

    /// The command line of mmdebstrap behind `unshare`; exposed to tests.
    func installArguments(work: String) -> [String] {
        var arguments = [
            "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--", "mmdebstrap", "--mode=root",
            "--variant=minbase", "--format=directory", "--include=\(Recipe.packages(of: release).joined(separator: ","))",
            "--aptopt=APT::Install-Recommends \"false\"", "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-include=/usr/share/doc/*/copyright", "--customize-hook=\(work)/customize \"$1\"", release.suite,
            work + "/rootfs",
        ]
        if let mirror { arguments.append(mirror) }
        return arguments
    }

    func packArguments(work: String, to file: String) -> [String] {
        [
            "--create", "--file=\(file)", "--zstd", "--directory=\(work)", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls",
            "--one-file-system", "--", "metadata.yaml", "templates", "rootfs",
        ]
    }

    private func writeRecipe(into work: String) throws(ImageBuildError) {
        var name = utsname()
        uname(&name)
        let machine = withUnsafeBytes(of: name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let architectures = ["x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64el"]
        let files: [(String, String, mode_t)] = [
            ("metadata.yaml", metadata(machine: machine, architecture: architectures[machine] ?? machine), 0o644),
            ("templates/hostname.tpl", Recipe.hostnameTemplate, 0o644), ("templates/hosts.tpl", Recipe.hostsTemplate, 0o644),
            ("10-eth0.network", Recipe.network, 0o644), ("customize", Recipe.customizeScript, 0o755),
        ]
        mkdir(work + "/templates", 0o755)
        for (file, text, mode) in files {
            let path = work + "/" + file
            do { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) } catch {
                throw .cannotWrite(path: path, error: "\(error)")
            }
            chmod(path, mode)
        }
    }

    private func metadata(machine: String, architecture: String) -> String {
        Recipe.metadata(
            of: release, architecture: architecture, machine: machine, creationSeconds: Int64(Date().timeIntervalSince1970))
    }

    /// Runs a tool and passes on what it says, line by line.
    private func run(_ tool: String, _ arguments: [String], deadline: Duration) async throws {
        guard let path = ProcessRunner.locate(tool) else { throw ImageBuildError.missingTool(tool, package: tool) }
        let progress = progress
        let (exit, words): (ProcessExit, [String]) = try await BlockingPool.shared.run {
            var ends = try PipeEnds()
            var request = SpawnRequest(
                executable: path, arguments: [tool] + arguments,
                environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TMPDIR=/var/tmp"])
            request.descriptors = [1: ends.writingNumber, 2: ends.writingNumber]
            let handle = try ProcessSpawner.spawn(request)
            ends.writing = nil
            let words = try Self.readLines(ends.readingNumber, of: handle, deadline: deadline, hear: progress)
            while handle.exit == nil { usleep(1000) }
            return (handle.exit ?? .unknown, words)
        }
        guard exit.isSuccess else {
            let telling = words.filter { $0.hasPrefix("E:") || $0.contains("rror") }
            throw ImageBuildError.failed(
                tool: arguments.contains("mmdebstrap") ? "mmdebstrap" : tool, status: exit.shellStatus,
                lastWords: (telling.isEmpty ? words : telling).suffix(3).joined(separator: "; "))
        }
    }

    /// Reads until the other end closes; kills the tool when the deadline passes. Keeps the last 40 lines of 500 bytes each.
    private static func readLines(
        _ source: Int32, of handle: ProcessHandle, deadline: Duration, hear: (String) -> Void
    ) throws -> [String] {
        let end = ContinuousClock.now + deadline
        var kept: [String] = []
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            var waiting = pollfd(fd: source, events: Int16(POLLIN), revents: 0)
            if poll(&waiting, 1, 1000) == 0 {
                guard ContinuousClock.now < end else {
                    try handle.signal(SIGKILL)
                    return kept + ["it took longer than \(deadline.components.seconds) s and was stopped"]
                }
                continue
            }
            let count = read(source, &chunk, chunk.count)
            guard count > 0 else { return kept }
            for byte in chunk[..<count] {
                guard byte == 0x0a || byte == 0x0d else {
                    if line.count < 500 { line.append(byte) }
                    continue
                }
                let text = String(decoding: line, as: UTF8.self)
                line.removeAll(keepingCapacity: true)
                guard !text.isEmpty else { continue }
                kept = kept.suffix(39) + [text]
                if text.hasPrefix("I: ") { hear(String(text.dropFirst(3))) }
            }
        }
    }

    /// For a target on another file system, where rename does not reach.
    private func copyOver(_ source: String, to target: String) -> Bool {
        let beside = target + ".partial"
        do {
            if FileManager.default.fileExists(atPath: beside) { try FileManager.default.removeItem(atPath: beside) }
            try FileManager.default.copyItem(atPath: source, toPath: beside)
        } catch { return false }
        return rename(beside, target) == 0
    }
}
