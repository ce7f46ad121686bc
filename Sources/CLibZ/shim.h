#include <zlib.h>

// Swift cannot call macros that are more than a number.
static inline int osiris_deflate_begin(z_stream *stream, int level, int window_bits) {
    return deflateInit2(stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
}
