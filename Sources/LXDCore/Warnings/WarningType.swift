/// What a warning is about; the numbers are LXD's, which clients and tables show.
package enum WarningType: Int, Sendable, CaseIterable {
    case undefined = 0
    case missingCGroupBlkio, missingCGroupBlkioWeight, missingCGroupCPU, missingCGroupCPUSet, missingCGroupCPUAcct
    case missingCGroupDevices, missingCGroupFreezer, missingCGroupHugetlb, missingCGroupMemory
    case missingCGroupNetworkPriority, missingCGroupPids, missingCGroupMemorySwap
    case clusterTimeSkew, appArmorNotAvailable, missingVirtiofsd, unableToConnectToMAAS
    case appArmorDisabledDueToRawDnsmasq, largerIPv6PrefixThanSupported, proxyBridgeNetfilterNotEnabled
    case networkUnavailable, offlineClusterMember, instanceAutostartFailure, instanceTypeNotOperational
    case storagePoolUnavailable
    /// Ours.
    case instanceMemoryLost = 4200

    /// As it is sent in `type`.
    package var name: String {
        switch self {
        case .undefined: "Undefined warning"
        case .missingCGroupBlkio: "Couldn't find the CGroup blkio"
        case .missingCGroupBlkioWeight: "Couldn't find the CGroup blkio.weight"
        case .missingCGroupCPU: "Couldn't find the CGroup CPU controller"
        case .missingCGroupCPUSet: "Couldn't find the CGroup CPUset controller"
        case .missingCGroupCPUAcct: "Couldn't find the CGroup CPUacct controller"
        case .missingCGroupDevices: "Couldn't find the CGroup devices controller"
        case .missingCGroupFreezer: "Couldn't find the CGroup freezer controller"
        case .missingCGroupHugetlb: "Couldn't find the CGroup hugetlb controller"
        case .missingCGroupMemory: "Couldn't find the CGroup memory controller"
        case .missingCGroupNetworkPriority: "Couldn't find the CGroup network priority controller"
        case .missingCGroupPids: "Couldn't find the CGroup pids controller"
        case .missingCGroupMemorySwap: "Couldn't find the CGroup memory swap accounting"
        case .clusterTimeSkew: "Time skew detected between leader and local"
        case .appArmorNotAvailable: "AppArmor support has been disabled"
        case .missingVirtiofsd: "Missing virtiofsd"
        case .unableToConnectToMAAS: "Unable to connect to MAAS"
        case .appArmorDisabledDueToRawDnsmasq: "Skipping AppArmor for dnsmasq due to raw.dnsmasq being set"
        case .largerIPv6PrefixThanSupported:
            "IPv6 networks with a prefix larger than 64 aren't properly supported by dnsmasq"
        case .proxyBridgeNetfilterNotEnabled: "Proxy bridge netfilter not enabled"
        case .networkUnavailable: "Network unavailable"
        case .offlineClusterMember: "Offline cluster member"
        case .instanceAutostartFailure: "Failed to autostart instance"
        case .instanceTypeNotOperational: "Instance type not operational"
        case .storagePoolUnavailable: "Storage pool unavailable"
        case .instanceMemoryLost: "Instance lost its memory while it moved"
        }
    }

    package var severity: String {
        switch self {
        case .networkUnavailable, .storagePoolUnavailable, .instanceMemoryLost: "high"
        default: "low"
        }
    }
}

/// The kinds of object a warning can be about; the numbers are LXD's.
package enum WarningEntity: Int, Sendable {
    case none = -1
    case container = 0
    case image = 1
    case profile = 2
    case project = 3
    case certificate = 4
    case instance = 5
    case instanceBackup = 6
    case instanceSnapshot = 7
    case network = 8
    case networkACL = 9
    case node = 10
    case operation = 11
    case storagePool = 12
    case storageVolume = 13
    case storageVolumeBackup = 14
    case storageVolumeSnapshot = 15
    case warning = 16
    case clusterGroup = 17
}
