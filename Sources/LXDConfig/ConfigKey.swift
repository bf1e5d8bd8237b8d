/// One configuration key: what it is called, what it may hold and what it does.
///
/// A name may have a variable part: `user.*` stands for any key that begins with `user.`, `volatile.NAME.hwaddr` for one
/// with any text in place of `NAME`.
package struct ConfigKey: Sendable {
    /// What a value is; gives the check of a key that has none of its own.
    package enum Kind: String, Sendable {
        case string, bool, integer, uint32, size, list
        /// Text of several lines.
        case blob
    }

    /// What setting the key lets somebody do.
    package enum Privilege: String, Sendable {
        /// Nothing beyond the instance; restricted projects allow it.
        case safe
        /// Reach past the usual confinement; restricted projects need `restricted.containers.lowlevel=allow`.
        case lowLevel
        /// Act on the host; restricted projects have a key of its own for it.
        case host
    }

    /// What the key applies to.
    package enum Scope: String, Sendable {
        case any = "-"
        case container
        case virtualMachine = "virtual machine"
        /// A server key that each member of a cluster has for itself.
        case local
        /// A server key that all members share.
        case global
    }

    package let name: String
    package let kind: Kind
    package let defaultValue: String
    /// Whether a running instance takes a change at once.
    package let isLive: Bool
    package let privilege: Privilege
    package let scope: Scope
    /// Whether the value is a secret: it is shown as `true`.
    package let isHidden: Bool
    /// What the key does, for the reference page.
    package let text: String
    package let check: ConfigCheck

    package init(
        _ name: String, _ kind: Kind, default defaultValue: String = "", live isLive: Bool = false,
        privilege: Privilege = .safe, scope: Scope = .any, hidden isHidden: Bool = false, check: ConfigCheck? = nil,
        _ text: String
    ) {
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        self.isLive = isLive
        self.privilege = privilege
        self.scope = scope
        self.isHidden = isHidden
        self.text = text
        self.check = check ?? ConfigCheck.usual(for: kind)
    }

    /// A key that holds text of one line.
    package init(
        _ name: String, default defaultValue: String = "", live isLive: Bool = false, privilege: Privilege = .safe,
        scope: Scope = .any, hidden isHidden: Bool = false, check: ConfigCheck? = nil, _ text: String
    ) {
        self.init(
            name, .string, default: defaultValue, live: isLive, privilege: privilege, scope: scope, hidden: isHidden,
            check: check, text)
    }

    /// What is wrong with a value, or nil.
    package func problem(with value: String) -> String? {
        if let problem = ConfigKey.characterProblem(value, allowsLines: kind == .blob) { return problem }
        return check(value)
    }

    /// Line breaks in a value would become lines of a generated file; NUL would end it.
    private static func characterProblem(_ value: String, allowsLines: Bool) -> String? {
        for scalar in value.unicodeScalars {
            if scalar.value == 0 { return "Value must not contain NUL characters" }
            if allowsLines { continue }
            let breaksLine =
                scalar == "\n" || scalar == "\r" || scalar.value == 0x85 || scalar.value == 0x2028
                || scalar.value == 0x2029
            if breaksLine { return "Value must not contain line breaks" }
            if scalar.value < 32 && scalar != "\t" || scalar.value == 127 {
                return "Value must not contain control characters"
            }
        }
        return nil
    }
}
