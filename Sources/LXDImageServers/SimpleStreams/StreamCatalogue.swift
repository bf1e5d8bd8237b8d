package import LXDAPI

/// The images that a server's documents describe, with their aliases. Pure: documents in, answers out.
package struct StreamCatalogue: Sendable {
    /// A file to be fetched.
    struct File: Sendable, Hashable {
        var path: String
        /// Empty when the server tells none.
        var sha256: String
        var size: Int64
    }

    struct Alias: Sendable, Hashable {
        var name: String
        var type: String
        var architecture: String
    }

    package private(set) var images: [Image] = []
    private(set) var files: [String: (metadata: File, rootfs: File?)] = [:]
    private var targets: [Alias: String] = [:]
    private var aliasOrder: [Alias] = []
    /// In the order in which they were found, which decides between architectures that are equally foreign.
    private var aliasesByName: [String: [Alias]] = [:]
    private let architectures: [String]

    /// - Parameters:
    ///   - defaultSystem: The system whose name may be left out of aliases, as on Ubuntu's own server; nil for none.
    ///   - architectures: The machine's own first, then others it can run.
    init(_ documents: [StreamProducts], defaultSystem: String?, architectures: [String]) {
        self.architectures = architectures
        var found: [Image] = []
        for document in documents {
            for (_, product) in document.products.sorted(by: { $0.key < $1.key }) {
                // Architectures that nobody knows cannot be run.
                guard let architecture = try? Architectures.named(product.architecture).name else { continue }
                for (serial, version) in product.versions.sorted(by: { $0.key < $1.key }) {
                    found += add(product, architecture, serial, version)
                }
            }
        }
        images = found.sorted(by: Self.isBefore)
        nameImages(defaultSystem)
    }

    // MARK: Asking

    /// The image that an alias means here: of the machine's own architecture rather than of another.
    ///
    /// - Parameter type: `container`, `virtual-machine`, or empty for either.
    package func target(ofAlias name: String, type: String) -> ImageAliasesEntry? {
        for type in type.isEmpty ? ["container", "virtual-machine"] : [type] {
            let matching = (aliasesByName[name] ?? []).filter { $0.type == type }
            let best = architectures.lazy.compactMap { own in matching.first { $0.architecture == own } }.first
            if let alias = best ?? matching.first { return entry(alias) }
        }
        return nil
    }

    package var aliases: [ImageAliasesEntry] {
        var seen: Set<[String]> = []
        return aliasOrder.compactMap { alias in
            guard seen.insert([alias.name, alias.type]).inserted else { return nil }
            return target(ofAlias: alias.name, type: alias.type)
        }
    }

    private func entry(_ alias: Alias) -> ImageAliasesEntry {
        .with {
            $0.name = alias.name
            $0.type = alias.type
            $0.target = targets[alias] ?? ""
        }
    }

    /// - Parameter prefix: A fingerprint or the beginning of one.
    package func image(_ prefix: String) throws(LXDError) -> Image {
        let matching = images.filter { $0.fingerprint.hasPrefix(prefix) }
        guard let image = matching.first, !prefix.isEmpty else {
            throw .notFound("Failed getting image: The requested image couldn't be found")
        }
        guard matching.allSatisfy({ $0.fingerprint == image.fingerprint }) else {
            throw .badRequest("Failed getting image: More than one match for the provided partial fingerprint")
        }
        return image
    }

    // MARK: Reading the documents

    /// Kinds of root filesystems, the best first.
    private static let rootKinds = ["squashfs", "root.tar.xz", "disk-kvm.img", "uefi1.img", "disk1.img"]

    private mutating func add(
        _ product: StreamProduct, _ architecture: String, _ serial: String, _ version: StreamVersion
    ) -> [Image] {
        guard let created = Self.date(serial.prefix(8)) else { return [] }
        var made: [Image] = []
        for (_, item) in version.items.sorted(by: { $0.key < $1.key }) {
            var pairs: [(StreamItem?, String)] = []
            if item.kind == "lxd_combined.tar.gz" {
                pairs = [(nil, item.sha256)]
            } else if item.kind == "lxd.tar.xz" {
                pairs = version.items.values.filter { Self.rootKinds.contains($0.kind) }
                    .sorted { $0.kind < $1.kind }.map { ($0, Self.fingerprint(item, with: $0)) }
            }
            for (root, text) in pairs {
                // Whatever is not exactly a hash cannot be an image; it would become a file's name.
                guard let fingerprint = try? Fingerprint(text).rawValue, item.size >= 0, (root?.size ?? 0) >= 0,
                    !item.path.isEmpty, root?.path.isEmpty != true
                else { continue }
                files[fingerprint] = (
                    File(path: item.path, sha256: item.sha256, size: item.size),
                    root.map { File(path: $0.path, sha256: $0.sha256, size: $0.size) }
                )
                var image = Self.describe(product, architecture, serial, version.label, root)
                image.fingerprint = fingerprint
                image.size = item.size.addingReportingOverflow(root?.size ?? 0).partialValue
                image.filename = item.path.split(separator: "/").last.map(String.init) ?? ""
                image.createdAt = created
                image.uploadedAt = created
                made.append(image)
            }
        }
        return made
    }

    private static func fingerprint(_ metadata: StreamItem, with root: StreamItem) -> String {
        switch root.kind {
        case "root.tar.xz": metadata.combinedRootTar.isEmpty ? metadata.combined : metadata.combinedRootTar
        case "squashfs": metadata.combinedSquashfs
        case "disk-kvm.img": metadata.combinedDiskKVM
        case "disk1.img": metadata.combinedDisk
        default: metadata.combinedDiskUEFI
        }
    }

    private static func describe(
        _ product: StreamProduct, _ architecture: String, _ serial: String, _ label: String, _ root: StreamItem?
    ) -> Image {
        var description = "\(product.system) \(product.releaseTitle) \(product.architecture)"
        if !label.isEmpty { description += " (\(label))" }
        var properties = [
            "os": product.system, "release": product.release, "version": product.version,
            "architecture": product.architecture, "label": label, "serial": serial,
            "description": description + " (\(serial))", "variant": product.variant, "type": root?.kind ?? "tar.gz",
        ]
        for (name, value) in product.requirements { properties["requirements." + name] = value }
        let isDisk = root.map { $0.kind.hasSuffix(".img") } ?? false
        return .with {
            $0.architecture = architecture
            $0.public = true
            $0.type = isDisk ? "virtual-machine" : "container"
            $0.properties = properties.filter { !$0.value.isEmpty }
            $0.aliases = product.aliases.split(separator: ",").map { name in .with { $0.name = String(name) } }
            $0.expiresAt = date(Substring(product.endOfLife.filter { $0 != "-" })) ?? .epoch
        }
    }

    /// Days as `YYYYMMDD`.
    private static func date(_ text: Substring) -> LXDTime? {
        guard text.utf8.count == 8, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        let digits = String(text)
        return LXDTime(rfc3339: "\(digits.prefix(4))-\(digits.dropFirst(4).prefix(2))-\(digits.suffix(2))T00:00:00Z")
    }

    /// Images of a kind stand together, the newest first, so that the first of a name is the one it means.
    private static func isBefore(_ left: Image, _ right: Image) -> Bool {
        for key in ["os", "release", "variant", "serial", "architecture"] {
            let (one, other) = (left.properties[key] ?? "", right.properties[key] ?? "")
            if one == other { continue }
            if one.isEmpty || other.isEmpty { return other.isEmpty }
            return key == "serial" ? one > other : one < other
        }
        func rank(_ image: Image) -> Int { rootKinds.firstIndex(of: image.properties["type"] ?? "") ?? 0 }
        return rank(left) < rank(right)
    }

    /// Gives each alias to the first image that claims it. Those of the machine's own architecture are known by the short
    /// name too.
    private mutating func nameImages(_ defaultSystem: String?) {
        for index in images.indices {
            let image = images[index]
            var names: [ImageAlias] = []
            for alias in image.aliases {
                let short = Self.shortened(alias.name, defaultSystem)
                if claim(short, for: image), image.architecture == architectures.first {
                    names.append(.with { $0.name = short })
                }
                let long = "\(short)/\(image.properties["architecture"] ?? "")"
                if claim(long, for: image) { names.append(.with { $0.name = long }) }
            }
            images[index].aliases = names
        }
    }

    private static func shortened(_ alias: String, _ defaultSystem: String?) -> String {
        guard let defaultSystem, alias.hasPrefix(defaultSystem + "/") else { return alias }
        return String(alias.dropFirst(defaultSystem.count + 1))
    }

    private mutating func claim(_ name: String, for image: Image) -> Bool {
        let alias = Alias(name: name, type: image.type, architecture: image.architecture)
        guard targets[alias] == nil else { return false }
        targets[alias] = image.fingerprint
        aliasOrder.append(alias)
        aliasesByName[name, default: []].append(alias)
        return true
    }
}
