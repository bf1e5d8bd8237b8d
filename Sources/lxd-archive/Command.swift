import CLXDLinux

/// What a command did, in bytes and entries.
struct Totals {
    var read: Int64 = 0
    var written: Int64 = 0
    var entries: Int64 = 0
}

/// One command with its options read.
struct Command {
    let report: Report
    private let body: () throws(Failure) -> Totals

    func run() throws(Failure) -> Totals { try body() }

    /// The options every command has or may have.
    private static let arities = [
        "--status": 1, "--archive": 1, "--output": 1, "--to": 1, "--in": 1,
        "--route": 3, "--strip": 1, "--name": 1, "--limit": 1, "--compression": 1,
        "--tree": 2, "--file": 2, "--layers": 1,
        "--input": 1, "--base": 1, "--over": 1, "--work": 1, "--layer": 1, "--devices": 1, "--changes": 1, "--sync": 1, "--suspect-since": 1, "--option": 1, "--root": 1, "--map": 4,
        "--limit-bytes": 1, "--limit-entries": 1, "--limit-seconds": 1,
    ]

    init(name: String, arguments: ArraySlice<String>) throws(Failure) {
        let options = try Arguments(arguments, arities: Self.arities)
        let report = Report(descriptor: try options.number("--status"))
        self.report = report
        switch name {
        case "unpack":
            let unpack = try Unpack(options, report)
            body = { () throws(Failure) in try unpack.run() }
        case "read":
            let read = try ReadEntry(options, report)
            body = { () throws(Failure) in try read.run() }
        case "pack":
            let pack = try Pack(options, report)
            body = { () throws(Failure) in try pack.run() }
        case "copy":
            let copy = try CopyTree(options, report)
            body = { () throws(Failure) in try copy.run() }
        case "sweep":
            let sweep = try Sweep(options, report)
            body = { () throws(Failure) in try sweep.run() }
        case "unsquash":
            let unsquash = try Unsquash(options, report)
            body = { () throws(Failure) in try unsquash.run() }
        case "send":
            let send = try SendTree(options, report)
            body = { () throws(Failure) in try send.run() }
        case "list":
            let list = try ListTree(options, report)
            body = { () throws(Failure) in try list.run() }
        case "receive":
            let receive = try ReceiveTree(options, report)
            body = { () throws(Failure) in try receive.run() }
        case "unshift":
            let unshift = try Unshift(options, report)
            body = { () throws(Failure) in try unshift.run() }
        case "rsync":
            let rsync = try Rsync(options, report)
            body = { () throws(Failure) in try rsync.run() }
        default:
            throw Failure(.usage, "unknown command \(name)")
        }
    }
}
