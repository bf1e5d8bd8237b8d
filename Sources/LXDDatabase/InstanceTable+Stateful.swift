internal import GRDB

extension Transaction {
    /// Notes whether there are images of an instance's processes to start from.
    package func setInstanceStateful(id: Int64, _ isStateful: Bool) throws {
        try database.execute(sql: "UPDATE instances SET stateful = ? WHERE id = ?", arguments: [isStateful, id])
    }

    /// Notes whether a snapshot has images of the instance's processes.
    package func setSnapshotStateful(id: Int64, _ isStateful: Bool) throws {
        try database.execute(sql: "UPDATE instances_snapshots SET stateful = ? WHERE id = ?", arguments: [isStateful, id])
    }
}
