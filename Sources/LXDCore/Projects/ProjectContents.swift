import LXDAPI
import LXDConfig
import LXDDatabase

/// What counts towards a project's limits: its instances with what they inherit, and its custom volumes.
struct ProjectContents {
    let project: ProjectRow
    private(set) var instances: [LoadedInstance]
    private(set) var volumes: [VolumeRow]

    init(_ project: ProjectRow, _ tx: Transaction) throws {
        self.project = project
        instances = try tx.loadInstances(project: project.name)
        volumes = try tx.storageVolumes(project: project.name, kind: .custom)
    }

    // MARK: What is about to change

    mutating func put(_ instance: LoadedInstance) {
        remove(instance.key)
        instances.append(instance)
    }

    mutating func remove(_ key: InstanceKey) { instances.removeAll { $0.key == key } }

    mutating func put(_ volume: VolumeRow) {
        volumes.removeAll { $0.pool == volume.pool && $0.name == volume.name }
        volumes.append(volume)
    }

    /// Gives the instances that use a profile its new state.
    mutating func put(_ profile: ProfileRow) {
        instances = instances.map { instance in
            LoadedInstance(instance.row, profiles: instance.profiles.map { $0.id == profile.id ? profile : $0 })
        }
    }

    // MARK: Numbers of instances

    /// Refuses one more instance than the project may have.
    func checkCounts(_ type: InstanceType) throws {
        let key = type == .virtualMachine ? "limits.virtual-machines" : "limits.containers"
        let name = goQuoted(project.name)
        if let limit = try count(key), instances.count(where: { $0.row.type == type }) > limit {
            throw LXDError.internalError(
                "Reached maximum number of instances of type \(goQuoted(type.rawValue)) in project \(name)")
        }
        if let limit = try count("limits.instances"), instances.count > limit {
            throw LXDError.internalError("Reached maximum number of instances in project \(name)")
        }
    }

    /// The value of a limit on numbers; nil for none.
    func count(_ key: String) throws -> Int? {
        guard let text = project.config[key], !text.isEmpty else { return nil }
        guard let limit = Int(text), limit >= 0 else {
            throw LXDError.internalError("Unexpected \(goQuoted(key)) value: \(goQuoted(text))")
        }
        return limit
    }

    // MARK: Sums

    /// Refuses contents that together have more than the project may have.
    func checkTotals() throws {
        for limit in AggregateLimit.allCases {
            guard let text = project.config[limit.rawValue], !text.isEmpty else { continue }
            let total: Int64
            do { total = try self.total(limit) } catch {
                throw LXDError.from(error).wrapped("Failed getting usage of project entities")
            }
            guard total <= (try limit.parse(text)) else {
                throw LXDError.internalError(
                    "Reached maximum aggregate value \(goQuoted(text)) for \(goQuoted(limit.rawValue)) in project \(goQuoted(project.name))")
            }
        }
    }

    /// What all contents together have of something.
    ///
    /// - Parameter isLenient: Leave out what has no limit of its own, instead of refusing it.
    func total(_ limit: AggregateLimit, isLenient: Bool = false) throws -> Int64 {
        var total: Int64 = 0
        func add(_ amount: Int64) throws {
            let (sum, overflow) = total.addingReportingOverflow(amount)
            guard !overflow else { throw LXDError.internalError("The sum of \(goQuoted(limit.rawValue)) is too large") }
            total = sum
        }
        if limit == .disk {
            for volume in volumes { if let size = try Self.size(volume, isLenient) { try add(size) } }
        }
        for instance in instances {
            do {
                if let amount = try limit.amount(of: instance) { try add(amount) }
            } catch {
                if !isLenient { throw error }
            }
        }
        return total
    }

    private static func size(_ volume: VolumeRow, _ isLenient: Bool) throws -> Int64? {
        let name = "custom volume \(goQuoted(volume.name)) in project \(goQuoted(volume.project))"
        guard let text = volume.config["size"], !text.isEmpty else {
            if isLenient { return nil }
            throw LXDError.internalError("C\(name.dropFirst()) has no \"size\" config set")
        }
        do { return try ByteCount.parse(text) } catch {
            throw error.wrapped("Parse \"size\" for \(name)")
        }
    }
}

/// What a project limits in sum. Each of its contents then needs a limit of its own.
enum AggregateLimit: String, CaseIterable {
    case cpu = "limits.cpu"
    case disk = "limits.disk"
    case memory = "limits.memory"
    case processes = "limits.processes"

    func parse(_ text: String) throws -> Int64 {
        switch self {
        case .disk: return try ByteCount.parse(text)
        case .memory:
            guard !text.hasSuffix("%") else { throw LXDError.internalError("Value can't be a percentage") }
            return try ByteCount.parse(text)
        case .cpu where text.contains(",") || text.contains("-"):
            throw LXDError.internalError("CPUs can't be pinned if project limits are used")
        case .cpu, .processes:
            guard let number = Int64(text) else { throw LXDError.internalError("Invalid number \(goQuoted(text))") }
            return number
        }
    }

    /// An amount for people.
    func text(_ amount: Int64) -> String {
        switch self {
        case .disk, .memory: ByteCount.formatBinary(amount, fractionDigits: 1)
        case .cpu, .processes: "\(amount)"
        }
    }

    /// What an instance may have at most.
    ///
    /// - Throws: LXD's text when nothing says so.
    func amount(of instance: LoadedInstance) throws -> Int64? {
        let name = "\(goQuoted(instance.name)) in project \(goQuoted(instance.project))"
        let text: String?
        if self == .disk {
            do { text = try requireRootDisk(instance.expandedDevices).config["size"] } catch {
                throw LXDError.from(error).wrapped("Failed getting root disk device for instance \(name)")
            }
        } else {
            text = instance.expandedConfig[rawValue]
        }
        guard let text, !text.isEmpty else {
            throw LXDError.internalError(
                self == .disk
                    ? "Instance \(name) has no \"size\" config set on the root device either directly or via a profile"
                    : "Instance \(name) has no \(goQuoted(rawValue)) config, either directly or via a profile")
        }
        do { return try parse(text) } catch {
            throw LXDError.from(error).wrapped("Failed parsing \(goQuoted(rawValue)) for instance \(name)")
        }
    }
}
