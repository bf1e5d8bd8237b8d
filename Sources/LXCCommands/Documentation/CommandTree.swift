import ArgumentParser

/// All commands, with where they stand.
struct CommandTree {
    let root: any ParsableCommand.Type

    /// Every command with its ancestors, the root first; a group comes before what is in it.
    var paths: [[any ParsableCommand.Type]] { Self.paths(below: [root]) }

    private static func paths(below path: [any ParsableCommand.Type]) -> [[any ParsableCommand.Type]] {
        let children = path[path.count - 1].configuration.subcommands.sorted { $0.name < $1.name }
        return [path] + children.flatMap { paths(below: path + [$0]) }
    }
}
