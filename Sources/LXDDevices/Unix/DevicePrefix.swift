import Glibc

/// Where device nodes of the host are looked for: `/dev`, or what `LXD_DEVMONITOR_DIR` says.
let devicePrefix: String = {
    guard let raw = getenv("LXD_DEVMONITOR_DIR") else { return "/dev" }
    let text = String(cString: raw)
    return text.hasPrefix("/") ? text : "/dev"
}()
