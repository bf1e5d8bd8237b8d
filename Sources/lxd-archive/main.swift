// lxd-archive: reads and writes archives and trees that guests and strangers control, confined to the descriptors it is
// given. Single-threaded, no Foundation; libarchive is loaded here and nowhere else.
import CLXDLinux
import Glibc

func run(_ arguments: [String]) -> Int32 {
    var report: Report?
    do throws(Failure) {
        guard arguments.count >= 2 else { throw Failure(.usage, "usage: lxd-archive COMMAND OPTION...") }
        let rest = arguments.dropFirst(2)
        signal(SIGPIPE, SIG_IGN)
        guard clxd_use_utf8_locale() == 0 else { throw Failure(.io, "the locale C.UTF-8 is missing") }
        let command = try Command(name: arguments[1], arguments: rest)
        report = command.report
        let totals = try command.run()
        report?.done(read: totals.read, written: totals.written, entries: totals.entries)
        return 0
    } catch {
        report?.failed(error)
        say(error.message)
        return error.kind == .usage ? 2 : 1
    }
}

exit(run(CommandLine.arguments))
