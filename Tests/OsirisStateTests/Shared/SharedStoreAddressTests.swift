import Foundation
import OsirisModel
import OsirisTransport
import Testing

@testable import OsirisState

/// URLs and environments, without any service.
@Suite struct SharedStoreAddressTests {
    @Test(arguments: [
        "", "state.db", "/a/state.db", "s3:/bucket", "http://host/a", "s3://", "etcd:///edge", "s3://bucket/a b",
        "s3://bucket/ä", "etcd://h/a?b=c", "etcd://ada:CANARY@h:2379/edge",
    ])
    func whatIsNoURLIsRefused(text: String) {
        let error = #expect(throws: SharedStoreError.self) { _ = try SharedStoreAddress(text) }
        #expect(error?.kind == .other && error?.help != nil)
        #expect(!String(reflecting: error).contains("CANARY"))
    }

    @Test func aPathIsNoAddress() {
        for path in ["state.db", "/var/state", "a://b", "C:/x"] { #expect(!SharedStoreAddress.matches(path)) }
        for text in ["s3://", "s3://b/p", "etcd://x", "etcds://x"] { #expect(SharedStoreAddress.matches(text)) }
    }

    @Test func theLocationIsTheURL() throws {
        for text in ["s3://bucket/edge", "s3://bucket", "etcd://h1:2379,h2:2379/edge/prod", "etcds://h/edge"] {
            #expect(try SharedStoreAddress(text).text == text)
        }
        #expect(try SharedStoreAddress("s3://bucket//edge//prod/").text == "s3://bucket/edge/prod")
        let address = try SharedStoreAddress("s3://bucket/edge")
        #expect(address.key("log/1") == "edge/log/1" && address.relative("edge/log/1") == "log/1")
        #expect(try SharedStoreAddress("s3://bucket").relative("log/1") == "log/1")
    }

    @Test func etcdsHostsAndFiles() throws {
        let plain = try EtcdStoreSettings(
            SharedStoreAddress("etcd://h1:1,h2,[::1]:3,[::1]/edge"), environment: ["ETCDCTL_CACERT": "/ca"])
        #expect(plain.endpoints == ["http://h1:1", "http://h2:2379", "http://[::1]:3", "http://[::1]:2379"])
        #expect(plain.tls == nil && plain.user == nil)
        let secure = try EtcdStoreSettings(
            SharedStoreAddress("etcds://h1/edge"),
            environment: [
                "ETCDCTL_CACERT": "/ca", "ETCDCTL_CERT": "/cert", "ETCDCTL_KEY": "/key", "ETCDCTL_USER": "ada:CANARY:x",
            ])
        #expect(secure.tls == TLSFiles(authorities: "/ca", certificate: "/cert", key: "/key"))
        #expect(secure.user?.name == "ada" && secure.user?.password == "CANARY:x")
        var text = ""
        dump(secure, to: &text)
        #expect(!text.contains("CANARY"))
        for environment in [["ETCDCTL_CERT": "/cert"], ["ETCDCTL_USER": "ada"]] {
            let error = #expect(throws: SharedStoreError.self) {
                _ = try EtcdStoreSettings(SharedStoreAddress("etcds://h/edge"), environment: environment)
            }
            #expect(error?.help != nil)
        }
        #expect(throws: SharedStoreError.self) {
            _ = try EtcdStoreSettings(SharedStoreAddress("etcd://a,,b/edge"), environment: [:])
        }
    }

    @Test(arguments: [
        ("s3://bucket/a", [:], "https://bucket.s3.us-east-1.amazonaws.com"),
        ("s3://bucket/a", ["AWS_DEFAULT_REGION": "eu-west-1"], "https://bucket.s3.eu-west-1.amazonaws.com"),
        (
            "s3://bucket/a", ["AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "cn-north-1"],
            "https://bucket.s3.cn-north-1.amazonaws.com.cn"
        ),
        ("s3://my.bucket/a", [:], "https://s3.us-east-1.amazonaws.com/my.bucket"),
        ("s3://bucket/a", ["AWS_ENDPOINT_URL": "http://h:9000/"], "http://h:9000/bucket"),
        (
            "s3://bucket/a", ["AWS_ENDPOINT_URL": "http://h:9000", "AWS_ENDPOINT_URL_S3": "https://s3.example"],
            "https://s3.example/bucket"
        ),
    ])
    func s3sEndpoints(text: String, environment: [String: String], base: String) throws {
        let settings = try S3StoreSettings(
            SharedStoreAddress(text), AWSSettings(environment: environment, home: "/none"))
        #expect(settings.base == base)
    }

    @Test(arguments: [
        ("s3://Bucket/a", [:]), ("s3://b/a", [:]), ("s3://bucket/a", ["AWS_REGION": "x:y"]),
        ("s3://bucket/a", ["AWS_ENDPOINT_URL": "h:9000"]),
        ("s3://bucket/a", ["AWS_ENDPOINT_URL": "http://ada:CANARY@h"]),
    ])
    func s3sFaults(text: String, environment: [String: String]) throws {
        let error = #expect(throws: SharedStoreError.self) {
            _ = try S3StoreSettings(
                SharedStoreAddress(text), AWSSettings(environment: environment, home: "/none"))
        }
        #expect(error?.kind == .other && !String(reflecting: error).contains("CANARY"))
    }
}
