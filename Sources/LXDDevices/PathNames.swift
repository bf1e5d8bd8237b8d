/// LXD's way to put a path into one file name: `/` becomes `-`, `-` becomes `--`.
enum PathNames {
    static func encode(_ text: String) -> String {
        text.map { $0 == "-" ? "--" : $0 == "/" ? "-" : String($0) }.joined()
    }

    static func decode(_ text: String) -> String {
        var result = ""
        var isPending = false
        for character in text {
            if character == "-" {
                if isPending { result.append("-") }
                isPending.toggle()
            } else {
                if isPending { result.append("/") }
                isPending = false
                result.append(character)
            }
        }
        return isPending ? result + "/" : result
    }

    /// A path inside a container, relative to its root, without `.` and empty parts; nil when a part is `..`.
    static func relative(_ path: String) -> String? {
        let parts = path.split(separator: "/").filter { $0 != "." }
        return parts.contains("..") ? nil : parts.joined(separator: "/")
    }
}
