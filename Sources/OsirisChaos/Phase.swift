/// What the run that is disturbed has to do.
public enum Phase: String, Codable, Sendable, CaseIterable {
    /// Make everything.
    case create
    /// Create, update and delete some of it.
    case change
    /// Delete and make again all of it.
    case replace
    /// Give every target another name.
    case rename
    /// Destroy everything.
    case remove

    /// What is there before; nil for nothing.
    var before: Twin.Variant? {
        switch self {
        case .create: nil
        case .change: .earlier
        case .replace: .moved
        case .rename: .former
        case .remove: .wanted
        }
    }

    /// The run without any disturbance.
    var undisturbed: Step {
        var step = Step()
        step.destroys = self == .remove
        return step
    }
}
