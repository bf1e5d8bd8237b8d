extension RuntimePlan: Packable {
    package func pack(into p: inout Packer) {
        for text in [name, stateDirectory, logDirectory, runDirectory, hostName, personality] { text.pack(into: &p) }
        rootfs.pack(into: &p)
        mountPoint.pack(into: &p)
        idmap.pack(into: &p)
        for flag in [privileged, nesting, stateful] { flag.pack(into: &p) }
        capabilitiesDropped.pack(into: &p)
        seccompPolicy.pack(into: &p)
        p.append(bytes: seccompFilter)
        apparmorProfile.pack(into: &p)
        cgroup.pack(into: &p)
        mounts.pack(into: &p)
        networkInterfaces.pack(into: &p)
        deviceNodes.pack(into: &p)
        environment.pack(into: &p)
        initCommand.pack(into: &p)
        consoleLogPath.pack(into: &p)
        logLevel.pack(into: &p)
        resourceLimits.pack(into: &p)
        sysctls.pack(into: &p)
        devLXDDirectory.pack(into: &p)
        lxcfsDirectory.pack(into: &p)
        rawItems.pack(into: &p)
        failAfterSteps.pack(into: &p)
    }

    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init()
        name = try u.value()
        stateDirectory = try u.value()
        logDirectory = try u.value()
        runDirectory = try u.value()
        hostName = try u.value()
        personality = try u.value()
        rootfs = try u.value()
        mountPoint = try u.value()
        idmap = try u.value()
        privileged = try u.value()
        nesting = try u.value()
        stateful = try u.value()
        capabilitiesDropped = try u.value()
        seccompPolicy = try u.value()
        seccompFilter = try u.byteString()
        apparmorProfile = try u.value()
        cgroup = try u.value()
        mounts = try u.value()
        networkInterfaces = try u.value()
        deviceNodes = try u.value()
        environment = try u.value()
        initCommand = try u.value()
        consoleLogPath = try u.value()
        logLevel = try u.value()
        resourceLimits = try u.value()
        sysctls = try u.value()
        devLXDDirectory = try u.value()
        lxcfsDirectory = try u.value()
        rawItems = try u.value()
        failAfterSteps = try u.value()
    }
}

extension RootFilesystem: Packable {
    package func pack(into p: inout Packer) {
        switch self {
        case .overlay(let lower, let upper, let work):
            p.number(UInt8(0))
            lower.pack(into: &p)
            upper.pack(into: &p)
            work.pack(into: &p)
        case .directory(let path):
            p.number(UInt8(1))
            path.pack(into: &p)
        }
    }

    package init(unpacking u: inout Unpacker) throws(PackingError) {
        switch try u.number(UInt8.self) {
        case 0: self = .overlay(lower: try u.value(), upper: try u.value(), work: try u.value())
        case 1: self = .directory(try u.value())
        default: throw .malformed
        }
    }
}

extension IDMapEntry: Packable {
    package func pack(into p: inout Packer) {
        isUID.pack(into: &p)
        isGID.pack(into: &p)
        for number in [hostID, namespaceID, range] { number.pack(into: &p) }
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init(
            isUID: try u.value(), isGID: try u.value(), hostID: try u.value(), namespaceID: try u.value(),
            range: try u.value())
    }
}

extension CgroupSetting: Packable {
    package func pack(into p: inout Packer) {
        file.pack(into: &p)
        value.pack(into: &p)
        unified.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init(file: try u.value(), value: try u.value(), unified: try u.value())
    }
}

extension MountEntry: Packable {
    package func pack(into p: inout Packer) {
        for text in [source, target, fsType] { text.pack(into: &p) }
        options.pack(into: &p)
        idmapped.pack(into: &p)
        p.number(create.rawValue)
        optional.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init(source: try u.value(), target: try u.value(), fsType: try u.value(), options: try u.value())
        idmapped = try u.value()
        guard let creation = Creation(rawValue: try u.number(UInt8.self)) else { throw .malformed }
        create = creation
        optional = try u.value()
    }
}

extension NetworkInterfaceEntry: Packable {
    package func pack(into p: inout Packer) {
        for text in [hostLinkName, name, hardwareAddress] { text.pack(into: &p) }
        mtu.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init(hostLinkName: try u.value(), name: try u.value(), hardwareAddress: try u.value(), mtu: try u.value())
    }
}

extension DeviceNode: Packable {
    package func pack(into p: inout Packer) {
        hostPath.pack(into: &p)
        path.pack(into: &p)
        isBlock.pack(into: &p)
        major.pack(into: &p)
        minor.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) {
        self.init(
            hostPath: try u.value(), path: try u.value(), isBlock: try u.value(), major: try u.value(),
            minor: try u.value())
    }
}

extension PlanPair: Packable {
    package func pack(into p: inout Packer) {
        key.pack(into: &p)
        value.pack(into: &p)
    }
    package init(unpacking u: inout Unpacker) throws(PackingError) { self.init(try u.value(), try u.value()) }
}
