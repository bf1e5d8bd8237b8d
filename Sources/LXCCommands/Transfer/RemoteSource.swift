import LXDAPI
import LXDClient

/// A server that another one fetches from.
enum RemoteSource {
    /// Tries addresses one after the other until one works, or until the work fails for another reason than its address.
    static func tryAll<Value>(
        _ addresses: [String], failure: String, _ attempt: (String) async throws -> Value
    ) async throws -> Value {
        guard !addresses.isEmpty else { throw CommandFailure("The source server isn't listening on the network") }
        var errors: [(address: String, text: String)] = []
        for address in addresses {
            do {
                return try await attempt(address)
            } catch let failure as CommandFailure {
                throw failure  // The person gave it up.
            } catch {
                errors.append((address, FailureText.of(error)))
                if let failure = error as? OperationFailure, !failure.isConnectionFailure { break }
            }
        }
        if Set(errors.map(\.text)).count == 1, let only = errors.first { throw CommandFailure("\(failure): \(only.text)") }
        throw CommandFailure(failure + ":" + errors.map { "\n - \($0.address): \($0.text)" }.joined())
    }
}

extension ServerConnection {
    /// The URLs under which other servers may reach this one.
    func addresses() async throws -> [String] {
        var urls = url.hasPrefix("https:") ? [url] : []
        for address in try await knownServer().environment.addresses where !address.hasPrefix(":") {
            let url = "https://\(address)"
            if !urls.contains(url) { urls.append(url) }
        }
        return urls
    }
}
