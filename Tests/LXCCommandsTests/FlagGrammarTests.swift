import Testing

@testable import LXCCommands

/// Command lines as LXD's client reads them.
struct FlagGrammarTests {
    private func read(_ words: String..., flags: [FlagInfo]? = nil) throws -> FlagGrammar {
        var grammar = FlagGrammar { flags ?? Launch.flags }
        try grammar.read(words)
        return grammar
    }

    @Test func flagsMayStandAnywhere() throws {
        let grammar = try read("img", "-c", "a=b", "c1", "--config=x=-1", "-d", "root,size=1GiB", "-e")
        #expect(grammar.positionals == ["img", "c1"])
        #expect(grammar.options == ["--config=a=b", "--config=x=-1", "--device=root,size=1GiB", "--ephemeral"])
    }

    @Test func nothingAfterTheDashesIsAFlag() throws {
        let grammar = try read("c1", "--", "ls", "-l", "--", "x")
        #expect(grammar.positionals == ["c1", "ls", "-l", "--", "x"])
    }

    @Test func shortFlagsMayBeJoined() throws {
        let grammar = try read("-evs", "pool", "-cuser.x=1", "-")
        #expect(grammar.options == ["--ephemeral", "--storage=pool", "--config=user.x=1"])
        #expect(grammar.globals.verbose)
        #expect(grammar.positionals == ["-"])
    }

    @Test func valuesMayBeginWithADash() throws {
        #expect(try read("--storage", "-1").options == ["--storage=-1"])
    }

    @Test func globalFlagsAreReadWhereverTheyStand() throws {
        let grammar = try read("--project", "p", "img", "-q", "--debug=true", "--force-local=false")
        #expect(grammar.globals.project == "p")
        #expect(grammar.globals.quiet && grammar.globals.debug && !grammar.globals.forceLocal)
        #expect(grammar.options.isEmpty)
    }

    @Test func consoleMayStandWithoutItsValue() throws {
        #expect(try read("img", "--console").options == ["--console=console"])
        #expect(try read("img", "--console=vga", "c1").options == ["--console=vga"])
    }

    @Test func aFlagCanBeTakenBack() throws {
        #expect(try read("--ephemeral", "--ephemeral=false").options.isEmpty)
    }

    @Test(arguments: [
        (["--foo"], "unknown flag: --foo"),
        (["-z"], "unknown shorthand flag: 'z' in -z"),
        (["-ez"], "unknown shorthand flag: 'z' in -z"),
        (["-c"], "flag needs an argument: 'c' in -c"),
        (["--config"], "flag needs an argument: --config"),
        (
            ["--ephemeral=x"],
            "invalid argument \"x\" for \"-e, --ephemeral\" flag: strconv.ParseBool: parsing \"x\": invalid syntax"
        ),
    ])
    func mistakesAreNamedAsByLXD(words: [String], message: String) {
        var grammar = FlagGrammar { Launch.flags }
        let failure = #expect(throws: CommandFailure.self) { try grammar.read(words) }
        #expect(failure?.description == message)
    }

    @Test func numbersAreChecked() {
        var grammar = FlagGrammar { Stop.flags }
        let failure = #expect(throws: CommandFailure.self) { try grammar.read(["--timeout=x"]) }
        #expect(
            failure?.description
                == "invalid argument \"x\" for \"--timeout\" flag: strconv.ParseInt: parsing \"x\": invalid syntax")
    }
}

struct CommandLineReaderTests {
    private func run(_ words: String...) throws -> any LXCCommand {
        var reader = CommandLineReader(root: LXC.self)
        guard case .run(let command, _) = try reader.read(words) else { throw CommandFailure("no command") }
        return command
    }

    @Test func commandsGetTheirFlagsAndArguments() throws {
        let exec = try #require(try run("exec", "c1", "--user", "7", "--env", "A=-b", "--", "ls", "-l") as? Exec)
        #expect(exec.user == 7)
        #expect(exec.env == ["A=-b"])
        #expect(exec.arguments == ["c1", "ls", "-l"])
    }

    @Test func subcommandsAndTheirOtherNamesAreFound() throws {
        #expect(try run("image", "ls") is ImageList)
        #expect(try run("rm", "c1") is Delete)
        #expect(try run("--project", "p", "config", "device", "list", "c1") is DeviceList<InstanceDevices>)
    }

    @Test func flagsOfACommandMayStandBeforeItsName() throws {
        let move = try run("--project", "a", "--target-project", "b", "storage", "volume", "move", "p/v", "p/v")
        #expect(move.arguments == ["p/v", "p/v"])
        #expect(try run("-q", "--target-project=b", "storage", "volume", "move", "p/v", "p/v").arguments.count == 2)
        #expect(try run("--verbose", "list").arguments.isEmpty)
    }

    @Test func namesOfCommandsAreOrdinaryArgumentsElsewhere() throws {
        #expect(try run("start", "list", "image").arguments == ["list", "image"])
    }

    @Test func unknownCommandsAreRefusedWithAdvice() {
        var reader = CommandLineReader(root: LXC.self)
        let failure = #expect(throws: CommandFailure.self) { try reader.read(["remot"]) }
        #expect(failure?.description == "unknown command \"remot\" for \"lxc\"\n\nDid you mean this?\n\tremote\n")
    }

    @Test func helpIsAskedForInTwoWays() throws {
        for words in [["help", "image", "list"], ["image", "list", "--help"], ["image", "-h", "list"]] {
            var reader = CommandLineReader(root: LXC.self)
            guard case .help(let path) = try reader.read(words) else {
                Issue.record("no help for \(words)")
                continue
            }
            #expect(path.map { $0.name } == ["lxc", "image", "list"])
        }
    }

    @Test func versionNeedsNoCommand() throws {
        var reader = CommandLineReader(root: LXC.self)
        guard case .version = try reader.read(["--version"]) else {
            Issue.record("no version")
            return
        }
    }
}
