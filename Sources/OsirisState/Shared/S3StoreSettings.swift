import OsirisTransport

/// Where a bucket is and who to be there.
struct S3StoreSettings: Sendable {
    let address: SharedStoreAddress
    /// Of the bucket, without a slash at its end.
    let base: String
    let signing: AWSSigning

    /// - Parameters:
    ///   - environment: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_DEFAULT_REGION`, and what
    ///     `S3StoreCredentials` reads, as Amazon's own tools have them
    ///     (https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html).
    ///   - home: the folder of `.aws/credentials`.
    init(_ address: SharedStoreAddress, environment: [String: String], home: String) throws(SharedStoreError) {
        func variable(_ names: String...) -> String? { names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty } }
        self.address = address
        let bucket = address.authority
        let allowed = "abcdefghijklmnopqrstuvwxyz0123456789.-"
        guard (3...63).contains(bucket.utf8.count), bucket.allSatisfy(allowed.contains) else {
            throw SharedStoreError(
                .other, "\(address.text) does not begin with the name of a bucket",
                help: "a bucket's name has 3 to 63 lower-case letters, digits, `.` and `-`")
        }
        let region = variable("AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1"
        // Both go into addresses and the signing's one setting, whose parts colons divide.
        guard region.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) else {
            throw SharedStoreError(.other, "AWS_REGION is not the name of a region", help: "such as eu-central-1")
        }
        if let endpoint = variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") {
            guard endpoint.hasPrefix("http://") || endpoint.hasPrefix("https://"),
                !endpoint.contains(where: { "@?#".contains($0) })
            else {
                throw SharedStoreError(
                    .other, "the endpoint URL for \(address.text) is malformed",
                    help: "set AWS_ENDPOINT_URL_S3 to http://HOST:PORT or https://HOST:PORT")
            }
            base = "\(endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint)/\(bucket)"
        } else {
            let host = "s3.\(region).amazonaws.com" + (region.hasPrefix("cn-") ? ".cn" : "")
            // A wildcard certificate covers one label, so a bucket with dots cannot be part of the name.
            base = bucket.contains(".") ? "https://\(host)/\(bucket)" : "https://\(bucket).\(host)"
        }
        let credentials = try S3StoreCredentials(environment: environment, home: home, location: address.text)
        signing = AWSSigning(
            accessKey: credentials.accessKey, secretKey: credentials.secretKey,
            sessionToken: credentials.sessionToken, region: region, service: "s3")
    }
}
