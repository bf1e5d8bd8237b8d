import LXDAPI
import Testing

@Suite struct FilterExpressionTests {
    static let instance = Instance.with {
        $0.name = "c1"
        $0.architecture = "x86_64"
        $0.status = "Running"
        $0.config = ["image.os": "BusyBox"]
        $0.expandedDevices = ["root": ["path": "/", "pool": "default", "type": "disk"]]
    }

    @Test(arguments: [
        ("architecture eq x86_64", true), ("architecture eq i686", false), ("name eq c1 and status eq Running", true),
        ("config.image.os eq BusyBox and expanded_devices.root.path eq /", true),
        ("name eq c2 or status eq Running", true),
        ("name eq c2 or name eq c3", false), ("not name eq c2", true), ("name ne c1", false), ("name eq C1", true),
        ("name eq ^c", true), ("name eq c.*", true), ("name eq \"c1\"", true), ("nothing eq x", false),
        ("config.image.os eq (busy|box)+", true), ("name eq c[0-9]", true), ("name eq c{2,3}1", false),
        ("ephemeral eq false", true),
    ])
    func expressionsMatchAsInTheReference(text: String, expected: Bool) throws {
        #expect(try FilterExpression(text).matches(Self.instance) == expected)
    }

    @Test(arguments: [
        ("not", "incomplete not clause"), ("foo", "clause has no operator"), ("not foo", "clause has no operator"),
        ("foo eq", "clause has no value"), ("foo eq \"bar", "unterminated quote"),
        ("foo eq bar and", "unterminated compound clause"),
        ("foo eq bar xxx", "invalid clause composition"),
    ])
    func brokenExpressionsSayWhatIsWrong(text: String, problem: String) {
        #expect { try FilterExpression(text) } throws: { ($0 as? LXDError)?.message == "Invalid filter: \(problem)" }
    }

    /// Patterns that take other matchers exponential time or endless memory.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: ["(a*)*b", "(a+)+$", "((a{1,255}){1,255}){1,255}", String(repeating: "(", count: 1000)])
    func noPatternTakesForEver(pattern: String) throws {
        let object = ["name": String(repeating: "a", count: 2000) + "c"]
        _ = try FilterExpression("name eq \(pattern)").matches(object)
    }
}
