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
            AliasGroup.self, Completion.self, CompletionQuery.self, ConfigGroup.self, Console.self, Copy.self,
            Delete.self, Exec.self, Export.self, FileGroup.self, ImageGroup.self, Import.self, Info.self,
            Init.self, Launch.self, List.self, Manpage.self, MigrateCheck.self, Monitor.self, Move.self, NetworkGroup.self,
            OperationGroup.self, Pause.self, ProfileGroup.self, ProjectGroup.self, Publish.self, Query.self,
            RemoteGroup.self, Rename.self, Restart.self, Restore.self, Snapshot.self, Start.self, Stop.self,
            StorageGroup.self, Version.self, WarningGroup.self,
        ])
}
