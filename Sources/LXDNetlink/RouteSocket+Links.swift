import SystemPackage

extension RouteSocket {
    /// Makes a link.
    /// - Throws: `fileExists` when the name is taken; `notSupported` when the kernel lacks the kind.
    package func create(_ link: LinkCreation) throws(NetlinkError) {
        try perform(LinkRequests.create(link), "create \(link.kind.name)", link.name)
    }

    /// Deletes a link; with one end of a veth pair goes the other.
    /// - Throws: `noSuchDevice`.
    package func deleteLink(_ name: String) throws(NetlinkError) {
        guard let link = try self.link(named: name) else { throw NetlinkError(.noSuchDevice, "delete", name) }
        try perform(LinkRequests.delete(index: link.index), "delete", name)
    }

    /// Deletes a link if it is there.
    /// - Returns: Whether it was.
    @discardableResult
    package func deleteLinkIfPresent(_ name: String) throws(NetlinkError) -> Bool {
        guard let link = try self.link(named: name) else { return false }
        do {
            try perform(LinkRequests.delete(index: link.index), "delete", name)
        } catch where error.errno == .noSuchDevice || error.errno == .noSuchAddressOrDevice {
            return false
        }
        return true
    }

    /// Changes several properties of a link in one request; a move to another namespace may bring a new name.
    package func change(_ name: String, _ change: LinkChange) throws(NetlinkError) {
        guard let link = try self.link(named: name) else { throw NetlinkError(.noSuchDevice, "change", name) }
        try perform(LinkRequests.change(index: link.index, change), change.operation, name)
    }

    /// - Returns: nil when there is no such link.
    package func link(named name: String) throws(NetlinkError) -> Link? {
        // The kernel refuses longer names with an error of its own; for us they are simply not there.
        guard !name.isEmpty, name.utf8.count <= 15 else { return nil }
        return try single(LinkRequests.get(name: name), name)
    }

    package func link(index: Int32) throws(NetlinkError) -> Link? {
        try single(LinkRequests.get(index: index), "\(index)")
    }

    /// All links of this namespace, or of another one that has the number `namespaceID` here.
    package func links(namespaceID: Int32? = nil, withStatistics: Bool = false) throws(NetlinkError) -> [Link] {
        let request = LinkRequests.list(namespaceID: namespaceID, withStatistics: withStatistics)
        return try dump(request, "list", "links").compactMap { answer in
            answer.type == RTM.newLink ? Link(answer: answer.body) : nil
        }
    }

    private func single(_ request: NetlinkMessage, _ subject: String) throws(NetlinkError) -> Link? {
        do {
            return try get(request, "look up", subject).lazy.compactMap { Link(answer: $0.body) }.first
        } catch where error.errno == .noSuchDevice {
            return nil
        }
    }
}

extension LinkChange {
    /// What is said of the change when it fails.
    var operation: String {
        if namespace != nil { return "move to another network namespace" }
        if let masterIndex { return masterIndex == 0 ? "detach" : "attach" }
        if address != nil { return "set the address of" }
        if mtu != nil { return "set the MTU of" }
        if name != nil { return "rename" }
        if let isUp { return isUp ? "bring up" : "bring down" }
        return "change"
    }
}
