/// Where a `dir` pool keeps what.
///
/// `containers/`, `containers-snapshots/`, `custom/`, `custom-snapshots/` and `images/` are LXD's. Ours are `layers/`
/// (`ID/fs`, `ID/work`: contents shared by volumes), `staging/` (volumes being made, none after a crash) and `trash/`
/// (what is being removed).
package struct DirLayout: Sendable {
    let pool: String

    var layers: String { pool + "/layers" }
    var staging: String { pool + "/staging" }
    var trash: String { pool + "/trash" }
    var renames: String { pool + "/renames.json" }

    /// Every folder and its mode, as LXD has them or narrower. Nobody but root passes through to volumes: a setuid program
    /// that a container puts on one would be so for every user of the host.
    var folders: [(path: String, mode: UInt32)] {
        [
            (pool + "/containers", 0o711), (pool + "/containers-snapshots", 0o700), (pool + "/custom", 0o700),
            (pool + "/custom-snapshots", 0o700), (pool + "/images", 0o700), (layers, 0o700), (staging, 0o700),
            (trash, 0o700),
        ]
    }

    func path(_ volume: Volume) -> String { pool + "/" + volume.relativePath }
    func snapshotFolder(of volume: Volume) -> String? {
        volume.kind.snapshotFolder.map { pool + "/" + $0 + "/" + volume.name }
    }
    func record(in folder: String) -> String { folder + "/volume.json" }
    func contents(ofLayer id: String) -> String { layers + "/" + id + "/fs" }
    func work(ofLayer id: String) -> String { layers + "/" + id + "/work" }
}
