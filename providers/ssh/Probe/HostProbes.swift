import Foundation
import OsirisModel
import OsirisTransport

/// Looks at hosts, once for each host and run, however many ask.
public actor HostProbes {
    private let sessions: SSHSessions
    private var looks: [HostPlace: Task<HostFacts, any Error>] = [:]

    public init(sessions: SSHSessions) { self.sessions = sessions }

    /// What the host is and has, by one login and one command. A failure is not kept: who asks later looks again.
    public func facts(_ place: HostPlace) async -> Result<HostFacts, SSHError> {
        let look = looks[place] ?? Task { try await Self.look(at: place, sessions) }
        looks[place] = look
        do {
            return .success(try await look.value)
        } catch {
            if looks[place] == look { looks[place] = nil }
            return .failure(error as? SSHError ?? SSHError(.lost, place.route.text, "the look was cancelled"))
        }
    }

    /// The next who asks looks anew; for after a change.
    public func forget(_ place: HostPlace) { looks[place] = nil }

    /// Longest time: a look takes a few hundredths of a second, on a machine with nothing else to do.
    private static let patience = Duration.seconds(60)

    private static func look(at place: HostPlace, _ sessions: SSHSessions) async throws -> HostFacts {
        let connection = try await sessions.connection(to: place.route)
        do {
            return try await look(at: place, connection, as: place.elevation)
        } catch let error as SSHError where error.kind == .elevation {
            // What can be seen without rights, so that one run tells every fault.
            var facts = try await look(at: place, connection, as: .none)
            facts.rights = .none(reason: error.reason, help: error.help)
            return facts
        }
    }

    private static func look(
        at place: HostPlace, _ connection: SSHConnection, as elevation: SSHElevation
    ) async throws -> HostFacts {
        let began = Date().timeIntervalSince1970
        let result = try await connection.run(
            script: String(decoding: PackageResources.probe_sh, as: UTF8.self), as: elevation,
            arguments: [place.folder], timeout: patience)
        guard let facts = HostFacts(result.output, began: began, ended: Date().timeIntervalSince1970) else {
            let words = String(decoding: result.errors.suffix(300), as: UTF8.self).split(whereSeparator: \.isNewline)
            throw SSHError(
                .notAllowed, place.route.text,
                "it cannot be looked at: \(words.isEmpty ? "its shell wrote no facts" : words.joined(separator: "; "))",
                help: "the user's shell must be one like sh, bash or dash, and write nothing by itself")
        }
        return facts
    }
}
