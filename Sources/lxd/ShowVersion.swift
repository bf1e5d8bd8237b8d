import ArgumentParser

/// The version of LXD whose behaviour this daemon has.
let serverVersion = "5.0.2"

/// `lxd version`
struct ShowVersion: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Show the server version")

    @OptionGroup var global: GlobalOptions

    func run() throws { print(serverVersion) }
}
