import Foundation
import Glibc
import LXDHTTP
import Testing

@Suite struct ListeningSocketTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "/lxdsock-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test func theSocketHasTheModeAsked() throws {
        try withFolder { folder in
            let socket = try ListeningSocket.unix(path: folder + "/s", mode: 0o660, group: getgid())
            defer { close(socket.descriptor) }
            let mode = try FileManager.default.attributesOfItem(atPath: folder + "/s")[.posixPermissions] as? Int
            #expect(mode == 0o660)
        }
    }

    @Test func aSocketThatAnswersIsNotTakenOver() throws {
        try withFolder { folder in
            let first = try ListeningSocket.unix(path: folder + "/s", mode: 0o660, group: nil)
            defer { close(first.descriptor) }
            #expect(throws: ListenError.alreadyServed(folder + "/s")) {
                try ListeningSocket.unix(path: folder + "/s", mode: 0o660, group: nil)
            }
        }
    }

    @Test func theSocketOfADeadDaemonIsReplaced() throws {
        try withFolder { folder in
            close(try ListeningSocket.unix(path: folder + "/s", mode: 0o660, group: nil).descriptor)
            close(try ListeningSocket.unix(path: folder + "/s", mode: 0o660, group: nil).descriptor)
        }
    }

    @Test func aTakenPortSaysSo() throws {
        let first = try ListeningSocket.tcp(host: "127.0.0.1", port: 0)
        defer { close(first.descriptor) }
        let port = try #require(first.address.split(separator: ":").last.flatMap { UInt16($0) })
        let error = #expect(throws: ListenError.self) { try ListeningSocket.tcp(host: "127.0.0.1", port: port) }
        #expect(error?.description.contains("address already in use") == true)
    }

    @Test func aPathTooLongForASocketIsRefused() {
        #expect(throws: ListenError.self) {
            try ListeningSocket.unix(path: "/" + String(repeating: "a", count: 200), mode: 0o660, group: nil)
        }
    }

    @Test(arguments: [[:], ["LISTEN_PID": "1", "LISTEN_FDS": "1"], ["LISTEN_PID": "x", "LISTEN_FDS": "1"]])
    func descriptorsForAnotherProcessAreLeftAlone(_ environment: [String: String]) {
        #expect(ListeningSocket.inherited(environment: environment, pid: 4711).isEmpty)
    }
}
