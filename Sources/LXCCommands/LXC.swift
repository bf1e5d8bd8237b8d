import ArgumentParser

/// The client's command tree.
struct LXC: CommandGroup {
    static let configuration = CommandConfiguration(
        commandName: "lxc",
        abstract: "Command line client for LXD",
        discussion: """
            Command line client for LXD

            All of LXD's features can be driven through the various commands below.
            For help with any of those, simply call them with --help.
            """,
        subcommands: [
            Console.self, Copy.self, Delete.self, Exec.self, ImageGroup.self, Init.self, Launch.self, List.self, Move.self, Pause.self,
            Rename.self, Restart.self, Restore.self, Snapshot.self, Start.self, Stop.self,
        ])
}
