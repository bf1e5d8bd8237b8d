package import LXDAPI

/// What the work of an operation may do with its operation.
package struct OperationHandle: Sendable {
    let record: OperationRecord
    let changed: @Sendable (OperationRecord) -> Void

    package var id: String { record.id }
    package var project: String { record.project }
    package var requestor: EventLifecycleRequestor? { record.requestor }

    /// Merges these into the metadata and tells those who listen.
    package func update(_ metadata: [String: JSONValue]) {
        if record.update({ $0.merge(metadata) { _, new in new } }) { changed(record) }
    }

    /// Shows how far a step is, in LXD's form:
    /// `{"KEY": "TEXT", "progress": {"stage": ..., "percent": "..", "speed": ".."}}`.
    ///
    /// - Parameters:
    ///   - key: LXD's name of the step: `download_progress`, `create_instance_from_image_unpack_progress`...
    ///   - text: For people: `rootfs: 42% (12.3MB/s)`.
    ///   - stage: For programs; nil leaves the structured part out.
    ///   - percent: 0–100, nil when the end is not known.
    ///   - bytesPerSecond: 0 when not known.
    package func progress(
        _ key: String, _ text: String, stage: String? = nil, percent: Int? = nil, bytesPerSecond: Int64 = 0
    ) {
        var metadata: [String: JSONValue] = [key: .string(text)]
        if let stage {
            metadata["progress"] = [
                "stage": .string(stage), "percent": .string(percent.map(String.init) ?? ""),
                "speed": .string(String(bytesPerSecond)),
            ]
        }
        update(metadata)
    }

    /// Replaces the resources, when their names are known only during the work.
    package func setResources(_ resources: [String: [String]]) {
        if record.update(resources: resources) { changed(record) }
    }

    /// The websocket of that name, once a client has connected it with its secret.
    ///
    /// - Throws: `LXDError` timeout when nobody connects in time; `CancellationError`.
    package func socket(_ name: String, within timeout: Duration = .seconds(30)) async throws -> any OperationSocket {
        try await record.sockets.socket(named: name, within: timeout)
    }
}
