#include "hops/hops.h"

#include "base/clock.h"
#include "mime/mime.h"

enum { KEPT = 200 }; /* Delivered-To and From fields looked at */

/* An address literal in Received (RFC 5321 section 4.1.3). */
static void add_peer(const struct hops_hop *hop, struct buf *out) {
    if (strcmp(hop->peer, "unix") == 0) {
        if (hop->local_user >= 0)
            buf_printf(out, "(local user %lld)", (long long)hop->local_user);
        else
            buf_add_c(out, "(local)");
    } else {
        buf_printf(out, "(%s%s[%s%s])", hop->name ? hop->name : "", hop->name ? " " : "",
                   strchr(hop->peer, ':') ? "IPv6:" : "", hop->peer);
    }
}

void hops_received(const struct hops_hop *hop, struct buf *out) {
    buf_add_c(out, "Received: from ");
    if (hop->hidden) {
        buf_add_c(out, "localhost (authenticated user)");
    } else {
        buf_add_str(out, hop->helo.n ? hop->helo : STR("unknown"));
        buf_add_byte(out, ' ');
        add_peer(hop, out);
    }
    buf_add_c(out, "\r\n\tby ");
    buf_add_c(out, hop->hostname);
    buf_add_c(out, " (Mansio) with ");
    buf_add_c(out, hop->with);
    buf_add_c(out, " id ");
    buf_add_c(out, hop->id);
    if (*hop->tls_version)
        buf_printf(out, "\r\n\t(%s %s)", hop->tls_version, hop->tls_cipher);
    if (hop->recipient.p) {
        buf_add_c(out, "\r\n\tfor <");
        buf_add_str(out, hop->recipient);
        buf_add_byte(out, '>');
    }
    buf_add_c(out, ";\r\n\t");
    clock_rfc5322(hop->at, out);
    buf_add_c(out, "\r\n");
}

struct str hops_prefix(struct arena *a, struct str sender, struct str recipient) {
    static const char return_path[] = "Return-Path: <", delivered_to[] = ">\r\nDelivered-To: ";
    size_t n = sizeof return_path - 1 + sender.n + sizeof delivered_to - 1 + recipient.n + 2;
    char *p = arena_alloc(a, n + 1), *at = p;
    at = mempcpy(at, return_path, sizeof return_path - 1);
    at = sender.n ? mempcpy(at, sender.p, sender.n) : at;
    at = mempcpy(at, delivered_to, sizeof delivered_to - 1);
    at = recipient.n ? mempcpy(at, recipient.p, recipient.n) : at;
    memcpy(at, "\r\n", 2);
    return str_n(p, n);
}

/* Appends to an array of at most KEPT, made when first needed. */
static void keep(struct arena *a, struct str **at, size_t *count, struct str s) {
    if (!*at)
        *at = arena_array(a, KEPT, sizeof **at);
    if (*count < KEPT)
        (*at)[(*count)++] = s;
}

void hops_read(struct arena *a, struct str message, struct hops_header *out) {
    *out = (struct hops_header){0};
    struct str header = message;
    struct mime_field f;
    while (mime_next_field(&header, &f)) {
        if (str_ieq(f.name, STR("Received"))) {
            out->hops++;
        } else if (str_ieq(f.name, STR("Delivered-To"))) {
            keep(a, &out->delivered_to, &out->delivered_to_count, str_trim(f.body));
        } else if (str_ieq(f.name, STR("Date"))) {
            out->date = true;
        } else if (str_ieq(f.name, STR("Message-ID"))) {
            out->message_id = true;
            out->message_id_text = str_trim(f.body);
        } else if (str_ieq(f.name, STR("From"))) {
            if (!out->resent)
                keep(a, &out->from, &out->from_count, f.body);
        } else if (str_ieq(f.name, STR("Resent-From"))) {
            /* RFC 5322 section 3.6.6: then From is somebody else's, and this is who sends */
            if (!out->resent)
                out->from_count = 0;
            out->resent = true;
            keep(a, &out->from, &out->from_count, f.body);
        }
    }
}

bool hops_was_delivered_to(const struct hops_header *h, struct str address) {
    for (size_t i = 0; i < h->delivered_to_count; i++)
        if (str_ieq(h->delivered_to[i], address))
            return true;
    return false;
}
