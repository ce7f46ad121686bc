// Swift cannot call variadic C functions: one typed wrapper per argument type of
// curl_easy_setopt and curl_easy_getinfo (https://curl.se/libcurl/c/curl_easy_setopt.html).
#include <curl/curl.h>

typedef size_t (*osiris_curl_data_callback)(char *data, size_t size, size_t count, void *context);
typedef int (*osiris_curl_before_callback)(void *context, char *remote, char *local, int remote_port, int local_port);

static inline CURLcode osiris_curl_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode osiris_curl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode osiris_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode osiris_curl_set_callback(CURL *easy, CURLoption option, osiris_curl_data_callback value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode osiris_curl_set_before(CURL *easy, CURLoption option, osiris_curl_before_callback value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode osiris_curl_set_opening(CURL *easy, CURLoption option, curl_opensocket_callback value) {
    return curl_easy_setopt(easy, option, value);
}

// libcurl keeps a copy.
static inline CURLcode osiris_curl_set_bytes(CURL *easy, CURLoption option, const void *bytes, size_t count) {
    struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
    return curl_easy_setopt(easy, option, &blob);
}

static inline CURLcode osiris_curl_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode osiris_curl_get_pointer(CURL *easy, CURLINFO info, void **value) {
    return curl_easy_getinfo(easy, info, value);
}

// The multi handle's options (https://curl.se/libcurl/c/curl_multi_setopt.html) and the outcome of a transfer, whose
// union Swift would otherwise have to read field by field.
static inline CURLMcode osiris_curl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLcode osiris_curl_message_result(const CURLMsg *message) { return message->data.result; }
