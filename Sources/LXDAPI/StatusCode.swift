/// The state of an operation or instance as a number; the API sends its name beside it.
///
/// Source: doc/rest-api.md, "Status codes".
public enum StatusCode: Int, WireValue, CaseIterable {
    case unset = 0
    case operationCreated = 100
    case started = 101
    case stopped = 102
    case running = 103
    case cancelling = 104
    case pending = 105
    case starting = 106
    case stopping = 107
    case aborting = 108
    case freezing = 109
    case frozen = 110
    case thawed = 111
    case error = 112
    case ready = 113
    case success = 200
    case failure = 400
    case cancelled = 401

    public init() { self = .unset }
    public var isWireEmpty: Bool { self == .unset }

    /// A number from a newer server decodes as ``unset``, so that the rest of the answer stays readable.
    public init(from decoder: any Decoder) throws {
        self = StatusCode(rawValue: try decoder.singleValueContainer().decode(Int.self)) ?? .unset
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// The name sent as `status`, as in `Running`; empty for ``unset``.
    public var name: String {
        switch self {
        case .unset: ""
        case .operationCreated: "Operation created"
        case .started: "Started"
        case .stopped: "Stopped"
        case .running: "Running"
        case .cancelling: "Cancelling"
        case .pending: "Pending"
        case .starting: "Starting"
        case .stopping: "Stopping"
        case .aborting: "Aborting"
        case .freezing: "Freezing"
        case .frozen: "Frozen"
        case .thawed: "Thawed"
        case .error: "Error"
        case .ready: "Ready"
        case .success: "Success"
        case .failure: "Failure"
        case .cancelled: "Cancelled"
        }
    }

    /// The state with the given name; nil if there is none.
    public init?(name: String) {
        guard let code = Self.allCases.first(where: { $0 != .unset && $0.name == name }) else { return nil }
        self = code
    }

    /// Whether an operation in this state has ended.
    public var isFinal: Bool { rawValue >= 200 }
}
