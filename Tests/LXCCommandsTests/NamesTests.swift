import LXDAPI
import LXDClient
import Testing

@testable import LXCCommands

struct NamesTests {
    private let configuration = ClientConfiguration(directory: "/nowhere")

    @Test(arguments: [
        ("c1", "local", "c1"), ("", "local", ""), ("local:c1", "local", "c1"), ("images:debian/12", "images", "debian/12"),
        ("local:", "local", ""), ("c1/snap:1", "local", "c1/snap:1"), ("ubuntu:22.04", "ubuntu", "22.04"),
    ])
    func remoteAndNameAreTold(argument: String, remote: String, name: String) throws {
        #expect(try configuration.parse(argument) == RemoteName(remote: remote, name: name))
    }

    @Test func unknownRemotesAreRefused() {
        let error = #expect(throws: LXDError.self) { try configuration.parse("nowhere:c1") }
        #expect(error?.message == "The remote \"nowhere\" doesn't exist")
    }

    @Test func snapshotsAreSplitAtTheFirstSlash() throws {
        let name = try #require(try configuration.parse("c1/a/b").snapshot)
        #expect(name == (parent: "c1", name: "a/b"))
        #expect(try configuration.parse("c1").snapshot == nil)
    }

    @Test(arguments: [
        ("10.0.0.5", "https://10.0.0.5:8443"), ("host:1234", "https://host:1234"), ("::1", "https://[::1]:8443"),
        ("[::1]:9", "https://[::1]:9"), ("https://host", "https://host:8443"), ("https://host:1/x", "https://host:1"),
        ("/run/lxd.socket", "unix:///run/lxd.socket"), ("unix:///a", "unix:///a"), ("unix:/a", "unix:///a"),
    ])
    func addressesAreMadeWhole(text: String, address: String) throws {
        #expect(try RemoteAddress.complete(text) { _ in false } == address)
    }

    @Test func otherSchemesAreRefused() {
        let failure = #expect(throws: CommandFailure.self) { try RemoteAddress.complete("http://x") { _ in false } }
        #expect(failure?.description == "Invalid URL scheme \"http\" in \"http://x\"")
    }

    @Test(arguments: [
        (["core.https_address=x"], true), (["core.https_address", "x"], true), (["local:core.x", "y"], true),
        (["c1", "limits.cpu=2"], false), (["c1", "limits.cpu", "2"], false), (["local:c1", "a=b", "c=d"], false),
    ])
    func configSetKnowsServerKeys(words: [String], isServer: Bool) {
        #expect(ConfigSet.namesServer(words) == isServer)
    }

    @Test func keysAndValuesAreRead() throws {
        #expect(try KeyValues.parse(["a.b", "c=d"]) == ["a.b": "c=d"])
        #expect(try KeyValues.parse(["a=b", "c=d=e"]) == ["a": "b", "c": "d=e"])
        #expect(throws: CommandFailure.self) { try KeyValues.parse(["a=b", "c"]) }
    }

    @Test func deviceOverridesAreRead() throws {
        #expect(try DeviceOverrides.parse(["root,size=1GiB", "root,pool=p"]) == ["root": ["size": "1GiB", "pool": "p"]])
        #expect(throws: CommandFailure.self) { try DeviceOverrides.parse(["root=1"]) }
    }
}

struct CommandAliasTests {
    @Test(arguments: [
        (["shell", "c1"], ["exec", "c1", "--", "su", "-l"]),
        (["-q", "shell", "c1"], ["-q", "exec", "c1", "--", "su", "-l"]),
        (["ll"], ["list", "-c", "ns"]),
        (["ll", "web"], ["list", "-c", "ns", "web"]),
        (["as", "bob", "c1", "id"], ["exec", "c1", "--", "su", "bob", "-c", "id"]),
    ])
    func aliasesAreReplaced(words: [String], expanded: [String]) throws {
        let aliases = ["ll": "list -c ns", "as": "exec @ARG2@ -- su @ARG1@ -c @ARGS@"]
        #expect(try CommandAliases.expand(words, aliases) == expanded)
    }

    @Test func otherWordsStay() throws {
        #expect(try CommandAliases.expand(["list"], [:]) == nil)
        #expect(try CommandAliases.expand([], [:]) == nil)
    }

    @Test func missingArgumentsAreNamed() {
        let failure = #expect(throws: CommandFailure.self) { try CommandAliases.expand(["x"], ["x": "list @ARG1@"]) }
        #expect(failure?.description == "Found alias \"x\" references an argument outside the given number")
    }
}

struct CompletionTests {
    private func kind(_ words: String...) -> CompletionRequest.Kind? { CompletionRequest(words, root: LXC.self).kind }

    @Test func commandsAndFlagsAreOffered() {
        #expect(CompletionRequest(["la"], root: LXC.self).fixed.map(\.text).contains("launch"))
        #expect(CompletionRequest(["launch", "-"], root: LXC.self).fixed.map(\.text).contains("--profile"))
        #expect(!CompletionRequest([""], root: LXC.self).fixed.map(\.text).contains("__complete"))
    }

    @Test func namesAreLookedUpWhereTheyBelong() {
        #expect(kind("start", "") == .instance)
        #expect(kind("exec", "c") == .instance)
        #expect(kind("exec", "c1", "l") == nil)
        #expect(kind("launch", "-p", "") == .profile)
        #expect(kind("launch", "-s", "pool", "d") == .image)
        #expect(kind("restore", "c1", "") == .snapshot(of: "c1"))
        #expect(kind("image", "delete", "x") == .image)
        #expect(kind("exec", "c1", "--", "") == nil)
    }

    @Test func everyShellHasAScript() {
        for shell in ["bash", "zsh", "fish"] { #expect(CompletionScript.of(shell: shell)?.contains("__complete") == true) }
        #expect(CompletionScript.of(shell: "tcsh") == nil)
    }
}
