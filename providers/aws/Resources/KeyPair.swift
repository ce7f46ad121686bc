import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The `keyPair` type: the public key that may log in on the instances. Its private half is never here.
struct KeyPair: EC2Handler {
    static let type = ResourceType(
        name: "keyPair", doc: "The public key that may log in on the instances of a target.",
        schema: .ec2([
            Field(
                "name", .string, required: true, forcesReplacement: true,
                // Made from the target's name, which may be another by now; another key is another pair in any case.
                keeps: { _, _ in true },
                doc: "Its name, one of its kind in the region."),
            Field("publicKey", .string, required: true, forcesReplacement: true, doc: "As in `authorized_keys`."),
        ]))

    let ec2: EC2
    let kind = EC2Kind.keyPair
    var type: ResourceType { Self.type }

    func attributes(_ item: XMLNode, recorded: Attributes) -> Attributes {
        // EC2 may put a comment behind it.
        let key = item.word("publicKey").map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
        return [
            "name": .string(item.text("keyName") ?? ""),
            "publicKey": key.map(Value.string) ?? recorded["publicKey"] ?? .string(""),
        ]
    }

    func make(_ step: EC2Step) async throws -> (id: String, attributes: Attributes) {
        var parameters = QueryParameters()
        parameters["KeyName"] = step["name"]
        parameters["PublicKeyMaterial"] = Data(step["publicKey"].utf8).base64EncodedString()
        parameters.tags(kind.tagged, step.tags)
        return try await step.make("ImportKeyPair", parameters, "keyPairId")
    }

    func bring(_ step: EC2Step, _ id: String, from present: Attributes) async throws -> Attributes {
        step.request.planned
    }

    func remove(_ step: EC2Step, _ id: String) async throws {
        var parameters = QueryParameters()
        // By its name, which nobody else can take while it is there.
        if let name = step.request.prior["name"]?.stringValue { parameters["KeyName"] = name }
        try await step.call("DeleteKeyPair", parameters, isRemoval: true)
    }
}
