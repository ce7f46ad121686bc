import OsirisEngine
import Synchronization

import struct Foundation.Date

/// Keeps the timeline of the apply it observes.
public final class TimelineRecorder: ApplyObserver {
    private let state: Mutex<ApplyTimeline>

    public init(parallelism: Int) { state = Mutex(ApplyTimeline(parallelism: parallelism)) }

    public func observe(_ event: ApplyEvent, at time: Date) { state.withLock { $0.take(event, at: time) } }

    public var timeline: ApplyTimeline { state.withLock { $0 } }
}
