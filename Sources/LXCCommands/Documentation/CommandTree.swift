/// All commands, with where they stand.
struct CommandTree {
    let root: any Command.Type

    /// Every command with its ancestors, the root first; a group comes before what is in it.
    var paths: [[any Command.Type]] { Self.paths(below: [root]) }

    private static func paths(below path: [any Command.Type]) -> [[any Command.Type]] {
        let children = path[path.count - 1].configuration.subcommands.sorted { $0.name < $1.name }
        return [path] + children.flatMap { paths(below: path + [$0]) }
    }
}
