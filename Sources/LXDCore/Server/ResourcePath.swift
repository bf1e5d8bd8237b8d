/// The path of a resource as it stands in `used_by`, lists, Location headers and events.
package enum ResourcePath {
    /// `/1.0/profiles/web?project=shop`; the project is left out when it is the default one.
    package static func of(_ segments: String..., project: String = "default") -> String {
        let path = "/1.0/" + segments.map(escaped).joined(separator: "/")
        return project == "default" || project.isEmpty ? path : path + "?project=" + escaped(project)
    }

    /// Percent-encodes what a URL's path segment may not hold.
    package static func escaped(_ segment: String) -> String {
        var result = ""
        for byte in segment.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "~"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "$"), UInt8(ascii: "="):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }
}
