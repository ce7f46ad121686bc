import Foundation
import OsirisModel
import OsirisProviderKit
import OsirisTransport

/// The `instance` type: one machine.
struct Instance: EC2Handler {
    static let type = ResourceType(
        name: "instance", doc: "One machine of a target.",
        schema: .ec2(
            [
                Field(
                    "image", .string, required: true, forcesReplacement: true,
                    doc: "The image, as the manifest names it. What it leads to is looked up when the instance is made."
                ),
                Field(
                    "type", .string, required: true, doc: "Its size; a change stops the instance and starts it again."),
                Field("subnet", .string, required: true, forcesReplacement: true, doc: "The subnet it is in."),
                Field(
                    "securityGroups", .list(of: .string), required: true, unordered: true, doc: "Who may connect to it."
                ),
                Field("key", .string, forcesReplacement: true, doc: "Name of the key pair that may log in."),
                Field(
                    "publicAddress", .bool, forcesReplacement: true,
                    doc: "True if it has an address on the internet; absent when it has none."),
                Field("disk", .size, doc: "Size of its disk, which can grow; absent: what the image has."),
            ] + InstanceMetadata.fields + [
                Field(
                    "status", .choice(["running", "stopped", "pending", "stopping"]), default: "running",
                    doc: "An instance is meant to run."),
                Field(
                    "boot", .string, onlyWhenMade: true,
                    doc: "What it brings by itself at its first start; later it is brought and changed over SSH."),
                Field(
                    "imageId", .string, role: .computed, doc: "The image it was made from.",
                    example: "ami-0123456789abcdef0"),
                Field("zone", .string, role: .computed, doc: "Its availability zone."),
                Field("privateIP", .string, role: .computed, doc: "Its address in the network."),
                Field(
                    HostMachines.addressAttribute, .string, role: .computed, changesWith: ["type", "status"],
                    volatile: true,
                    doc: "Where it is reached: its address on the internet, another one after a stop, else `privateIP`."
                ),
            ]), takesAllWithIt: true,
        // Stopped and started again, each of which is waited for.
        outage: .init(update: Pace().instance * 2, interruptedBy: ["type", "status"]), perSlot: Launches.most)

    let ec2: EC2
    let images: Images
    let firstBoot: (any FirstBoot)?
    let kind = EC2Kind.instance
    var type: ResourceType { Self.type }

    /// A tag with the image's name in the manifest, which EC2 does not know.
    static let imageTag = "osiris:image"
    static let bootTag = "osiris:boot"

    // MARK: Reading

    func hasEnded(_ item: XMLNode) -> Bool {
        ["shutting-down", "terminated"].contains(item.text("instanceState/name") ?? "")
    }

    func attributes(_ item: XMLNode, recorded: Attributes) -> Attributes {
        let tags = item.tags
        let status = item.text("instanceState/name") ?? "pending"
        var found: Attributes = [
            "type": .string(item.text("instanceType") ?? ""), "subnet": .string(item.text("subnetId") ?? ""),
            "securityGroups": .list(
                item.items("groupSet").compactMap { $0.text("groupId") }.map(Value.string)),
            "status": .string(status),
        ]
        found.merge(InstanceMetadata.attributes(item)) { $1 }
        found["image"] =
            tags[Self.imageTag].map(Value.string) ?? recorded["image"] ?? item.text("imageId").map(Value.string)
        found["boot"] = tags[Self.bootTag].map(Value.string)
        found["key"] = item.word("keyName").map(Value.string)
        for (name, path) in [
            ("imageId", "imageId"), ("zone", "placement/availabilityZone"), ("privateIP", "privateIpAddress"),
        ] {
            found[name] = item.word(path).map(Value.string)
        }
        // While it does not run it has none, whatever it was launched with.
        let address = item.word("ipAddress")
        let hasAddress = address != nil || (status != "running" && recorded["publicAddress"] == true)
        found["publicAddress"] = hasAddress ? true : nil
        found[HostMachines.addressAttribute] = (address ?? item.word("privateIpAddress")).map(Value.string)
        return found
    }

    func more(_ requests: [Attributes], _ question: Listings.Question) async throws -> [String: Attributes] {
        guard requests.contains(where: { $0["disk"] != nil && $0["disk"] != .null }) else { return [:] }
        return try await InstanceDisk(ec2: ec2).sizes(question.place, of: question.cluster)
            .mapValues { ["disk": InstanceDisk.value($0)] }
    }

    // MARK: Changing

    func make(_ step: EC2Step) async throws -> (id: String, attributes: Attributes) {
        let planned = step.request.planned
        let image = try await step.heard {
            try await images.find(step["image"], type: step["type"], at: step.place, for: step.request.address)
        }
        var tags = step.ownTags
        tags[Self.imageTag] = step["image"]
        tags[Self.bootTag] = planned["boot"]?.stringValue
        var parameters: QueryParameters = [
            "ImageId": image.id, "InstanceType": step["type"], "SubnetId": step["subnet"],
        ]
        for (name, value) in InstanceMetadata.options(planned) { parameters["MetadataOptions.\(name)"] = value }
        parameters.list("SecurityGroupId", planned["securityGroups"]?.listValue?.compactMap(\.stringValue) ?? [])
        parameters["KeyName"] = planned["key"]?.stringValue
        if let disk = InstanceDisk.bytes(planned) {
            parameters["BlockDeviceMapping.1.DeviceName"] = image.rootDevice
            parameters["BlockDeviceMapping.1.Ebs.VolumeSize"] = String(disk >> 30)
            parameters["BlockDeviceMapping.1.Ebs.VolumeType"] = "gp3"
            parameters["BlockDeviceMapping.1.Ebs.DeleteOnTermination"] = "true"
        }
        let script = planned["boot"] == nil ? nil : try firstBoot?.script(for: step.request)
        let id = try await step.launch(parameters, tags, script)
        var made = planned
        made["status"] = "pending"
        return (id, made)
    }

    func bring(_ step: EC2Step, _ id: String, from present: Attributes) async throws -> Attributes {
        let planned = step.request.planned
        if isAsPlanned(present, planned) { return present.merging(planned) { $1 } }
        if differ("securityGroups", present, planned) {
            var parameters: QueryParameters = ["InstanceId": id]
            parameters.list("GroupId", planned["securityGroups"]?.listValue?.compactMap(\.stringValue) ?? [])
            try await step.call("ModifyInstanceAttribute", parameters)
        }
        let options = InstanceMetadata.fields.map(\.name).filter { differ($0, present, planned) }
        if !options.isEmpty {
            var parameters: QueryParameters = ["InstanceId": id]
            for (name, value) in InstanceMetadata.options(planned) { parameters[name] = value }
            try await step.call("ModifyInstanceMetadataOptions", parameters)
        }
        // A new one has it from its launch.
        if !step.request.prior.isEmpty {
            try await InstanceDisk(ec2: ec2).grow(step, id, from: InstanceDisk.bytes(present))
        }
        var status = present["status"]?.stringValue ?? "running"
        if present["type"] != planned["type"] {
            if status != "stopped" { try await stop(step, id) }
            try await step.call("ModifyInstanceAttribute", ["InstanceId": id, "InstanceType.Value": step["type"]])
            status = "stopped"
        }
        if status == "stopping" { try await InstanceWait(self, step, id).until("stopped") }
        if status == "stopping" || status == "stopped" {
            try await step.call("StartInstances", ["InstanceId.1": id])
        }
        let needsAddress = planned["publicAddress"] == true
        let item = try await InstanceWait(self, step, id).until("running") { item in
            // Changed options of the metadata service are listed as they were until they are applied.
            let listed = InstanceMetadata.attributes(item)
            return (!needsAddress || item.word("ipAddress") != nil)
                && !options.contains { differ($0, listed, planned) }
        }
        var found = attributes(item, recorded: planned)
        for name in ["disk", "image"] { found[name] = planned[name] }
        return found
    }

    /// True if only its tags may be others.
    private func isAsPlanned(_ present: Attributes, _ planned: Attributes) -> Bool {
        type.schema.fields.allSatisfy { field in
            field.role != .argument || ["tags", "marked"].contains(field.name) || !differ(field.name, present, planned)
        }
    }

    private func differ(_ name: String, _ present: Attributes, _ planned: Attributes) -> Bool {
        guard let field = type.schema[name] else { return false }
        let values = [present[name], planned[name]].map { field.canonical($0 ?? field.defaultValue ?? .null) }
        return values[0] != values[1]
    }

    private func stop(_ step: EC2Step, _ id: String) async throws {
        step.request.progress("stopping it, as its type can only change then")
        try await step.call("StopInstances", ["InstanceId.1": id])
        try await InstanceWait(self, step, id).until("stopped")
    }

    func remove(_ step: EC2Step, _ id: String) async throws {
        do {
            try await step.heard { try await ec2.terminations.add(id, to: step.place) }
        } catch let error as AWSError where error.isNotFound {
            // One that is gone refuses the call for all of them.
            try await step.call("TerminateInstances", ["InstanceId.1": id], isRemoval: true)
        } catch let error as AWSError {
            throw step.failure(error)
        }
        step.request.progress("waiting until it has ended")
        try await InstanceWait(self, step, id).untilGone()
    }
}
