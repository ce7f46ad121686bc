/// What runs a function: a process of this machine, or a container. One call at a time.
protocol RunningInstance: AnyObject, Sendable {
    /// A random word of 8 letters and digits.
    var id: String { get }
    /// When it was made: seconds since 1970.
    var since: Double { get }
    /// Its process on this machine; nil if there is none, or it is not known.
    var pid: Int32? { get async }

    /// Starts it and waits until it takes calls.
    /// - Returns: false if it never will; `ended()` tells why.
    func start() async -> Bool

    /// From now on it has less of a busy machine than others, or again the same; before its start or after.
    func giveWay(_ givesWay: Bool) async

    /// Sends one call and takes its answer to the end.
    /// - Parameters:
    ///   - answer: gets an answer that comes in pieces.
    ///   - timeout: longest time until the last byte of the answer.
    func call(_ call: InstanceCall, to answer: AnswerStream, timeout: Duration) async -> Instance.Outcome

    /// Asks it to end, makes it end after a grace, and waits until it has.
    func stop() async

    /// Waits until it has ended.
    func ended() async -> Instance.End
}

extension RunningInstance {
    func giveWay(_ givesWay: Bool) async {}

    /// A random word of 8 letters and digits.
    static func newID() -> String {
        String((0..<8).map { _ in "abcdefghijklmnopqrstuvwxyz0123456789".randomElement() ?? "a" })
    }
}
