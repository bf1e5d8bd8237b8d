import Foundation
import LXDLinux
import Testing

@Suite(.enabled(if: getuid() == 0, "needs root")) struct DetachedMountTests {
    /// Paths may hold what options separate values with; both ways see the layers in the same order.
    @Test(arguments: DetachedMount.LayerStyle.allCases)
    func layersAreMergedTopmostFirst(_ style: DetachedMount.LayerStyle) throws {
        let folder = "/tmp/lxd-overlay,a:b\\-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in ["top", "bottom", "upper", "work"] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
        }
        try "top".write(toFile: folder + "/top/both", atomically: false, encoding: .utf8)
        try "bottom".write(toFile: folder + "/bottom/both", atomically: false, encoding: .utf8)
        try "bottom".write(toFile: folder + "/bottom/below", atomically: false, encoding: .utf8)
        let mount = try DetachedMount.overlay(
            lower: [folder + "/top", folder + "/bottom"], upper: folder + "/upper", work: folder + "/work", styles: [style])
        let root = "/proc/self/fd/\(mount.rawValue)"
        #expect(try String(contentsOfFile: root + "/both", encoding: .utf8) == "top")
        #expect(try String(contentsOfFile: root + "/below", encoding: .utf8) == "bottom")
        try "new".write(toFile: root + "/made", atomically: false, encoding: .utf8)
        #expect(FileManager.default.fileExists(atPath: folder + "/upper/made"))
    }
}
