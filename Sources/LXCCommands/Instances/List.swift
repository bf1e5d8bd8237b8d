import LXDAPI
import LXDClient

struct List: LXCCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List instances",
        usage: "[<remote>:] [<filter>...]",
        discussion: """
            List instances

            Default column layout: ns46tS
            Fast column layout: nsacPt

            A filter is one of:
             - A word like "web": instances whose name starts with it.
             - A regular expression on the name, as in ".*web.*01$".
             - A configuration key and its value, as in "user.blah=abc". The parts of the key may be shortened as long
               as they stay clear ("u.blah=abc"), and the value may be a regular expression.
             - A property and its value; several values are separated by commas:
               type={instance type}, status={instance status}, architecture={instance architecture},
               location={member name}, ipv4={IP or CIDR}, ipv6={IP or CIDR}

            An instance is shown when all filters match.

            == Columns ==
            The -c option takes a comma separated list of columns. Each is a run of these letters, or a key:
              4 - IPv4 address
              6 - IPv6 address
              a - Architecture
              b - Storage pool
              c - Creation date
              d - Description
              D - Disk usage
              e - Project name
              l - Last used date
              m - Memory usage
              M - Memory usage (%)
              n - Name
              N - Number of processes
              p - PID of the instance's init process
              P - Profiles
              s - State
              S - Number of snapshots
              t - Type (persistent or ephemeral)
              u - CPU usage (in seconds)
              L - Location of the instance (e.g. its cluster member)
              f - Base image fingerprint (short)
              F - Base image fingerprint (long)

            A key is written "[config:|devices:]key[:name][:maxWidth]":
              KEY: The configuration or device key to show; a configuration key unless "devices:" stands before it.
              NAME: The header of the column; the key itself if not given.
              MAXWIDTH: Longest text shown; -1 (the default) for any length, 0 for that of the header.
            """,
        aliases: ["ls"])
    static let argumentCount = 0...Int.max
    static let examples = """
        lxc list -c nFs46,volatile.eth0.hwaddr:MAC,config:image.os,devices:eth0.parent:ETHP
            Show names, base images, states, addresses, and three columns made from configuration and device keys.

        lxc list -c ns,user.comment:comment
            Show instances with their state and the comment that users gave them.

        lxc list type=container status=running
            Show running containers.

        lxc list --all-remotes status=running
            Show what runs on all servers that this user knows.
        """

    @Option(short: "c", help: "Columns") var columns = ListColumns.standard
    @Option(short: "f", help: "Format (csv|json|table|yaml|compact)") var format = "table"
    @Flag(help: "Fast mode (same as --columns=nsacPt)") var fast = false
    @Flag(help: "Display instances from all projects") var allProjects = false
    @Flag(help: "Display instances from all remotes") var allRemotes = false
    var arguments: [String] = []

    func run(_ session: Session) async throws {
        if !session.globals.project.isEmpty, allProjects {
            throw CommandFailure("Can't specify --project with --all-projects")
        }
        let format = try TableFormat(named: format)
        if allRemotes { return try await listAllRemotes(session, format) }
        let (remote, filters) = try readArguments(session)
        let server = try session.server(remote)

        // Only a column L that was asked for needs to know whether there is a cluster.
        let namesLocation = columns != ListColumns.standard && ListColumns.shorthands(in: columns).contains("L")
        let isClustered = namesLocation ? try await server.isClustered() : false
        let layout = try ListColumns(columns, allProjects: allProjects, fast: fast, clustered: isClustered)

        let instances = try await Self.instances(
            of: server, filters: filters, allProjects: allProjects, full: layout.needsFull)
        var table = Table(layout.columns.map(\.header))
        table.rows = instances.map { instance in layout.columns.map { $0.text(instance) } }.sortedByColumns()
        Standard.output(try table.render(format, raw: instances))
    }

    /// The instances of a server that fit all filters.
    private static func instances(
        of server: ServerConnection, filters: [String], allProjects: Bool, full: Bool
    ) async throws -> [InstanceFull] {
        let split = ListFilter.split(filters)
        let found =
            full
            ? try await server.instancesFull(allProjects: allProjects, filter: split.server)
            : try await server.instances(allProjects: allProjects, filter: split.server).map { InstanceFull($0) }
        return found.filter(ListFilter(split.client).matches)
    }

    private func listAllRemotes(_ session: Session, _ format: TableFormat) async throws {
        if let first = arguments.first, let (remote, rest) = first.split(once: ":"), rest.isEmpty {
            throw CommandFailure("Can't name the remote \(remote.goQuoted) with --all-remotes")
        }
        let layout = try ListColumns(columns, allProjects: allProjects, fast: fast, clustered: columns != ListColumns.standard)
        let filters = arguments
        let (allProjects, full) = (allProjects, layout.needsFull)
        let answers = await RemoteSurvey(session).ask { server in
            try await Self.instances(of: server, filters: filters, allProjects: allProjects, full: full)
        }
        for (remote, reason) in answers.failures { Standard.error("Error: No answer from \(remote.goQuoted): \(reason)\n") }
        if answers.values.isEmpty, !answers.failures.isEmpty { throw ExitStatus(code: 1) }
        var table = Table(["REMOTE"] + layout.columns.map(\.header))
        table.rows = answers.values.flatMap { remote, instances in
            instances.map { instance in [remote] + layout.columns.map { $0.text(instance) } }
        }.sortedByColumns()
        Standard.output(try table.render(format, raw: try format.showsRaw ? Self.labelled(answers.values) : []))
    }

    /// Instances as they are shown in JSON and YAML, each with its remote.
    private static func labelled(_ answers: [(remote: String, value: [InstanceFull])]) throws -> [JSONValue] {
        try answers.flatMap { remote, instances in
            try instances.map { instance in
                var members = try JSONValue(encoding: instance).objectValue ?? [:]
                members["remote"] = .string(remote)
                return .object(members)
            }
        }
    }

    private func readArguments(_ session: Session) throws -> (remote: String, filters: [String]) {
        var filters = arguments
        guard let first = filters.first, !first.contains("=") else {
            return (session.configuration.defaultRemote, filters)
        }
        filters.removeFirst()
        let parsed =
            first.contains(":")
            ? try session.parse(first) : RemoteName(remote: session.configuration.defaultRemote, name: first)
        if !parsed.name.isEmpty { filters.append(parsed.name) }
        return (parsed.remote, filters)
    }
}

extension InstanceFull {
    /// An instance of which only the configuration is known.
    init(_ instance: Instance) {
        self.init()
        architecture = instance.architecture
        config = instance.config
        devices = instance.devices
        ephemeral = instance.ephemeral
        profiles = instance.profiles
        stateful = instance.stateful
        description = instance.description
        createdAt = instance.createdAt
        expandedConfig = instance.expandedConfig
        expandedDevices = instance.expandedDevices
        name = instance.name
        status = instance.status
        statusCode = instance.statusCode
        lastUsedAt = instance.lastUsedAt
        location = instance.location
        type = instance.type
        project = instance.project
    }

    /// Whether it has processes.
    var isActive: Bool { statusCode != .stopped && statusCode != .error && statusCode != .unset }
}
