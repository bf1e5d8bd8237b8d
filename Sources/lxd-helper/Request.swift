import CLXC
import CLXDLinux
import Glibc
import LXDRuntimePlan

/// Single requests about a container.
enum Request {
    static func run(_ request: HelperRequest) throws(HelperFailure) {
        switch request {
        case .openConsole(let name, let directory): try openConsole(name, directory)
        case .readConsoleLog(let name, let directory, let clear): try consoleLog(name, directory, clear)
        case .kill(let name, let directory): try kill(name, directory)
        case .serveFiles(let pid):
            try InstanceFiles.enter(initPID: pid)
            ControlSocket.send(.done(text: ""))
            SFTPServer(connection: HelperDescriptor.connection).run()
        case .serveStoppedFiles(let rootfs, let mountPoint, let idmap):
            try InstanceFiles.enter(rootfs, mountPoint: mountPoint, idmap: IDMap(entries: idmap))
            ControlSocket.send(.done(text: ""))
            SFTPServer(connection: HelperDescriptor.connection).run()
        case .attachMount(let pid, let entry, let idmap):
            try HotMount.attach(entry, initPID: pid, idmap: IDMap(entries: idmap))
            ControlSocket.send(.done(text: ""))
        case .detachMount(let pid, let target):
            try HotMount.detach(target, initPID: pid)
            ControlSocket.send(.done(text: ""))
        case .mountRoot(let rootfs, let mountPoint, let idmap):
            try RootMount.mount(rootfs, at: mountPoint, idmap: IDMap(entries: idmap))
            ControlSocket.send(.done(text: ""))
        case .device(let name, let directory, let rule, let isAllowed):
            try device(name, directory, rule, isAllowed)
        case .probe:
            ControlSocket.send(.features(Probe.run()))
        }
    }

    private static func openConsole(_ name: String, _ directory: String) throws(HelperFailure) {
        let container = try Container(name: name, stateDirectory: directory)
        var number: Int32 = 0
        var master: Int32 = -1
        // The socket that comes back reserves the console for as long as it is open.
        let socket = container.pointer.pointee.console_getfd?(container.pointer, &number, &master) ?? -1
        guard socket >= 0, master >= 0 else {
            throw HelperFailure(step: "open the console of", number: EBUSY, subject: name)
        }
        ControlSocket.send(.done(text: ""), descriptors: [master, socket])
    }

    private static func consoleLog(_ name: String, _ directory: String, _ clear: Bool) throws(HelperFailure) {
        let container = try Container(name: name, stateDirectory: directory)
        var log = lxc_console_log()
        var size: UInt64 = 0
        log.clear = clear
        log.read = !clear
        let result = withUnsafeMutablePointer(to: &size) { size -> Int32 in
            log.read_max = size
            return container.pointer.pointee.console_log?(container.pointer, &log) ?? -ENOSYS
        }
        // ENODATA: the ring is empty.
        guard result == 0 || result == -ENODATA else {
            throw HelperFailure(step: "read the console log of", number: -result, subject: name)
        }
        var text = ""
        if let data = log.data, result == 0, size > 0 {
            let bytes = UnsafeRawBufferPointer(start: data, count: Int(size))
            text = String(decoding: bytes, as: UTF8.self)
        }
        sendText(text)
    }

    /// Text may be larger than a message: it travels in a memory file.
    private static func sendText(_ text: String) {
        let file = clxd_memfd_create("text", UInt32(CLXD_MFD_CLOEXEC))
        guard file >= 0 else {
            ControlSocket.send(.failed(HelperFailure(step: "answer", number: -file)))
            return
        }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes = bytes.dropFirst(count)
        }
        lseek(file, 0, SEEK_SET)
        ControlSocket.send(.done(text: ""), descriptors: [file])
        close(file)
    }

    /// liblxc knows both layouts: a file of the old one, a program of the kernel's in the unified one, which its monitor holds.
    private static func device(
        _ name: String, _ directory: String, _ rule: String, _ isAllowed: Bool
    ) throws(HelperFailure) {
        let container = try Container(name: name, stateDirectory: directory)
        let key = isAllowed ? "devices.allow" : "devices.deny"
        guard container.pointer.pointee.set_cgroup_item?(container.pointer, key, rule) == true else {
            throw HelperFailure(step: "set \(key) of", subject: "\(name): \(rule)")
        }
        ControlSocket.send(.done(text: ""))
    }

    private static func kill(_ name: String, _ directory: String) throws(HelperFailure) {
        let container = try Container(name: name, stateDirectory: directory)
        guard container.pointer.pointee.stop?(container.pointer) == true else {
            throw HelperFailure(step: "stop", subject: name)
        }
        ControlSocket.send(.done(text: ""))
    }
}
