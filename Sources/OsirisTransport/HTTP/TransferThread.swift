import CLibCurl
import Foundation
import Synchronization

/// The one thread that owns a multi handle and runs all transfers of a client
/// (https://curl.se/libcurl/c/libcurl-multi.html). Other threads only put work into a queue and wake it.
///
/// Unchecked, because the multi handle is used by its thread alone, except for `curl_multi_wakeup`, which libcurl allows
/// from any thread and which is called under the queue's lock while the handle is open.
final class TransferThread: @unchecked Sendable {
    private struct Queue {
        var starts: [Transfer] = []
        var cancels: [UInt64] = []
        var isStopping = false
        var isOpen = true
    }

    /// Idle connections kept for reuse.
    private static let keptConnections = 256
    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private let queue = Mutex(Queue())
    private let multi: UnsafeMutableRawPointer
    private var active: [UInt64: Transfer] = [:]
    private var ids: [UnsafeMutableRawPointer: UInt64] = [:]

    init() {
        guard Self.isReady, let multi = curl_multi_init() else {
            preconditionFailure("libcurl cannot start. This is a broken libcurl or no memory.")
        }
        self.multi = multi
        osiris_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Self.keptConnections)
        Thread {
            // The kernel learns of a name only from the thread itself.
            Thread.current.name = "osiris.http"
            self.run()
        }.start()
    }

    func start(_ transfer: Transfer) { enqueue { $0.starts.append(transfer) } }

    /// Ends a transfer early; one that is not known any more is left alone.
    func cancel(_ id: UInt64) { enqueue { $0.cancels.append(id) } }

    /// Ends the thread once its last transfer is done.
    func stop() { enqueue { $0.isStopping = true } }

    private func enqueue(_ change: (inout Queue) -> Void) {
        queue.withLock { queue in
            change(&queue)
            if queue.isOpen { curl_multi_wakeup(multi) }
        }
    }

    private func run() {
        while true {
            let work = queue.withLock { queue in
                defer { (queue.starts, queue.cancels) = ([], []) }
                return queue
            }
            for transfer in work.starts { add(transfer) }
            for id in work.cancels { remove(id)?.cancel() }
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            finishEnded()
            if work.isStopping, active.isEmpty { break }
            // Returns at once when data, a timeout of libcurl's own or a wakeup is there; the limit is a safety net.
            curl_multi_poll(multi, nil, 0, 10_000, nil)
        }
        queue.withLock { $0.isOpen = false }
        curl_multi_cleanup(multi)
    }

    private func add(_ transfer: Transfer) {
        let result = transfer.start()
        guard result == CURLE_OK, let easy = transfer.easy else { return transfer.finish(result) }
        guard curl_multi_add_handle(multi, easy) == CURLM_OK else { return transfer.finish(CURLE_FAILED_INIT) }
        active[transfer.id] = transfer
        ids[easy] = transfer.id
    }

    private func finishEnded() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle, let id = ids[easy] else {
                continue
            }
            // The message is gone once its handle is removed.
            let result = osiris_curl_message_result(message)
            remove(id)?.finish(result)
        }
    }

    /// Takes a transfer out of libcurl, so that no callback can reach it any more.
    private func remove(_ id: UInt64) -> Transfer? {
        guard let transfer = active.removeValue(forKey: id), let easy = transfer.easy else { return nil }
        ids[easy] = nil
        curl_multi_remove_handle(multi, easy)
        return transfer
    }
}
