import OsirisTransport

/// Where a bucket is.
struct S3StoreSettings: Sendable {
    private static let service = AWSServiceName(host: "s3")

    let address: SharedStoreAddress
    /// Of the bucket, without a slash at its end.
    let base: String
    let region: String

    /// - Parameter settings: the region and the endpoint, as Amazon's own tools find them; `us-east-1` if there is none.
    init(_ address: SharedStoreAddress, _ settings: AWSSettings) throws(SharedStoreError) {
        self.address = address
        let bucket = address.authority
        let allowed = "abcdefghijklmnopqrstuvwxyz0123456789.-"
        guard (3...63).contains(bucket.utf8.count), bucket.allSatisfy(allowed.contains) else {
            throw SharedStoreError(
                .other, "\(address.text) does not begin with the name of a bucket",
                help: "a bucket's name has 3 to 63 lower-case letters, digits, `.` and `-`")
        }
        region = settings.region(profile: nil) ?? "us-east-1"
        guard AWSServiceName.isRegion(region) else {
            throw SharedStoreError(.other, "AWS_REGION is not the name of a region", help: "such as eu-central-1")
        }
        if let endpoint = settings.configuredEndpoint(Self.service, profile: nil) {
            guard AWSServiceName.isEndpoint(endpoint) else {
                throw SharedStoreError(
                    .other, "the endpoint URL for \(address.text) is malformed",
                    help: "set AWS_ENDPOINT_URL_S3 to http://HOST:PORT or https://HOST:PORT")
            }
            base = "\(endpoint)/\(bucket)"
        } else {
            let own = Self.service.endpoint(region: region)
            // A wildcard certificate covers one label, so a bucket with dots cannot be part of the name.
            base = bucket.contains(".") ? "\(own)/\(bucket)" : own.replacing("https://", with: "https://\(bucket).")
        }
    }
}
