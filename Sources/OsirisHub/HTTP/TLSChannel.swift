import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL

/// A connection with TLS: the handshake with the certificate of that moment, then the connection as it would be without.
///
/// HummingbirdTLS has the same with one certificate for the server's whole life.
struct TLSChannel<Base: ServerChildChannel>: ServerChildChannel {
    typealias Value = Base.Value

    let base: Base
    let certificate: ServerCertificate

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificate.context))
        }
        .flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

extension HTTPServerBuilder {
    /// A connection without a request ends after this time, so that nobody hoards them.
    private static let connection = HTTP1Channel.Configuration(
        additionalChannelHandlers: [ContinueHandler(), LastRequestHandler()], idleTimeout: .seconds(60))

    /// HTTP/1.1.
    static func plain() -> HTTPServerBuilder { .http1(configuration: connection) }

    /// HTTP/1.1 in TLS.
    static func tls(_ certificate: ServerCertificate) -> HTTPServerBuilder {
        HTTPServerBuilder {
            TLSChannel(base: HTTP1Channel(responder: $0, configuration: connection), certificate: certificate)
        }
    }
}
