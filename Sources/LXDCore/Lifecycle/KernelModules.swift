package import LXDAPI
import LXDLinux

/// The kernel modules that an instance wants on its host (`linux.kernel_modules`).
package enum KernelModules {
    private static let key = "linux.kernel_modules"

    /// The names in a value of the key.
    ///
    /// - Throws: For what cannot be the name of a module: modprobe would take a path or an option in its place.
    package static func names(in value: String) throws(LXDError) -> [String] {
        var names: [String] = []
        for part in value.split(separator: ",") {
            let name = String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            if name.isEmpty { continue }
            guard name.utf8.count <= 55, name.first != "-", name.utf8.allSatisfy(isAllowed) else {
                throw .badRequest("Failed to load kernel module '\(name)': \(key) has an invalid module name")
            }
            names.append(name)
        }
        return names
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    /// Loads those that are not there yet, by the host's rules for modules.
    package static func load(
        _ value: String, modprobe: String = "/usr/sbin/modprobe", loaded: String = "/sys/module"
    ) async throws {
        for name in try names(in: value) {
            let folder = String(name.map { $0 == "-" ? "_" : $0 })
            // Part of the kernel itself, or loaded before.
            if (try? FileStatus.of(path: loaded + "/" + folder)) != nil { continue }
            do {
                try await ProcessRunner.runChecked(modprobe, ["-b", "--", name], deadline: .seconds(30))
            } catch {
                throw LXDError.internalError("Failed to load kernel module '\(name)' (\(key)): \(error)", cause: error)
            }
        }
    }
}
