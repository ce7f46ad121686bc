@testable import OsirisTransport

/// Python's HTTP server with TLS on two loopback ports, one of which wants a client certificate; each request is answered
/// with the number of connections so far. Certificates are made by `openssl`.
final class TLSServer: Sendable {
    let base: String
    /// Wants a certificate of the authority `ca`.
    let strictBase: String
    private let program: PythonProgram
    var folder: String { program.folder }

    private static let script = """
        import http.server, os, socketserver, ssl, subprocess, sys, threading
        def openssl(*words): subprocess.run(["openssl", *words], check=True, capture_output=True)
        new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        open("names", "w").write("subjectAltName=IP:127.0.0.1")
        for ca in ("ca", "other"):
            openssl(*new, "-x509", "-days", "2", "-subj", "/CN=" + ca, "-keyout", ca + ".key", "-out", ca + ".pem")
        for name, ca in (("server", "ca"), ("client", "ca"), ("stranger", "other")):
            openssl(*new, "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".csr")
            openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-CAcreateserial",
                    "-days", "2", "-extfile", "names", "-out", name + ".pem")
        connections = [0]
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def log_message(self, *words): pass
            def setup(self):
                connections[0] += 1
                try: self.request.do_handshake()
                except ssl.SSLError:
                    # The client reads why before the connection ends: what it sent meanwhile is taken off first.
                    while os.read(self.request.fileno(), 65536): pass
                    raise
                super().setup()
            def do_GET(self):
                body = str(connections[0]).encode()
                self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
                self.wfile.write(body)
        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            def handle_error(self, *words): pass
        ports = []
        for strict in (False, True):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("server.pem", "server.key")
            if strict: context.verify_mode = ssl.CERT_REQUIRED; context.load_verify_locations("ca.pem")
            if len(sys.argv) > 2: context.maximum_version = ssl.TLSVersion.TLSv1_2
            server = Server(("127.0.0.1", 0), Handler)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            ports.append(str(server.server_port))
            threading.Thread(target=server.serve_forever, daemon=True).start()
        open("ports.new", "w").write(" ".join(ports)); os.rename("ports.new", "ports")
        threading.Event().wait()
        """

    init(upToTLS12: Bool = false) async throws {
        program = try PythonProgram(Self.script, upToTLS12 ? ["1.2"] : [])
        let ports = try await program.text(of: "ports").split(separator: " ")
        (base, strictBase) = ("https://127.0.0.1:\(ports[0])", "https://127.0.0.1:\(ports[1])")
    }

    /// Trusts `authority`, and shows the certificate of `client`.
    func files(_ authority: String?, client: String? = nil) -> TLSFiles {
        TLSFiles(
            authorities: authority.map { "\(folder)/\($0).pem" }, certificate: client.map { "\(folder)/\($0).pem" },
            key: client.map { "\(folder)/\($0).key" })
    }
}
