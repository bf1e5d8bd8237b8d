package import LXDDatabase
package import LXDStorage

/// What the database has in a pool, as the pool's driver names it.
package enum KnownVolumes {
    package static func of(_ pool: PoolRow, _ store: Store) async throws -> Set<Volume> {
        try await store.read { tx in
            var known: Set<Volume> = []
            for row in try tx.storageVolumes(pool: pool.name) {
                let volume = try VolumeService.volume(row)
                known.insert(volume)
                for snapshot in try VolumeService.snapshots(of: row, tx) {
                    known.insert(try volume.withSnapshot(snapshot.name))
                }
            }
            for fingerprint in try tx.imageFingerprints() { known.insert(try .image(fingerprint)) }
            return known
        }
    }
}
