import CLXDLinux
import Glibc
import LXDRuntimePlan

/// The target's side of a post-copy: lets criu fetch the pages, and ends the container when they don't all come.
///
/// A page that nobody can bring any more would be read as zeroes. This process holds on to what the kernel asks for pages through
/// (userfaultfd), so that whoever waits for one goes on waiting until it is dead, also when criu is killed or lxd is gone.
enum PageFetcher {
    static func run(_ plan: PagesPlan) throws(HelperFailure) {
        let socket = plan.workspace.imageDirectory + "/lazy-pages.socket"
        unlink(socket)
        let criu = try start(plan)
        do throws(HelperFailure) {
            try waitFor(socket, of: criu)
            // criu's restore, which connects to it, has become the container's root by then.
            let idmap = IDMap(entries: plan.idmap)
            guard chown(socket, idmap.rootUID, idmap.rootGID) == 0 else {
                throw HelperFailure(step: "change the owner of", number: errno, subject: socket)
            }
        } catch {
            end(criu)
            throw error
        }
        ControlSocket.send(.started(pid: criu))
        var container: Int32 = -1
        var held: [Int32] = []
        watch(criu) { initPID in
            // Everything is there and nothing runs: now is when all of them are open.
            container = clxd_pidfd_open(initPID, 0)
            held = faultDescriptors(of: criu)
            return container >= 0
        }
        var status: Int32 = 0
        while waitpid(criu, &status, 0) < 0 && errno == EINTR {}
        if status != 0, container >= 0 { kill(container) }
        for descriptor in held { close(descriptor) }
        unlink(socket)
        guard status == 0 else {
            throw HelperFailure(step: "fetch the memory of the container", subject: plan.workspace.imageDirectory)
        }
        ControlSocket.send(.done(text: ""))
    }

    private static func start(_ plan: PagesPlan) throws(HelperFailure) -> pid_t {
        let images = plan.workspace.imageDirectory
        let child = fork()
        if child == 0 {
            for (key, value) in [("CRIU_KDAT_FILE", plan.workspace.kernelCache), ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")] {
                setenv(key, value, 1)
            }
            let arguments = [
                "criu", "lazy-pages", "--page-server", "--ps-socket", "\(HelperDescriptor.pages)", "-D", images, "-W", images,
                "-o", images + "/lazy-pages.log",
            ]
            execv(plan.workspace.criuPath, arguments.map { strdup($0) } + [nil])
            _exit(127)
        }
        guard child > 0 else { throw HelperFailure(step: "start criu", number: errno) }
        return child
    }

    private static func waitFor(_ socket: String, of criu: pid_t) throws(HelperFailure) {
        for _ in 0..<5000 {
            if access(socket, F_OK) == 0 { return }
            var status: Int32 = 0
            guard waitpid(criu, &status, WNOHANG) == 0 else { break }
            usleep(1000)
        }
        throw HelperFailure(step: "start criu", number: ETIMEDOUT, subject: "lazy-pages")
    }

    /// Until criu ends: lxd tells the process of the container once, by a step, and is answered.
    private static func watch(_ criu: pid_t, _ begins: (Int32) -> Bool) {
        let process = clxd_pidfd_open(criu, 0)
        guard process >= 0 else { return }
        defer { close(process) }
        var isTold = false
        while true {
            var waiting = [
                pollfd(fd: process, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isTold ? -1 : HelperDescriptor.connection, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&waiting, 2, -1) < 0 && errno != EINTR { return }
            if waiting[0].revents != 0 { return }
            guard waiting[1].revents != 0 else { continue }
            isTold = true
            var bytes = [UInt8](repeating: 0, count: 128)
            let count = read(HelperDescriptor.connection, &bytes, bytes.count)
            guard count > 0, let step = CriuStep(packet: Array(bytes[..<count])), begins(step.initPID) else {
                // lxd is gone before the container ran: it is taken back by who restores it.
                end(criu)
                return
            }
            var yes: UInt8 = 0
            write(HelperDescriptor.connection, &yes, 1)
        }
    }

    private static func end(_ criu: pid_t) { Glibc.kill(criu, SIGKILL) }

    /// Ends a container and waits until nothing of it can run any more.
    private static func kill(_ container: Int32) {
        _ = clxd_pidfd_send_signal(container, SIGKILL)
        var waiting = pollfd(fd: container, events: Int16(POLLIN), revents: 0)
        while poll(&waiting, 1, 10_000) < 0 && errno == EINTR {}
    }

    private static func faultDescriptors(of criu: pid_t) -> [Int32] {
        let process = clxd_pidfd_open(criu, 0)
        guard process >= 0, let stream = opendir("/proc/\(criu)/fd") else { return [] }
        defer {
            closedir(stream)
            close(process)
        }
        var found: [Int32] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var bytes = [CChar](repeating: 0, count: 64)
            let count = readlink("/proc/\(criu)/fd/\(name)", &bytes, bytes.count)
            guard count > 0, let number = Int32(name),
                String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self).contains("userfaultfd")
            else { continue }
            let copy = clxd_pidfd_getfd(process, number)
            if copy >= 0 { found.append(copy) }
        }
        return found
    }
}
