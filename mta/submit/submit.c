#include "submit/submit.h"

#include "base/clock.h"
#include "base/codec.h"
#include "directory/address.h"
#include "mime/mime.h"

void submit_complete(const struct mta *m, const struct hops_header *h, struct str sender, const char *id, int64_t now,
                     struct buf *out) {
    if (h->from_count == 0 && !h->resent && sender.n)
        buf_printf(out, "From: <%.*s>\r\n", STR_ARG(sender));
    else if (h->from_count == 0 && !h->resent)
        buf_printf(out, "From: <MAILER-DAEMON@%s>\r\n", m->hostname);
    if (!h->date) {
        buf_add_c(out, "Date: ");
        clock_rfc5322(now, out);
        buf_add_c(out, "\r\n");
    }
    if (!h->message_id) {
        char token[24];
        random_token(token, sizeof token, 9);
        buf_printf(out, "Message-ID: <%s.%s@%s>\r\n", id, token, m->hostname);
    }
}

enum submit_verdict submit_may_send_as(const struct mta *m, const struct directory_account *account,
                                       struct str address) {
    bool allowed = false;
    if (address.n == 0)
        return SUBMIT_ALLOWED;
    if (directory_may_send_as(m->directory, account, address, &allowed) == DIRECTORY_TEMPORARY)
        return SUBMIT_TEMPORARY;
    return allowed ? SUBMIT_ALLOWED : SUBMIT_REFUSED;
}

static enum submit_verdict check_author(const struct mta *m, struct arena *a, const struct directory_account *account,
                                        const struct mime_address *author, struct str *refused) {
    struct str domain;
    if (!author->mailbox.p || !author->host.p) /* the bounds of a group */
        return SUBMIT_ALLOWED;
    *refused = address_format(a, author->mailbox, author->host);
    if (!domain_to_ascii(a, author->host, &domain, NULL))
        return SUBMIT_REFUSED;
    return submit_may_send_as(m, account, address_format(a, author->mailbox, domain));
}

enum submit_verdict submit_check_authors(const struct mta *m, struct arena *a, const struct directory_account *account,
                                         const struct hops_header *h, struct str *refused) {
    for (size_t i = 0; i < h->from_count; i++) {
        struct mime_addresses authors = mime_parse_addresses(a, h->from[i]);
        for (size_t k = 0; k < authors.count; k++) {
            enum submit_verdict v = check_author(m, a, account, &authors.at[k], refused);
            if (v != SUBMIT_ALLOWED)
                return v;
        }
    }
    return SUBMIT_ALLOWED;
}
