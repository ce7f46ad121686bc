import Foundation
import Testing

@testable import OsirisHub

/// A server of its own process on loopback that writes down what it is sent and answers from a list.
final class TestListener: Sendable {
    struct Reply: Encodable {
        var status = 200
        var headers: [String: String] = [:]
        /// Length of the answer's body.
        var bytes = 0
    }

    struct Received: Decodable {
        var method: String
        var path: String
        /// Names in lower case.
        var headers: [String: String]
        var body: String
    }

    let folder: String
    let url: String

    private init(folder: String, port: Int) {
        self.folder = folder
        url = "http://127.0.0.1:\(port)"
    }

    private static let script = """
        import http.server, json, os, sys, threading, time
        folder, replies = sys.argv[1], json.loads(sys.argv[2])
        lock, served = threading.Lock(), [0]
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def log_message(self, *words): pass
            def serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                # A client that was killed between head and body has sent no request.
                if len(body.encode()) < length:
                    self.close_connection = True
                    return
                note = {"method": self.command, "path": self.path, "body": body,
                        "headers": {n.lower(): v for n, v in self.headers.items()}}
                with lock:
                    reply = replies[min(served[0], len(replies) - 1)]
                    served[0] += 1
                    with open(folder + "/received", "a") as file: file.write(json.dumps(note) + "\\n")
                while os.path.exists(folder + "/hold"): time.sleep(0.01)
                self.send_response(reply["status"])
                for name, value in reply["headers"].items(): self.send_header(name, value)
                self.send_header("Content-Length", str(reply["bytes"]))
                self.end_headers()
                try: self.wfile.write(b"x" * reply["bytes"])
                except OSError: self.close_connection = True
            do_GET = do_POST = do_PUT = do_DELETE = serve
        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 512
            # A client that hangs up is no fault here.
            def handle_error(self, request, address): pass
        server = Server(("127.0.0.1", 0), Handler)
        with open(folder + "/port.new", "w") as file: file.write(str(server.server_port))
        os.rename(folder + "/port.new", folder + "/port")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
        """

    /// - Parameter answers: to the requests in their order; the last one also to all after it.
    static func with(answers: [Reply] = [Reply()], _ test: (TestListener) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "osiris-listener-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = [
            "python3", "-c", script, folder, String(decoding: try JSONEncoder().encode(answers), as: UTF8.self),
        ]
        // It ends with its input, also when the tests are killed.
        let input = Pipe()
        python.standardInput = input
        try python.run()
        defer { try? input.fileHandleForWriting.close() }
        try await eventually("the listener listens") { FileManager.default.fileExists(atPath: folder + "/port") }
        let port = Int(try String(contentsOfFile: folder + "/port", encoding: .utf8)) ?? 0
        try await test(TestListener(folder: folder, port: port))
    }

    /// Answers nobody until `release`. Requests are written down all the same.
    func hold() { _ = FileManager.default.createFile(atPath: folder + "/hold", contents: nil) }

    func release() { unlink(folder + "/hold") }

    /// What has arrived so far.
    func received() throws -> [Received] {
        guard let text = try? String(contentsOfFile: folder + "/received", encoding: .utf8) else { return [] }
        // The last line may be half written.
        return try text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map {
            try JSONDecoder().decode(Received.self, from: Data($0.utf8))
        }
    }
}
