import SystemPackage

/// Links and addresses of one network namespace.
package struct NamespaceView: Sendable {
    package var links: [Link]
    package var addresses: [LinkAddress]
}

package enum NamespaceRequests {
    /// - Parameter descriptor: Of a `/proc/PID/ns/net`.
    package static func get(descriptor: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.getNamespaceID, flags: 0)
        message.append(UInt32(0))
        message.attribute(NETNSA.descriptor, number: descriptor)
        return message
    }

    package static func assign(descriptor: Int32) -> NetlinkMessage {
        var message = NetlinkMessage(type: RTM.newNamespaceID, flags: 0)
        message.append(UInt32(0))
        message.attribute(NETNSA.descriptor, number: descriptor)
        // -1: any number that is free.
        message.attribute(NETNSA.namespaceID, number: Int32(-1))
        return message
    }
}

extension RouteSocket {
    /// Our namespace's number for another one; given out on first use, gone with that namespace.
    ///
    /// - Parameter descriptor: Of a `/proc/PID/ns/net`.
    package func namespaceID(ofDescriptor descriptor: Int32) throws(NetlinkError) -> Int32 {
        if let number = try knownID(descriptor) { return number }
        do {
            try perform(NamespaceRequests.assign(descriptor: descriptor), "number", "network namespace")
        } catch where error.errno == .fileExists {
            // Somebody else was first.
        }
        guard let number = try knownID(descriptor) else {
            throw NetlinkError(.noSuchFileOrDirectory, "number", "network namespace")
        }
        return number
    }

    /// What a process sees of the network, asked from outside: no thread enters its namespace.
    ///
    /// - Parameter descriptor: Of a `/proc/PID/ns/net`.
    package func view(ofNamespace descriptor: Int32) throws(NetlinkError) -> NamespaceView {
        let number = try namespaceID(ofDescriptor: descriptor)
        return NamespaceView(
            links: try links(namespaceID: number, withStatistics: true),
            addresses: try addresses(namespaceID: number))
    }

    private func knownID(_ descriptor: Int32) throws(NetlinkError) -> Int32? {
        let answers = try get(NamespaceRequests.get(descriptor: descriptor), "number", "network namespace")
        for answer in answers {
            var reader = NetlinkReader(answer.body)
            guard reader.skip(4) else { continue }
            while let (type, payload) = reader.attribute() {
                guard type == NETNSA.namespaceID, let number = NetlinkReader.number(payload, Int32.self) else {
                    continue
                }
                return number >= 0 ? number : nil
            }
        }
        return nil
    }
}

extension RouteSocket {
    /// Deletes a link inside another namespace, if it is there.
    ///
    /// - Parameter namespace: Descriptor of a `/proc/PID/ns/net`.
    package func deleteLink(_ name: String, inNamespace namespace: Int32) throws(NetlinkError) {
        let number = try namespaceID(ofDescriptor: namespace)
        guard let link = try links(namespaceID: number).first(where: { $0.name == name }) else { return }
        var request = LinkRequests.delete(index: link.index)
        request.attribute(IFLA.targetNamespaceID, number: number)
        try perform(request, "delete", name)
    }
}
