import LXDAPI
import LXDClient

struct ProfileAdd: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add profiles to instances", usage: "[<remote>:]<instance> <profile>")
    static let argumentCount = 2...2
    static let examples = """
        lxc profile add u1 web
            Let "u1" have what the profile "web" says, too.
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ProfileMembers.missingInstance)
        try await ProfileMembers.change(resource) { $0.append(arguments[1]) }
        session.say("Profile \(arguments[1]) added to \(resource.name)")
    }
}

struct ProfileAssign: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "assign", abstract: "Assign sets of profiles to instances",
        usage: "[<remote>:]<instance> <profiles>", aliases: ["apply"])
    static let argumentCount = 2...2
    static let examples = """
        lxc profile assign foo default,bar
            Set the profiles for "foo" to "default" and "bar".

        lxc profile assign foo default
            Reset "foo" to only using the "default" profile.

        lxc profile assign foo ''
            Remove all profile from "foo"
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ProfileMembers.missingInstance)
        let names =
            arguments[1].isEmpty
            ? [] : arguments[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        try await ProfileMembers.change(resource) { $0 = names }
        session.say("Profiles \(arguments[1].isEmpty ? "(none)" : arguments[1]) applied to \(resource.name)")
    }
}

struct ProfileRemove: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove profiles from instances", usage: "[<remote>:]<instance> <profile>")
    static let argumentCount = 2...2
    static let examples = """
        lxc profile remove u1 web
            Take the profile "web" off "u1".
        """

    var arguments: [String] = []

    func run(_ session: Session) async throws {
        let resource = try session.named(arguments[0], orFail: ProfileMembers.missingInstance)
        try await ProfileMembers.change(resource) { profiles in
            guard profiles.contains(arguments[1]) else {
                throw CommandFailure("Profile \(arguments[1]) isn't currently applied to \(resource.name)")
            }
            profiles.removeAll { $0 == arguments[1] }
        }
        session.say("Profile \(arguments[1]) removed from \(resource.name)")
    }
}

/// The profiles that an instance has.
private enum ProfileMembers {
    static let missingInstance = "Missing instance name"

    static func change(_ resource: Resource, _ change: (inout [String]) throws -> Void) async throws {
        let current = try await resource.server.instance(resource.name)
        var request = current.value.writable
        try change(&request.profiles)
        try await resource.server.updateInstance(resource.name, request, etag: current.etag).wait()
    }
}
