package import LXDDatabase
package import LXDStorage

/// What the database has in a pool, as the pool's driver names it.
package enum KnownVolumes {
    package static func of(_ pool: PoolRow, _ store: Store) async throws -> Set<Volume> {
        try await store.read { tx in
            var known: Set<Volume> = []
            let snapshots = try tx.snapshotNames(pool: pool.name)
            for row in try tx.storageVolumes(pool: pool.name) {
                let volume = try VolumeService.volume(row)
                known.insert(volume)
                for name in snapshots[row.id] ?? [] { known.insert(try volume.withSnapshot(name)) }
            }
            for fingerprint in try tx.imageFingerprints() { known.insert(try .image(fingerprint)) }
            return known
        }
    }
}
