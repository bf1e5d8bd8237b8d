import Foundation

/// The names of vendors and products from the host's `pci.ids` or `usb.ids`, for the ids asked for only.
///
/// The files are over a megabyte: they are read once a report and not kept.
struct HardwareNames {
    private var vendors: [String: String] = [:]
    private var products: [String: [String: String]] = [:]

    /// - Parameter wanted: Product ids by vendor id, four lower-case hexadecimal digits each.
    init(files: KernelFiles, paths: [String], wanted: [String: Set<String>]) {
        guard !wanted.isEmpty, let path = paths.first(where: { files.exists($0) }),
            let data = FileManager.default.contents(atPath: files.root + path)
        else { return }
        var vendor: String?
        for line in data.split(separator: UInt8(ascii: "\n")) {
            guard let first = line.first else { continue }
            if first == UInt8(ascii: "C") { break }
            if first == UInt8(ascii: "#") { continue }
            if first != UInt8(ascii: "\t") {
                vendor = nil
                guard let (id, name) = Self.entry(line), wanted[id] != nil else { continue }
                vendor = id
                vendors[id] = name
            } else if let vendor, line.dropFirst().first != UInt8(ascii: "\t") {
                guard let (id, name) = Self.entry(line.dropFirst()), wanted[vendor]?.contains(id) == true else { continue }
                products[vendor, default: [:]][id] = name
            }
        }
    }

    func vendor(_ id: String) -> String { vendors[id] ?? "" }
    func product(_ vendor: String, _ id: String) -> String { products[vendor]?[id] ?? "" }

    private static func entry(_ line: Data.SubSequence) -> (id: String, name: String)? {
        guard line.count > 6 else { return nil }
        let text = String(decoding: line, as: UTF8.self)
        guard let space = text.firstIndex(of: " ") else { return nil }
        return (text[..<space].lowercased(), text[space...].trimmingCharacters(in: .whitespaces))
    }

    static let pciPaths = ["/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"]
    static let usbPaths = ["/usr/share/misc/usb.ids", "/usr/share/hwdata/usb.ids"]
}
