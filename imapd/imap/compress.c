/* COMPRESS=DEFLATE (RFC 4978). The bytes are lib/net's (net/deflate.h). */
#include "base/log.h"
#include "imap/command.h"

enum outcome command_compress(struct session *s, struct parser *p) {
    struct str algorithm;
    if (!parse_space(p) || !parse_atom(p, &algorithm) || !parse_end(p))
        return session_syntax(s, p);
    if (!str_ieq(algorithm, STR("DEFLATE")))
        return session_bad(s, "The only compression here is DEFLATE");
    if (conn_is_deflated(s->conn))
        return session_bad(s, "[COMPRESSIONACTIVE] Compression is on already");
    log_debug("imap %s: compresses", conn_peer(s->conn));
    s->layer = STEP_DEFLATE;
    return session_ok(s, "DEFLATE active");
}
