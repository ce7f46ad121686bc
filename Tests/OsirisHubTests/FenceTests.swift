import Foundation
import Testing

@testable import OsirisHub

@Suite(.serialized) struct FenceTests {
    private func headers(_ number: Int, lineage: String = "l-1") -> [String: String] {
        ["Osiris-Lineage": lineage, "Osiris-Fence": String(number)]
    }

    private func function(_ result: Int) -> TestFunction { .python("f", "def handle():\n    return \(result)\n") }

    @Test func aLowerNumberChangesNothingAlsoAfterARestart() async throws {
        let folder = try TestHub.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let deletion = #"{"functionName":"f","namespace":"demo"}"#
        func expectRefused(_ hub: TestHub) async throws {
            for (method, path, body) in [
                ("PUT", "functions", function(9).body), ("POST", "functions", function(9).body),
                ("DELETE", "functions", deletion), ("PUT", "fence", ""),
            ] {
                let late = try await hub.client.send(method, "/system/\(path)", body: body, headers: headers(4))
                #expect(late.status == 412 && late.code == "fenced", "\(method) \(path) \(late.text)")
                #expect(late.message.contains("(lock 5, this run has 4)") && late.error["retryable"] as? Bool == false)
            }
            #expect(try await hub.client.status("f").version == 2)
        }
        try await TestHub.with(folder: folder) { hub in
            for number in [4, 5, 5] {
                let put = try await hub.client.send(
                    "PUT", "/system/functions", body: function(number).body, headers: headers(number))
                #expect(put.status < 300, "\(put.text)")
            }
            try await expectRefused(hub)
        }
        try await TestHub.with(folder: folder) { hub in
            try await expectRefused(hub)
            // Another state's numbers are its own, and a person has none.
            for fields in [headers(1, lineage: "l-2"), [:]] {
                let put = try await hub.client.send(
                    "PUT", "/system/functions", body: function(5).body, headers: fields)
                #expect(put.status == 200, "\(put.text)")
            }
            let deleted = try await hub.client.send("DELETE", "/system/functions", body: deletion, headers: headers(6))
            #expect(deleted.status == 202)
            let late = try await hub.client.send(
                "PUT", "/system/functions", body: function(5).body, headers: headers(5))
            #expect(late.status == 412 && late.message.contains("lock 6"))
        }
    }

    /// Many runs at once: what is accepted has no lower number than what was accepted before it.
    @Test func racingRunsEndWithTheHighest() async throws {
        try await TestHub.with { hub in
            let client = hub.client
            let accepted = try await withThrowingTaskGroup(of: (Int, Int)?.self) { group in
                for number in (1...24).shuffled() {
                    let body = function(number).body
                    let fields = headers(number)
                    group.addTask {
                        let answer = try await client.send("PUT", "/system/functions", body: body, headers: fields)
                        return answer.status == 412 ? nil : (answer.json["version"] as? Int ?? 0, number)
                    }
                }
                return try await group.reduce(into: [(Int, Int)]()) { if let one = $1 { $0.append(one) } }
            }
            let numbers = accepted.sorted { $0.0 < $1.0 }.map(\.1)
            #expect(numbers == numbers.sorted() && numbers.last == 24, "\(numbers)")
            try await client.wait(for: "f", "24") { $0.ready && $0.version == numbers.count }
            #expect(try await client.call("f").text == "24")
        }
    }

    @Test(arguments: [
        ["Osiris-Fence": "1"], ["Osiris-Lineage": "l"], ["Osiris-Lineage": "l", "Osiris-Fence": "0"],
        ["Osiris-Lineage": "l", "Osiris-Fence": "one"], ["Osiris-Lineage": "a b", "Osiris-Fence": "1"],
    ])
    func halfAFenceIsRefused(fields: [String: String]) async throws {
        try await TestHub.with { hub in
            let answer = try await hub.client.send(
                "PUT", "/system/functions", body: function(1).body, headers: fields)
            #expect(answer.status == 400 && answer.message.contains("Osiris-Fence"))
            #expect(try await hub.client.send("GET", "/system/functions").text == "[]")
        }
    }
}
