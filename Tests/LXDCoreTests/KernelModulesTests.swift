import Foundation
import LXDAPI
import Testing

@testable import LXDCore

@Suite struct KernelModulesTests {
    @Test func namesAreSeparatedByCommasAndSpaces() throws {
        #expect(try KernelModules.names(in: "overlay, nf_nat,br-netfilter ,") == ["overlay", "nf_nat", "br-netfilter"])
    }

    @Test(arguments: ["-r", "/tmp/evil.ko", "a b", "a;b", "../x", "a\nb", String(repeating: "a", count: 56)])
    func whatIsNoNameIsRefusedByName(_ value: String) {
        let error = #expect(throws: LXDError.self) { try KernelModules.names(in: value) }
        #expect(error?.message.contains("linux.kernel_modules has an invalid module name") == true)
    }

    /// A stand-in for modprobe that writes down what it is asked, and knows no module `missing`.
    @Test func onlyModulesThatAreNotThereAreLoadedAndFailuresNameThem() async throws {
        let folder = "/tmp/lxd-modules-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/module/br_netfilter", withIntermediateDirectories: true)
        let script = "#!/bin/sh\necho \"$@\" >>\(folder)/log\ncase $3 in missing) echo 'FATAL: not found' >&2; exit 1;; esac\n"
        try script.write(toFile: folder + "/modprobe", atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/modprobe")
        let error = await #expect(throws: LXDError.self) {
            try await KernelModules.load(
                "br-netfilter,dummy,missing,never", modprobe: folder + "/modprobe", loaded: folder + "/module")
        }
        #expect(try String(contentsOfFile: folder + "/log", encoding: .utf8) == "-b -- dummy\n-b -- missing\n")
        #expect(error?.message.hasPrefix("Failed to load kernel module 'missing' (linux.kernel_modules): ") == true)
        #expect(error?.message.contains("FATAL: not found") == true)
    }
}
