/// How long to wait for EC2 to come to what was asked.
struct Pace: Sendable {
    /// Before the second question whether something has come about; each further wait is half as long again.
    var first: Duration = .milliseconds(500)
    /// The longest of these waits.
    var most: Duration = .seconds(5)
    /// For an instance to run, to stop or to be gone.
    var instance: Duration = .seconds(600)
    /// For an instance to come to the end of its first start.
    var firstBoot: Duration = .seconds(900)
    /// For what uses an object to let go of it.
    var dependency: Duration = .seconds(600)
    /// For a new object to be known everywhere.
    var newness: Duration = .seconds(120)
    /// After a lost answer, until what is not listed is taken not to be there.
    var listing: Duration = .seconds(10)

    /// How old a look at the fences may be: much less than the time after which a lock can be taken over.
    var fence: Duration = .seconds(10)

    func pause(_ attempt: Int) -> Duration {
        var pause = first
        for _ in 0..<min(attempt, 20) { pause = min(pause * 3 / 2, most) }
        return pause
    }
}
