/// Gives interfaces of instances the hardware addresses and names that their configuration leaves open; they are kept
/// in `volatile.DEVICE.hwaddr` and `volatile.DEVICE.name`.
package enum InterfaceNames {
    /// - Parameter nicType: The kind of a nic, which for one on a managed network is the network's.
    /// - Returns: The volatile keys to add.
    package static func fill(
        devices: [String: [String: String]], config: [String: String], nicType: (String, [String: String]) -> String,
        makeAddress: () -> String = randomAddress
    ) -> [String: String] {
        var added: [String: String] = [:]
        var used = Set(devices.values.compactMap { $0["name"] }.filter { !$0.isEmpty })
        for (key, value) in config where key.hasPrefix("volatile.") && key.hasSuffix(".name") { used.insert(value) }
        for (name, device) in devices.sorted(by: { $0.key < $1.key }) where device["type"] == "nic" {
            let isOwnHardware = ["physical", "ipvlan", "sriov"].contains(nicType(name, device))
            if !isOwnHardware, device["hwaddr"]?.isEmpty != false, config["volatile.\(name).hwaddr"] == nil {
                added["volatile.\(name).hwaddr"] = makeAddress()
            }
            if device["name"]?.isEmpty != false, config["volatile.\(name).name"] == nil {
                var number = 0
                while used.contains("eth\(number)") { number += 1 }
                used.insert("eth\(number)")
                added["volatile.\(name).name"] = "eth\(number)"
            }
        }
        return added
    }

    /// An address of the range that belongs to no maker of hardware in use: `00:16:3e:…`.
    package static func randomAddress() -> String {
        "00:16:3e" + (0..<3).map { _ in
            let digits = String(UInt8.random(in: .min ... .max), radix: 16)
            return ":" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }
}
