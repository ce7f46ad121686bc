extension Cluster {
    /// The cluster with every renamed target under its former name too: by that the resources in it are still asked for.
    public var withFormerTargets: Cluster {
        var cluster = self
        // An entry may go on from where another one leads, whichever is written first.
        for entry in moved.flatMap({ _ in moved }) {
            guard case .target(let old) = entry.from, case .target(let new) = entry.to,
                var target = cluster.targets.first(where: { $0.name == new }),
                !cluster.targets.contains(where: { $0.name == old })
            else { continue }
            target.name = old
            cluster.targets.append(target)
        }
        return cluster
    }
}
