import Foundation
import Testing

@testable import LXCCommands

/// The completion scripts, run by real shells against a stand-in for `lxc` that offers a few words.
@Suite struct ShellCompletionTests {
    @Test(.enabled(if: Shell.has("bash"), "bash is not installed"))
    func bashOffersWhatFollowsTheColonOfARemote() async throws {
        let words = try Shell.run(
            "bash", CompletionScript.of(shell: "bash"),
            """
            COMP_LINE='lxc start r1:'; COMP_POINT=${#COMP_LINE}
            _lxc 2>/dev/null
            printf '%s\\n' "${COMPREPLY[@]}"
            """)
        #expect(words == ["web", "web-2"])
    }

    @Test(.enabled(if: Shell.has("zsh"), "zsh is not installed"))
    func zshIsToldNamesAndNotes() async throws {
        let words = try Shell.run(
            "zsh", "compdef() { }\n" + (CompletionScript.of(shell: "zsh") ?? ""),
            """
            _describe() { print -rl -- "${(@P)2}" }
            _files() { print files }
            words=(lxc start r1:); CURRENT=3
            _lxc
            """)
        #expect(words == ["r1\\:web:Running", "r1\\:web-2:Stopped"])
    }

    @Test(.enabled(if: Shell.has("zsh"), "zsh is not installed"))
    func zshOffersFilesWhereNoNameFits() async throws {
        let words = try Shell.run(
            "zsh", "compdef() { }\n" + (CompletionScript.of(shell: "zsh") ?? ""),
            """
            _describe() { print -rl -- "${(@P)2}" }
            _files() { print files }
            words=(lxc nothing ''); CURRENT=3
            _lxc
            """)
        #expect(words == ["files"])
    }

    @Test(.enabled(if: Shell.has("fish"), "fish is not installed"))
    func fishOffersNamesAndNotes() async throws {
        let words = try Shell.run("fish", CompletionScript.of(shell: "fish"), "complete -C 'lxc start r1:'")
        #expect(words == ["r1:web\tRunning", "r1:web-2\tStopped"])
    }
}

/// A shell with nothing of the user's: its own home folder, a search path that begins with the stand-in.
private enum Shell {
    static func has(_ name: String) -> Bool {
        ["/bin", "/usr/bin", "/usr/local/bin"].contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

    /// - Returns: The lines that the shell wrote after it read the script.
    static func run(_ shell: String, _ script: String?, _ commands: String) throws -> [String] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lxc-completion-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let standIn = folder.appending(path: "lxc")
        try """
            #!/bin/sh
            [ "$1 $2 $3 $4" = "__complete -- start r1:" ] || exit 0
            printf 'r1:web\\tRunning\\nr1:web-2\\tStopped\\n'
            """.write(to: standIn, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: standIn.path)
        let file = folder.appending(path: "script")
        try "\(try #require(script))\n\(commands)\n".write(to: file, atomically: true, encoding: .utf8)

        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [shell, file.path]
        process.environment = ["PATH": "\(folder.path):/usr/local/bin:/usr/bin:/bin", "HOME": folder.path, "TERM": "dumb"]
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text.split(separator: "\n").map(String.init)
    }
}
