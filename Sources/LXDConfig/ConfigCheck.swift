import Glibc
import LXDAPI

/// Whether a value is allowed: nil if it is, else LXD's text that says what is wrong.
package struct ConfigCheck: Sendable {
    private let body: @Sendable (String) -> String?

    package init(_ body: @escaping @Sendable (String) -> String?) { self.body = body }

    package func callAsFunction(_ value: String) -> String? { body(value) }

    /// The same, with the empty value allowed.
    package var optional: ConfigCheck { ConfigCheck { value in value.isEmpty ? nil : body(value) } }

    /// The same, with the empty value refused.
    package var required: ConfigCheck { ConfigCheck { value in value.isEmpty ? "Required value" : body(value) } }

    /// The same, with more values allowed.
    package func or(_ values: String...) -> ConfigCheck {
        ConfigCheck { value in values.contains(value) ? nil : body(value) }
    }

    /// What keys of a kind check unless they say otherwise.
    static func usual(for kind: ConfigKey.Kind) -> ConfigCheck {
        switch kind {
        case .string, .list, .blob: .any
        case .bool: ConfigCheck.bool.optional
        case .integer: ConfigCheck.int64.optional
        case .uint32: ConfigCheck.uint32.optional
        case .size: ConfigCheck.size.optional
        }
    }
}

extension ConfigCheck {
    package static let any = ConfigCheck { _ in nil }

    package static let bool = ConfigCheck { value in
        ConfigBool.parse(value) == nil ? "Invalid value for a boolean \(goQuoted(value))" : nil
    }

    package static let int64 = ConfigCheck { value in
        GoInteger.signed(value) == nil ? "Invalid value for an integer \(goQuoted(value))" : nil
    }

    package static let uint32 = ConfigCheck { value in
        switch GoInteger.unsigned(value, bits: 32) {
        case .success: nil
        case .failure(let problem): "Invalid value for uint32 \(goQuoted(value)): \(problem.text)"
        }
    }

    package static let uint8 = ConfigCheck { value in
        if case .success = GoInteger.unsigned(value, bits: 8) { return nil }
        return "Invalid value for an integer \(goQuoted(value)). Must be between 0 and 255"
    }

    package static func range(_ range: ClosedRange<Int64>) -> ConfigCheck {
        ConfigCheck { value in
            guard let number = GoInteger.signed(value) else { return "Invalid value for an integer \(goQuoted(value))" }
            if range.contains(number) { return nil }
            return "Value isn't within valid range. Must be between \(range.lowerBound) and \(range.upperBound)"
        }
    }

    package static let priority = ConfigCheck { value in
        guard let number = GoInteger.signed(value) else { return "Invalid value for an integer \(goQuoted(value))" }
        return (0...10).contains(number)
            ? nil : "Invalid value for a limit \(goQuoted(value)). Must be between 0 and 10"
    }

    package static func oneOf(_ values: String...) -> ConfigCheck {
        ConfigCheck { value in
            values.contains(value)
                ? nil : "Invalid value \(goQuoted(value)) (not one of [\(values.joined(separator: " "))])"
        }
    }

    package static func list(of item: ConfigCheck) -> ConfigCheck {
        ConfigCheck { value in
            for part in ConfigList.split(value) {
                if let problem = item(part) { return "Item \(goQuoted(part)): \(problem)" }
            }
            return nil
        }
    }

    /// Runs a parser for its complaint only.
    static func parses(_ parse: @escaping @Sendable (String) throws(LXDError) -> Void) -> ConfigCheck {
        ConfigCheck { value in
            do throws(LXDError) {
                try parse(value)
                return nil
            } catch {
                return error.message
            }
        }
    }

    package static let size = parses { value throws(LXDError) in _ = try ByteCount.parse(value) }
    package static let cpuSet = parses { value throws(LXDError) in _ = try CPUSet.parse(value) }
    package static let expiry = parses { value throws(LXDError) in _ = try Expiry.parse(value) }
    package static func schedule(aliases: Set<String>) -> ConfigCheck {
        parses { value throws(LXDError) in try CronSchedule.check(value, aliases: aliases) }
    }

    package static let uint32Range = ConfigCheck { value in
        let parts = value.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first, case .success(let start) = GoInteger.unsigned(first, bits: 32) else {
            return "Invalid number \(goQuoted(value))"
        }
        guard parts.count == 2 else { return nil }
        guard case .success(let end) = GoInteger.unsigned(parts[1], bits: 32) else {
            return "Invalid end number \(goQuoted(value))"
        }
        return start < end ? nil : "Start number \(start) must be lower than end number \(end)"
    }

    package static let uuid = ConfigCheck { value in
        let groups = value.split(separator: "-", omittingEmptySubsequences: false)
        let isHexadecimal = groups.allSatisfy { $0.utf8.allSatisfy { isxdigit(Int32($0)) != 0 } }
        return isHexadecimal && groups.map(\.utf8.count) == [8, 4, 4, 4, 12] ? nil : "Invalid UUID"
    }

    package static let absolutePath = ConfigCheck { value in value.hasPrefix("/") ? nil : "Must be absolute file path" }

    package static let architecture = ConfigCheck { value in
        let names = Architectures.all.map(\.name)
        return names.contains(value)
            ? nil : "Invalid value \(goQuoted(value)) (not one of [\(names.joined(separator: " "))])"
    }

    /// The compressors we run; a free command line here has been a way to run anything as root.
    package static let compression = ConfigCheck { value in
        ["none", "bzip2", "gzip", "lzma", "xz", "zstd", "squashfs"].contains(value)
            ? nil : "exec: \(goQuoted(value)): executable file not found in $PATH"
    }

    package static let interfaceName = ConfigCheck { NameRules.interface($0) }

    package static let deviceID = ConfigCheck { value in
        value.utf8.count == 4 && value.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
            ? nil : "Invalid value, must be four lower case hex characters"
    }

    package static let yaml = parses { value throws(LXDError) in _ = try LXDYAML.decode(JSONValue.self, from: value) }

    /// `#cloud-config` is followed by YAML; other formats of user data are their reader's concern.
    package static let cloudInitUserData = ConfigCheck { value in
        guard value == "#cloud-config" || value.hasPrefix("#cloud-config\n") else { return nil }
        return yaml(String(value.dropFirst("#cloud-config".count)))
    }

    package static let deviceNumber = ConfigCheck { value in
        if case .success = GoInteger.unsigned(value, bits: 32) { return nil }
        return "Invalid value for a UNIX device number"
    }

    package static let userID = ConfigCheck { value in
        if case .success = GoInteger.unsigned(value, bits: 32) { return nil }
        return "Invalid value for a UNIX ID"
    }

    package static let octalMode = ConfigCheck { value in
        UInt32(value, radix: 8) == nil || value.hasPrefix("+") ? "Invalid value for an octal file mode" : nil
    }
}
