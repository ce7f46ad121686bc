import Foundation

/// Two file actions of posix_spawn that glibc (2.29, 2.34) and musl (1.1.24) have but whose headers hide from Swift.
///
/// They are looked up by name; where the C library lacks one, the launch fails rather than leak descriptors.
enum SpawnExtensions {
    private typealias Chdir =
        @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> CInt
    private typealias CloseFrom = @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, CInt) -> CInt

    /// Changes to a folder in the child.
    static func addChdir(_ actions: inout posix_spawn_file_actions_t, _ folder: String) throws {
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addchdir_np") else { throw POSIXError(.ENOSYS) }
        let function = unsafeBitCast(symbol, to: Chdir.self)
        guard function(&actions, folder) == 0 else { throw POSIXError(.ENOMEM) }
    }

    /// Closes every descriptor from `lowest` on in the child.
    static func addCloseFrom(_ actions: inout posix_spawn_file_actions_t, _ lowest: Int32) throws {
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { throw POSIXError(.ENOSYS) }
        let function = unsafeBitCast(symbol, to: CloseFrom.self)
        guard function(&actions, lowest) == 0 else { throw POSIXError(.ENOMEM) }
    }
}
