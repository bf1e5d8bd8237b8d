import LXDCore

/// Who acts when the server's configuration changes.
struct ConfigEffects: ServerConfigEffects {
    let listeners: Listeners
    let images: ImageMaintenance

    func listen(_ endpoint: NetworkEndpoint, on address: String) async throws {
        try await listeners.listen(endpoint, on: address)
    }

    func configChanged(_ config: [String: String]) async {
        await listeners.configChanged(config)
        images.configChanged(config)
    }
}
