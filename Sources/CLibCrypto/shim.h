#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

// Swift cannot call variadic functions, nor macros that are more than a number.
static inline EVP_PKEY *osiris_make_p256_key(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"); }
static inline EVP_PKEY *osiris_make_ed25519_key(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); }

static inline long osiris_bio_bytes(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }
