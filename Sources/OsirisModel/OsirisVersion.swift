/// The version of osiris and of the hub it installs: the two are released together.
public enum OsirisVersion {
    /// Semantic version (https://semver.org).
    public static let current = "0.1.0"
}
