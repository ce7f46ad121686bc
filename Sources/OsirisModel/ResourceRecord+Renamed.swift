extension ResourceRecord {
    /// The record with every address in it renamed: its own and those of what it lives on and needs.
    public func renamed(_ name: (ResourceAddress) -> ResourceAddress) -> ResourceRecord {
        var record = self
        record.address = name(address)
        record.parent = parent.map(name)
        record.dependsOn = dependsOn.map(name)
        return record
    }
}
