import Testing

@testable import LXCCommands

struct HelpTests {
    private static let paths = CommandTree(root: LXC.self).paths

    @Test func everyCommandHasAnExampleAndSaysWhatItDoes() {
        for path in Self.paths {
            let name = path.map { $0.name }.joined(separator: " ")
            #expect(!path[path.count - 1].configuration.abstract.isEmpty, "\(name) says nothing")
            if let command = path[path.count - 1].leaf {
                #expect(command.examples.contains("lxc "), "\(name) has no example")
                #expect(command.configuration.usage != nil, "\(name) does not show its arguments")
            } else {
                #expect(!path[path.count - 1].configuration.subcommands.isEmpty, "\(name) does nothing")
            }
        }
    }

    @Test func noTwoCommandsOfAGroupShareAName() {
        for path in Self.paths {
            let names = path[path.count - 1].configuration.subcommands.flatMap { [$0.name] + $0.configuration.aliases }
            #expect(Set(names).count == names.count, "\(path.map { $0.name })")
        }
    }

    /// Every declaration of a flag can be read, and each has a long name that no global flag hides.
    @Test func flagsOfEveryCommandCanBeRead() throws {
        let globals = Set(GlobalFlags.rows.map(\.long))
        for path in Self.paths {
            guard let command = path[path.count - 1].leaf else { continue }
            for flag in command.flags {
                #expect(!globals.contains(flag.long), "\(path.map { $0.name }) hides --\(flag.long)")
                #expect(!flag.help.isEmpty, "\(path.map { $0.name }) does not explain --\(flag.long)")
            }
        }
    }

    @Test(arguments: ["list", "launch", "exec", "config set", "image import", "file push", "stop"])
    func helpLooksAsBefore(command: String) throws {
        let names = ["lxc"] + command.split(separator: " ").map(String.init)
        let path = try #require(Self.paths.first { $0.map { $0.name } == names })
        try Golden.expect(HelpText(path: path).help(), is: "help-" + command.replacingAll(" ", with: "-"))
    }

    @Test func rootHelpLooksAsBefore() throws {
        try Golden.expect(HelpText(path: [LXC.self]).help(), is: "help")
    }

    @Test func groupsShowTheirUsage() throws {
        try Golden.expect(HelpText(path: [LXC.self, ConfigGroup.self]).usage(), is: "usage-config")
    }

    @Test func manualPagesEscapeWhatTroffWouldRead() {
        let page = ManualPage(path: [LXC.self, ConfigGroup.self, ConfigDeviceGroup.self, DeviceAdd<InstanceDevices>.self])
        #expect(page.name(separator: ".") == "lxc.config.device.add")
        #expect(page.man().hasPrefix(".TH \"LXC CONFIG DEVICE ADD\" \"1\""))
        #expect(page.man().contains("some\\-pool"))
    }
}
