/// A connection that carries the contents of volumes to another server, or from one.
///
/// One channel serves several *streams* one after another (a snapshot each, then the volume): `read` gives nil where the
/// peer's stream ends, and the next `read` belongs to its next stream; `finish` ends ours. Both directions end on their
/// own. With LXD as the peer, messages are binary and a text message ends a stream.
///
/// One task reads and one writes at a time. Both wait for the peer: `write` until it takes more (so that memory stays
/// bounded), `read` until it sends; both throw once the connection is lost or the task is cancelled.
package protocol TransferChannel: Sendable {
    /// The next bytes (never empty) of the peer's stream; nil at its end.
    ///
    /// - Throws: `LXDError` if the connection is lost before the stream ended.
    func read() async throws -> [UInt8]?
    /// Sends bytes of our stream; at most some hundred KiB at once, so that the peer's buffers suffice.
    func write(_ bytes: [UInt8]) async throws
    /// Ends our stream. The channel stays open for the next one.
    func finish() async throws
}
