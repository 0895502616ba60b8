/* fuzz: lib */
#include "net/proxy.h"
#include "net/sockaddr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* However the bytes come in pieces, the verdict is the same, and the length asked for only grows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sockaddr_storage whole = {0}, piecewise = {0};
    size_t length, before = 0;
    char text[SOCKADDR_TEXT];
    enum proxy_result want = proxy_parse(str_n(data, size), &length, &whole), got = PROXY_MORE;
    for (size_t n = 0; n <= size && got == PROXY_MORE; n++) {
        got = proxy_parse(str_n(data, n), &length, &piecewise);
        if (length < before || length > 16 + 65535 || (got == PROXY_DONE && length != n))
            abort();
        before = length;
    }
    if (got != want || memcmp(&whole, &piecewise, sizeof whole) != 0)
        abort();
    sockaddr_text(&whole, text);
    return 0;
}
