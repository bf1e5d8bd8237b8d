/// The command line: options that take a fixed number of values, in any order, some more than once.
struct Arguments {
    private var values: [String: [[String]]] = [:]

    /// - Parameter arities: How many values each option takes.
    init(_ arguments: ArraySlice<String>, arities: [String: Int]) throws(Failure) {
        var rest = arguments
        while let option = rest.popFirst() {
            guard let arity = arities[option] else { throw Failure(.usage, "unknown option \(option)") }
            guard rest.count >= arity else { throw Failure(.usage, "\(option) takes \(arity) values") }
            values[option, default: []].append(Array(rest.prefix(arity)))
            rest = rest.dropFirst(arity)
        }
    }

    func all(_ option: String) -> [[String]] { values[option] ?? [] }
    func text(_ option: String) -> String? { values[option]?.last?.first }

    /// A number of an option that has to be there.
    func number(_ option: String) throws(Failure) -> Int32 {
        guard let text = text(option) else { throw Failure(.usage, "\(option) is missing") }
        return try descriptor(text)
    }

    func count(_ option: String, default fallback: Int64) throws(Failure) -> Int64 {
        guard let text = text(option) else { return fallback }
        guard let value = Int64(text), value >= 0 else { throw Failure(.usage, "\(option) takes a number") }
        return value
    }
}

func descriptor(_ text: String) throws(Failure) -> Int32 {
    guard let value = Int32(text), value >= 0 else { throw Failure(.usage, "\(text) is no descriptor") }
    return value
}

/// Descriptors separated by commas, topmost layer first.
func descriptors(_ text: String) throws(Failure) -> [Int32] {
    var numbers: [Int32] = []
    for part in text.split(separator: ",") { numbers.append(try descriptor(String(part))) }
    guard !numbers.isEmpty else { throw Failure(.usage, "a list of descriptors is empty") }
    return numbers
}
