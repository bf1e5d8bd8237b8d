import LXDAPI
import LXDConfig

enum UnixRules {
    static func validate(_ config: [String: String]) throws(LXDError) {
        try DeviceKeys.validate(config)
        let source = config["source"] ?? ""
        if !source.isEmpty, !source.hasPrefix(devicePrefix) {
            throw .badRequest("Invalid value for device option \"source\": Path needs to be in \(devicePrefix)")
        }
        if PathNames.relative(config["path"] ?? source) == nil {
            throw .badRequest("Invalid value for device option \"path\": Path must not contain \"..\"")
        }
        if source.isEmpty, config["path"]?.isEmpty != false {
            throw .badRequest("Unix device entry is missing the required \"source\" or \"path\" property")
        }
    }
}
