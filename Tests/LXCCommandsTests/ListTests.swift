import LXDAPI
import Testing

@testable import LXCCommands

struct ListTests {
    private func headers(_ text: String, allProjects: Bool = false, fast: Bool = false, clustered: Bool = false) throws -> [String] {
        try ListColumns(text, allProjects: allProjects, fast: fast, clustered: clustered).columns.map(\.header)
    }

    @Test func standardColumnsDependOnTheServer() throws {
        #expect(try headers("ns46tSL") == ["NAME", "STATE", "IPV4", "IPV6", "TYPE", "SNAPSHOTS"])
        #expect(try headers("ns46tSL", clustered: true).last == "LOCATION")
        #expect(try headers("ns46tSL", allProjects: true).first == "PROJECT")
    }

    @Test func fastColumnsNeedNoState() throws {
        let columns = try ListColumns("ns46tSL", allProjects: false, fast: true, clustered: false)
        #expect(columns.columns.map(\.header) == ["NAME", "STATE", "ARCHITECTURE", "CREATED AT", "PROFILES", "TYPE"])
        #expect(!columns.needsFull)
    }

    @Test func keysMakeColumns() throws {
        #expect(
            try headers("n,user.comment:NOTE,devices:eth0.parent,config:limits.memory::3")
                == ["NAME", "NOTE", "eth0.parent", ""])
    }

    @Test(arguments: [
        ("nX", "Unknown column shorthand char 'X' in 'nX'"),
        ("n,,s", "Empty column entry (redundant, leading or trailing command) in 'n,,s'"),
        ("nL", "Can't specify column L when not clustered"),
        ("bad.key", "Invalid config key 'bad.key' in 'bad.key'"),
        ("user.x:", "Invalid name in 'user.x:', empty string is only allowed when defining maxWidth"),
        ("user.x:N:z", "Invalid max width (must be an integer) 'z' in 'user.x:N:z'"),
        ("user.x:N:-2", "Invalid max width (must -1, 0 or a positive integer) '-2' in 'user.x:N:-2'"),
        ("user.x:a:1:2", "Invalid config key column format (too many fields): 'user.x:a:1:2'"),
    ])
    func mistakesInColumnsAreNamed(text: String, message: String) {
        let failure = #expect(throws: CommandFailure.self) { try headers(text) }
        #expect(failure?.description == message)
    }

    private var instance: InstanceFull {
        var instance = InstanceFull()
        instance.name = "web1"
        instance.status = "Running"
        instance.statusCode = .running
        instance.type = "container"
        instance.architecture = "x86_64"
        instance.config = ["user.blah": "abc", "volatile.base_image": "0123456789abcdef"]
        instance.expandedConfig = ["user.blah": "abc", "security.privileged": "true", "limits.memory": "1GiB"]
        instance.expandedDevices = ["root": ["type": "disk", "path": "/", "pool": "fast"]]
        var state = InstanceState()
        state.memory.usage = 268_435_456
        state.cpu.usage = 3_500_000_000
        state.processes = 4
        state.pid = 77
        var card = InstanceStateNetwork()
        card.addresses = [
            .with { ($0.family, $0.address, $0.scope) = ("inet", "10.0.0.5", "global") },
            .with { ($0.family, $0.address, $0.scope) = ("inet6", "fe80::1", "link") },
            .with { ($0.family, $0.address, $0.scope) = ("inet6", "fd00::5", "global") },
        ]
        state.network = ["eth0": card]
        instance.state = state
        return instance
    }

    @Test func valuesAreShownAsByLXD() throws {
        let columns = try ListColumns("46abfmMNpPsStu", allProjects: false, fast: false, clustered: false)
        #expect(
            columns.columns.map { $0.text(instance) } == [
                "10.0.0.5 (eth0)", "fd00::5 (eth0)", "x86_64", "fast", "0123456789ab", "256.00MiB", "25.0%", "4", "77", "",
                "RUNNING", "0", "CONTAINER", "3s",
            ])
    }

    @Test(arguments: [
        ("web", true), ("we", true), ("eb", false), ("web.*1$", true), ("^b", false), ("user.blah=abc", true),
        ("u.blah=abc", true), ("u.blah=a.c", true), ("user.blah=b", false), ("s.privileged=true", true),
        ("type=container", true), ("type=virtual-machine,container", true), ("status=RUNNING", true),
        ("ipv4=10.0.0.0/24", true), ("ipv4=10.0.1.0/24", false), ("ipv6=fd00::5", true), ("nothing=1", false),
    ])
    func filtersMatchAsInLXD(filter: String, isShown: Bool) {
        #expect(ListFilter([filter]).matches(instance) == isShown)
    }

    @Test func serversFilterWhatTheyCan() {
        let split = ListFilter.split(["name=web1", "status=running,frozen", "user.x=1", "web"])
        #expect(split.server == "name eq web1")
        #expect(split.client == ["status=running,frozen", "user.x=1", "web"])
    }
}

struct StreamTests {
    @Test func controlAAndQEndTheConsole() {
        var escape = ConsoleEscape()
        #expect(escape.filter(Array("ls\u{1}".utf8)) == (keys: Array("ls".utf8), detaches: false))
        #expect(escape.filter(Array("qrest".utf8)) == (keys: [], detaches: true))
    }

    @Test func otherKeysAfterControlAAreSent() {
        var escape = ConsoleEscape()
        #expect(escape.filter([1]).keys == [])
        #expect(escape.filter(Array("xq".utf8)) == (keys: Array("xq".utf8), detaches: false))
    }

    /// The same body in every possible pair of pieces.
    @Test func multipartBodiesMayComeInAnyPieces() throws {
        let body = Array(
            ("--B\r\nContent-Disposition: form-data; name=metadata; filename=\"m.tar\"\r\n\r\nMETA\r\n-\r\n"
                + "--B\r\nContent-Disposition: form-data; name=rootfs; filename=r.sq\r\n\r\nROOT\r\n--B--\r\n").utf8)
        for cut in 0...body.count {
            var reader = MultipartReader(boundary: "B")
            var parts: [(String, String, [UInt8])] = []
            for piece in [Array(body[..<cut]), Array(body[cut...])] {
                for event in try reader.read(piece) {
                    switch event {
                    case .part(let name, let file): parts.append((name, file, []))
                    case .bytes(let bytes): parts[parts.count - 1].2 += bytes
                    case .end: break
                    }
                }
            }
            #expect(reader.isFinished)
            #expect(parts.map(\.0) == ["metadata", "rootfs"])
            #expect(parts.map(\.1) == ["m.tar", "r.sq"])
            #expect(parts.map { String(decoding: $0.2, as: UTF8.self) } == ["META\r\n-", "ROOT"])
        }
    }

    @Test func jsonIsShownInOrder() throws {
        let value: JSONValue = ["b": [1, "x"], "a": [:], "c": ["d": true]]
        #expect(
            PrettyJSON.text(value)
                == "{\n\t\"a\": {},\n\t\"b\": [\n\t\t1,\n\t\t\"x\"\n\t],\n\t\"c\": {\n\t\t\"d\": true\n\t}\n}")
    }

    @Test func imagesAreFilteredByNameHashAndProperty() {
        let image = Image.with {
            $0.fingerprint = "abcdef"
            $0.aliases = [.with { $0.name = "debian/12" }]
            $0.properties = ["os": "debian"]
            $0.public = true
        }
        for filter in ["bcd", "debian", "os=debian", "os=deb.*", "public=true", "architecture="] {
            #expect(ImageList.matches(filter, image), "\(filter)")
        }
        for filter in ["xyz", "os=alpine", "public=false"] { #expect(!ImageList.matches(filter, image), "\(filter)") }
    }
}
