internal import LXDLinux

/// A host's processor as far as programs in memory depend on it.
///
/// What a program found out about the processor when it began holds for its life: where it goes on, there has to be all of it. This
/// is criu's own description behind a line with the names of the features, so that a refusal can name those that are missing.
package enum ProcessorDescription {
    private static let fileName = "cpuinfo.img"
    private static let sizeMax = 64 << 10

    /// Describes this host's.
    ///
    /// - Parameter folder: Made for it, and removed.
    package static func own(criu: String = ContainerRuntime.criuPath, folder: String) async throws -> [UInt8] {
        try await withFolder(folder) {
            _ = try await ProcessRunner.runChecked(criu, ["cpuinfo", "dump", "-D", folder], deadline: .seconds(10))
            return Array((features().joined(separator: " ") + "\n").utf8)
                + (try AtomicFile.read(folder + "/" + fileName, limit: sizeMax))
        }
    }

    /// Whether programs that began on the described processor can go on here.
    ///
    /// - Throws: `RuntimeError.processor` with the features that are missing.
    package static func check(_ description: [UInt8], criu: String = ContainerRuntime.criuPath, folder: String) async throws {
        guard description.count <= sizeMax, let end = description.firstIndex(of: UInt8(ascii: "\n")) else {
            throw MalformedImage(name: fileName)
        }
        let image = Array(description[description.index(after: end)...])
        let result = try await withFolder(folder) {
            try AtomicFile.write(image, to: folder + "/" + fileName, mode: 0o600, sync: false)
            return try await ProcessRunner.run(criu, ["cpuinfo", "check", "-D", folder], deadline: .seconds(10))
        }
        guard !result.exit.isSuccess else { return }
        let missing = missing(inOwn: features(), of: String(decoding: description[..<end], as: UTF8.self))
        let reason = missing.isEmpty ? CriuLog.firstError(in: result.errorText + result.outputText) : nil
        throw RuntimeError.processor(missing.isEmpty ? reason ?? "\(result.exit)" : missing.joined(separator: ", "))
    }

    /// Features that another has and this one does not, in the other's order. Names that are no plain words are a stranger's.
    package static func missing(inOwn own: [Substring], of others: String) -> [String] {
        let known = Set(own)
        return others.split(separator: " ").filter { !known.contains($0) }.prefix(50).compactMap { name in
            let isPlain = name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f }
            return isPlain && name.utf8.count <= 40 ? String(name) : nil
        }
    }

    /// As the kernel names them; x86 and arm64 call the line differently.
    private static func features() -> [Substring] {
        let text = (try? AtomicFile.readText("/proc/cpuinfo", limit: 4 << 20)) ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix("flags") || line.hasPrefix("Features") {
            return line.drop { $0 != ":" }.dropFirst().split(separator: " ")
        }
        return []
    }

    private static func withFolder<Result: Sendable>(
        _ folder: String, _ body: () async throws -> Result
    ) async throws -> Result {
        try removeHostTree(folder)
        try makeHostDirectories(folder, mode: 0o700)
        // What stays is removed by the next one.
        defer { try? removeHostTree(folder) }
        return try await body()
    }
}
