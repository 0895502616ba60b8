/* BDAT: the message in chunks, whose ends are where their sizes say (RFC 3030). Whatever is wrong with a chunk, its
 * octets are taken off the connection before that is said: they are never commands. */
#include "settings.h"
#include "smtpd/parse.h"
#include "smtpd/report.h"
#include "smtpd/session.h"

/* The chunk has come. */
static enum step finish_refused(struct session *s) {
    struct transaction *t = &s->transaction;
    /* RFC 2033: behind the last one LMTP has a reply for each recipient */
    size_t before = conn_output_pending(s->conn);
    size_t replies = s->kind == SERVICE_LMTP && s->chunk.last && t->count ? t->count : 1;
    for (size_t i = 0; i < replies; i++) {
        reply(s, buf_str(&s->chunk.refusal));
        REPLY(s, "");
    }
    if (t->open)
        report_command(s, "data", STR(""), before);
    buf_free(&s->chunk.refusal);
    t->chunks_failed = t->open;
    if (s->chunk.last)
        session_end_transaction(s);
    return s->chunk.mistake ? session_error(s) : STEP_WAIT;
}

static enum step finish_chunk(struct session *s) {
    struct transaction *t = &s->transaction;
    s->input = INPUT_COMMAND;
    if (s->chunk.refusal.n)
        return finish_refused(s);
    if (s->chunk.last) {
        size_t before = t->message.bytes.n;
        if (!t->body_binary)
            data_end_chunks(&t->scanner, &t->message.bytes);
        message_appended(&t->message, before, t->limit, s->mta->spool);
        enum step step = accept_message(s);
        session_end_transaction(s);
        return step;
    }
    if (t->message.over_limit) {
        size_t written = conn_output_pending(s->conn);
        t->chunks_failed = true;
        conn_printf(s->conn, "552 5.3.4 Message too big: the limit is %llu bytes\r\n", (unsigned long long)t->limit);
        report_command(s, "data", STR(""), written);
    } else {
        REPLY(s, "250 2.0.0 Ok, go on");
    }
    return STEP_WAIT;
}

enum step chunk_take(struct session *s, struct str in) {
    struct transaction *t = &s->transaction;
    in = str_sub(in, 0, s->chunk.left < in.n ? (size_t)s->chunk.left : in.n);
    if (!s->chunk.refusal.n) {
        size_t before = t->message.bytes.n;
        if (t->body_binary)
            buf_add_str(&t->message.bytes, in);
        else
            data_scan_chunk(&t->scanner, in, &t->message.bytes);
        message_appended(&t->message, before, t->limit, s->mta->spool);
    }
    s->chunk.left -= in.n;
    conn_consume(s->conn, in.n);
    return s->chunk.left ? STEP_WAIT : finish_chunk(s);
}

/* Says why the chunk is not wanted, or begins the message with the first one. STEP_CLOSE: the reply is written. */
static enum step begin_message(struct session *s) {
    struct transaction *t = &s->transaction;
    struct verdict v = stage_ask(s, STAGE_DATA);
    if (v.action == VERDICT_REFUSE || v.action == VERDICT_CLOSE) {
        buf_add_str(&s->chunk.refusal, v.reply);
        str_to_c(str_of(v.rule), s->refused_by, sizeof s->refused_by);
    }
    t->discard |= v.action == VERDICT_DISCARD;
    if (v.action == VERDICT_CLOSE) {
        finish_refused(s);
        return STEP_CLOSE;
    }
    if (s->chunk.refusal.n)
        return STEP_WAIT;
    message_begin(&t->message);
    t->scanner = DATA_SCANNER_START;
    t->scanner.normalise = !t->body_binary && settings_normalises(s->mta, &t->arena, &s->client.sockaddr);
    t->chunked = true;
    return STEP_WAIT;
}

static const char *why_not(const struct transaction *t) {
    if (!t->open)
        return "503 5.5.1 Send MAIL first";
    if (t->chunks_failed)
        return "503 5.5.1 A chunk was refused before, send RSET";
    return t->count == 0 ? "554 5.5.1 No valid recipients" : NULL;
}

enum step bdat_refused(struct session *s, struct str argument, const char *refusal) {
    buf_reset(&s->chunk.refusal);
    if (!parse_chunk(argument, &s->chunk.left, &s->chunk.last)) {
        /* How much of what follows belongs to the message is not known, so nothing of it may be taken for a command. */
        REPLY(s, "501 5.5.4 Syntax: BDAT octets [LAST]");
        return STEP_CLOSE;
    }
    s->chunk.mistake = refusal != NULL;
    if (refusal)
        buf_add_c(&s->chunk.refusal, refusal);
    else if (!s->transaction.chunked && begin_message(s) == STEP_CLOSE)
        return STEP_CLOSE;
    s->input = INPUT_CHUNK;
    return s->chunk.left ? STEP_WAIT : finish_chunk(s);
}

enum step bdat_command(struct session *s, struct str argument) {
    return bdat_refused(s, argument, why_not(&s->transaction));
}
