/// The resources of an operation on containers, under both names of the collection.
package enum InstanceResources {
    package static func of(_ names: [String]) -> [String: [String]] { ["instances": names, "containers": names] }
}
