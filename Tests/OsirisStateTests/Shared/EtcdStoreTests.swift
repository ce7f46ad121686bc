import Foundation
import OsirisModel
import OsirisTransport
import Testing

@testable import OsirisState

/// What is particular to etcd: members that die, tokens that end, certificates.
@Suite struct EtcdStoreTests {
    /// Writes numbers one after the other, whatever becomes of each answer, and never loses or doubles one.
    func append(_ numbers: Range<Int>, to store: any SharedStore) async throws {
        for number in numbers {
            let key = "log/\(1_000 + number)"
            var isUncertain = false
            while true {
                do {
                    let version = try await store.write([UInt8(number)], to: key, if: .absent, holding: nil)
                    // A write whose answer was lost may come through after the look for it.
                    #expect(version != nil || isUncertain, "\(key) was there already")
                    break
                } catch let error as SharedStoreError where error.kind == .unavailable {
                    continue
                } catch let error as SharedStoreError where error.kind == .unknown {
                    isUncertain = true
                    if try await store.read(key) != nil { break }
                }
            }
        }
    }

    @Test func theClusterOutlivesOneMemberAndTellsOfTwo() async throws {
        let etcd = try await TestEtcd(secure: false)
        let store = try etcd.store("edge")
        try await append(0..<10, to: store)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await append(10..<100, to: store) }
            group.addTask {
                // In the middle of the writes, as they show.
                while try await store.read("log/1030") == nil {}
                // The first one, which the store has talked to so far.
                kill(etcd.pids[0], SIGKILL)
            }
        }
        #expect(try await store.list("log/", after: nil) == (0..<100).map { "log/\(1_000 + $0)" })
        // A store that does not know yet which members are gone.
        let other = try etcd.store("edge")
        #expect(try await other.read("log/1099")?.bytes == [99])
        guard case .acquired(let lease) = try await other.acquire([1], at: "lock", seconds: 60) else {
            return #expect(Bool(false), "nobody holds the lock")
        }
        #expect(try await other.renew(lease))

        kill(etcd.pids[1], SIGKILL)
        let read = await storeError { _ = try await store.read("log/1000") }
        #expect(read?.kind == .unavailable)
        let write = await storeError { _ = try await store.write([1], to: "late", if: .absent, holding: nil) }
        #expect(write?.kind == .unavailable || write?.kind == .unknown, "\(String(reflecting: write))")
        for error in [read, write] {
            #expect(error?.message.contains(store.location) == true && error?.help != nil)
        }
        for host in etcd.hosts { #expect(read?.message.contains("\(host): ") == true, "\(read?.message ?? "")") }

        kill(etcd.pids[2], SIGKILL)
        // Until its end has come through on the kept connection, too.
        var gone: SharedStoreError?
        repeat {
            gone = await storeError { _ = try await store.write([1], to: "late", if: .absent, holding: nil) }
        } while gone?.kind == .unknown
        #expect(gone?.kind == .unavailable, "\(String(reflecting: gone))")
    }

    @Test func aMemberThatHangsIsPassedOver() async throws {
        let etcd = try await TestEtcd(secure: false)
        let store = try etcd.store("edge")
        #expect(try await store.write([1], to: "a", if: .absent, holding: nil) != nil)
        kill(etcd.pids[0], SIGSTOP)
        defer { kill(etcd.pids[0], SIGCONT) }
        #expect(try await store.read("a")?.bytes == [1])
        // From now on it asks the one that answered. If the leader hangs, the others first have to agree on another, and a
        // write may go unanswered meanwhile: whoever writes looks, and tries again.
        for _ in 0..<6 {
            do {
                _ = try await store.write([2], to: "b", if: .absent, holding: nil)
                break
            } catch let error as SharedStoreError {
                #expect([.unknown, .unavailable].contains(error.kind), "\(error)")
            }
        }
        #expect(try await store.read("b")?.bytes == [2])
    }

    @Test func aTokenThatEndedIsRenewed() async throws {
        let etcd = try await TestEtcd.secure.value
        let store = try etcd.store("edge/tokens")
        #expect(try await store.write([1], to: "a", if: .absent, holding: nil) != nil)
        try await etcd.endTokens()
        #expect(try await store.write([2], to: "b", if: .absent, holding: nil) != nil)
        try await etcd.endTokens()
        #expect(try await store.read("b")?.bytes == [2])
    }

    @Test func strangersAreRefused() async throws {
        let etcd = try await TestEtcd.secure.value
        let folder = etcd.service.folder
        let changes: [[String: String]] = [
            ["ETCDCTL_USER": "osiris:CANARY-wrong"], ["ETCDCTL_USER": "nobody:CANARY"], ["ETCDCTL_USER": ""],
            ["ETCDCTL_CACERT": folder + "/other-ca.pem"], ["ETCDCTL_CACERT": folder + "/none.pem"],
        ]
        for change in changes {
            let store = try etcd.store("edge", change)
            let error = await storeError { _ = try await store.write([1], to: "a", if: .absent, holding: nil) }
            #expect(error?.kind == .denied, "\(change.keys) \(String(reflecting: error))")
            #expect(error?.message.contains("CANARY") == false && error?.message.contains(store.location) == true)
        }
        // etcd hangs up so fast that its reason may be lost on the way.
        let bare = try etcd.store("edge", ["ETCDCTL_CERT": "", "ETCDCTL_KEY": ""])
        let error = await storeError { _ = try await bare.write([1], to: "a", if: .absent, holding: nil) }
        #expect([.denied, .unavailable, .unknown].contains(error?.kind))
        #expect(error?.kind != .unavailable || error?.help?.contains("ETCDCTL_CERT") == true)
        let outside = try etcd.store("elsewhere")
        #expect(await storeError { _ = try await outside.read("a") }?.kind == .denied)
        #expect(await storeError { _ = try await outside.acquire([1], at: "lock", seconds: 60) }?.kind == .denied)
    }

    @Test func aStoreNeedsNoPrefix() async throws {
        let etcd = try await TestEtcd.plain.value
        let store = try SharedStoreAddress("etcd://\(etcd.hosts[1])")
            .store(environment: [:], home: "/", http: HTTPClient())
        let key = "whole/\(UUID().uuidString)"
        #expect(try await store.write([1], to: key, if: .absent, holding: nil) != nil)
        #expect(try await store.list("", after: nil).contains(key))
        #expect(try await store.list("", after: key).contains(key) == false)
    }

    @Test func passwordAndNameMayBeApart() async throws {
        let etcd = try await TestEtcd.secure.value
        let store = try etcd.store("edge", ["ETCDCTL_USER": "osiris", "ETCDCTL_PASSWORD": "CANARY:pass"])
        #expect(try await store.read("none") == nil)
    }

    @Test func aUserIsNoHarmWhereUsersAreOff() async throws {
        let etcd = try await TestEtcd.plain.value
        let store = try etcd.store("edge", ["ETCDCTL_USER": "osiris:CANARY"])
        #expect(try await store.read("none") == nil)
    }

    @Test func whatIsNoEtcdIsSaidToBeNone() async throws {
        let etcd = try await TestEtcd.secure.value
        let plain = try SharedStoreAddress("etcd://\(etcd.hosts[0])/edge")
            .store(environment: [:], home: "/", http: HTTPClient())
        let error = await storeError { _ = try await plain.read("a") }
        #expect(error?.kind == .unavailable && error?.help?.contains("etcds://") == true)
        let s3 = try await TestS3.shared.value.endpoint.replacing("http://", with: "")
        let other = try SharedStoreAddress("etcd://\(s3)/edge")
            .store(environment: [:], home: "/", http: HTTPClient())
        #expect(await storeError { _ = try await other.read("a") }?.kind == .other)
    }
}
