/// The hardware of the host.
public struct Resources: WireValue {
    /// Processors.
    @Zero public var cpu: ResourcesCPU
    /// Memory.
    @Zero public var memory: ResourcesMemory
    /// Graphics cards.
    @Zero public var gpu: ResourcesGPU
    /// Network cards.
    @Zero public var network: ResourcesNetwork
    /// Storage.
    @Zero public var storage: ResourcesStorage
    /// USB devices.
    @Zero public var usb: ResourcesUSB
    /// PCI devices.
    @Zero public var pci: ResourcesPCI
    /// The machine itself.
    @Zero public var system: ResourcesSystem

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case cpu, memory, gpu, network, storage, usb, pci, system
    }
}
