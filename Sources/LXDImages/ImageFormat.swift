internal import LXDAPI

/// What a file is by its first bytes.
package enum ImageFormat: String, Sendable, CaseIterable {
    case gzip, bzip2, xz, lzma, zstd, tar, squashfs

    /// Bytes needed to tell.
    package static let headerBytes = 263

    /// - Throws: `badRequest` "Unsupported compression".
    package init(header: [UInt8]) throws {
        func starts(_ bytes: [UInt8], at offset: Int = 0) -> Bool { header.dropFirst(offset).starts(with: bytes) }
        if starts([0x42, 0x5a]) { self = .bzip2 }
        else if starts([0x1f, 0x8b]) { self = .gzip }
        else if starts([0xfd, 0x37, 0x7a, 0x58, 0x5a]) { self = .xz }
        else if starts([0x37, 0x7a, 0x58, 0x5a], at: 1) || starts([0x5d, 0, 0]) { self = .lzma }
        else if starts(Array("ustar".utf8), at: 257) { self = .tar }
        else if starts(Array("hsqs".utf8)) { self = .squashfs }
        else if starts([0x28, 0xb5, 0x2f, 0xfd]) { self = .zstd }
        else { throw LXDError.badRequest("Unsupported compression") }
    }

    /// What LXD puts behind the file's name on export.
    package var suffix: String {
        switch self {
        case .gzip: ".tar.gz"
        case .bzip2: ".tar.bz2"
        case .xz: ".tar.xz"
        case .lzma: ".tar.lzma"
        case .zstd: ".tar.zst"
        case .tar: ".tar"
        case .squashfs: ".squashfs"
        }
    }
}

/// How an archive we write is compressed. A closed list: nothing a client says becomes a program or an argument.
package enum ImageCompression: String, Sendable, CaseIterable {
    case none, gzip, bzip2, xz, lzma, zstd, squashfs

    /// - Parameter isBackup: Backups are always tar archives.
    /// - Throws: `badRequest` for anything else.
    package init(algorithm: String, isBackup: Bool = false) throws {
        let words = algorithm.split(separator: " ").map(String.init)
        // Options that change the size only are taken and have no effect; there is no program to hand them to.
        let isPlain = words.dropFirst().allSatisfy { option in
            ["--rsyncable", "--fast", "--best"].contains(option)
                || option.count == 2 && option.hasPrefix("-") && option.dropFirst().allSatisfy(\.isNumber)
        }
        guard isPlain, let value = ImageCompression(rawValue: words.first ?? ""), !(isBackup && value == .squashfs) else {
            throw LXDError.badRequest("Compression algorithm \(String(reflecting: String(algorithm.prefix(64)))) isn't currently supported")
        }
        self = value
    }
}
