import Crypto

/// The version of an object as `ETag` and `If-Match` carry it: equal objects have equal tags.
public enum ETag {
    /// The SHA-256 of the value's JSON: 64 hexadecimal digits, without quotes.
    public static func of(_ value: some Encodable) throws(LXDError) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in SHA256.hash(data: try LXDJSON.encode(value)) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether an `If-Match` header allows a change of `value`: absent, `*`, or its tag with or without quotes.
    ///
    /// - Throws: `.preconditionFailed` with LXD's text otherwise.
    public static func check(ifMatch header: String?, _ value: some Encodable) throws(LXDError) {
        guard let header, !header.isEmpty, header != "*" else { return }
        let tag = try of(value)
        let offered = header.split(separator: ",").map { $0.filter { $0 != "\"" && $0 != " " } }
        guard offered.contains(tag) else {
            throw .preconditionFailed("ETag doesn't match: \(tag) vs \(header)")
        }
    }
}
