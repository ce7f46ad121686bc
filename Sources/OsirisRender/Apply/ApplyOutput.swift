import OsirisEngine

/// An observer that shows what it sees, and has an end: the last thing it has to say, the terminal as it was.
public protocol ApplyOutput: ApplyObserver {
    /// Call it once, however the apply ended.
    func end() async
}
