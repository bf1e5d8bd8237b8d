/// Resources.
public struct Resources: WireValue {
    /// Cpu.
    @Zero public var cpu: ResourcesCPU
    /// Memory.
    @Zero public var memory: ResourcesMemory
    /// Gpu.
    @Zero public var gpu: ResourcesGPU
    /// Network.
    @Zero public var network: ResourcesNetwork
    /// Storage.
    @Zero public var storage: ResourcesStorage
    /// Usb.
    @Zero public var usb: ResourcesUSB
    /// Pci.
    @Zero public var pci: ResourcesPCI
    /// System.
    @Zero public var system: ResourcesSystem

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case cpu, memory, gpu, network, storage, usb, pci, system
    }
}
