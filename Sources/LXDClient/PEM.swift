import FoundationEssentials
package import LXDAPI

/// The armour in which certificates are kept in files.
package enum PEM {
    /// The bytes of the first certificate in a text.
    package static func certificate(_ text: String) throws(LXDError) -> [UInt8] {
        let lines = text.split(whereSeparator: \.isNewline)
        guard let begin = lines.firstIndex(of: "-----BEGIN CERTIFICATE-----"),
            let end = lines[begin...].firstIndex(of: "-----END CERTIFICATE-----"),
            let data = Data(base64Encoded: lines[(begin + 1)..<end].joined())
        else { throw .badRequest("Invalid certificate") }
        return Array(data)
    }

    package static func certificate(der: [UInt8]) -> String {
        let body = Data(der).base64EncodedString()
        var lines: [Substring] = []
        var rest = body[...]
        while !rest.isEmpty {
            lines.append(rest.prefix(64))
            rest = rest.dropFirst(64)
        }
        return "-----BEGIN CERTIFICATE-----\n" + lines.joined(separator: "\n") + "\n-----END CERTIFICATE-----\n"
    }
}
