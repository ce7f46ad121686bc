import CLibCrypto

/// One AES-256-GCM operation: https://docs.openssl.org/3.0/man3/EVP_EncryptInit/#gcm-and-ocb-modes.
///
/// Owned by one function call and never shared; its context is freed when it goes out of scope.
struct GCM: ~Copyable {
    private let context: OpaquePointer

    init(key: [UInt8], nonce: [UInt8], encrypts: Bool) throws(SealingError) {
        guard let context = EVP_CIPHER_CTX_new() else { throw .library("EVP_CIPHER_CTX_new") }
        // EVP's own default nonce length for GCM is 12 bytes, which is ours.
        guard EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce, encrypts ? 1 : 0) == 1 else {
            EVP_CIPHER_CTX_free(context)
            throw .library("EVP_CipherInit_ex")
        }
        self.context = context
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// Binds `data` to the tag without encrypting it.
    func authenticate(_ data: [UInt8]) throws(SealingError) {
        var length: Int32 = 0
        guard data.isEmpty || EVP_CipherUpdate(context, nil, &length, data, Int32(data.count)) == 1 else {
            throw .library("EVP_CipherUpdate")
        }
    }

    func update(_ input: [UInt8]) throws(SealingError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: input.count)
        var length: Int32 = 0
        guard input.isEmpty || EVP_CipherUpdate(context, &output, &length, input, Int32(input.count)) == 1 else {
            throw .library("EVP_CipherUpdate")
        }
        return output
    }

    func expect(tag: [UInt8]) throws(SealingError) {
        var tag = tag
        guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1 else {
            throw .library("EVP_CTRL_AEAD_SET_TAG")
        }
    }

    /// Ends the operation; when decrypting, fails if the tag does not fit.
    func finish() throws(SealingError) {
        var rest = [UInt8](repeating: 0, count: 16)
        var length: Int32 = 0
        guard EVP_CipherFinal_ex(context, &rest, &length) == 1 else { throw .library("EVP_CipherFinal_ex") }
    }

    func tag() throws(SealingError) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: Sealer.tagLength)
        guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), &tag) == 1 else {
            throw .library("EVP_CTRL_AEAD_GET_TAG")
        }
        return tag
    }
}
