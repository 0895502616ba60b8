#include "filter/delegate.h"

enum { MAX_LINE = 8192, MAX_LINES = 100 };

static const struct {
    const char *name;
    enum delegate_action action;
} actions[] = {
    {"DUNNO", DELEGATE_DUNNO},
    {"OK", DELEGATE_DUNNO},
    {"PERMIT", DELEGATE_DUNNO},
    {"REJECT", DELEGATE_REJECT},
    {"DEFER", DELEGATE_DEFER},
    {"DEFER_IF_PERMIT", DELEGATE_DEFER_IF_PERMIT},
    {"DEFER_IF_REJECT", DELEGATE_DEFER_IF_REJECT},
    {"DISCARD", DELEGATE_DISCARD},
    {"HOLD", DELEGATE_HOLD},
    {"PREPEND", DELEGATE_PREPEND},
    {"WARN", DELEGATE_WARN},
    {"INFO", DELEGATE_INFO},
    {"REDIRECT", DELEGATE_REDIRECT},
    {"BCC", DELEGATE_BCC},
    {"FILTER", DELEGATE_FILTER},
};

static bool digits(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_digit(s.p[i]))
            return false;
    return s.n > 0;
}

/* "4.7.1 text": takes the enhanced status code off (RFC 3463). */
static struct str take_status(struct str *text) {
    size_t n = 0;
    int dots = 0;
    while (n < text->n && (ascii_digit(text->p[n]) || text->p[n] == '.'))
        dots += text->p[n++] == '.';
    bool is = dots == 2 && n >= 5 && n <= 9 && text->p[1] == '.' && text->p[n - 1] != '.' && text->p[2] != '.' &&
              strchr("245", text->p[0]) && (n == text->n || text->p[n] == ' ');
    if (!is)
        return STR("");
    struct str status = str_sub(*text, 0, n);
    *text = str_trim(str_sub(*text, n, text->n));
    return status;
}

static bool needs_text(enum delegate_action a) {
    return a == DELEGATE_PREPEND || a == DELEGATE_REDIRECT || a == DELEGATE_BCC;
}

bool delegate_read_action(struct str text, struct delegate_answer *out, struct err *err) {
    *out = (struct delegate_answer){.status = STR("")};
    text = str_trim(text);
    size_t n = 0;
    while (n < text.n && text.p[n] != ' ' && text.p[n] != '\t')
        n++;
    struct str word = str_sub(text, 0, n);
    out->text = str_trim(str_sub(text, n, text.n));
    if (digits(word)) {
        bool refusal = word.n == 3 && (word.p[0] == '4' || word.p[0] == '5');
        out->action = refusal ? DELEGATE_CODE : DELEGATE_DUNNO;
        if (refusal) {
            memcpy(out->code, word.p, 3);
            out->status = take_status(&out->text);
        }
        return true;
    }
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (str_ieq(word, str_of(actions[i].name))) {
            out->action = actions[i].action;
            if (out->action >= DELEGATE_REJECT && out->action <= DELEGATE_DEFER_IF_REJECT)
                out->status = take_status(&out->text);
            if (needs_text(out->action) && out->text.n == 0)
                return err_set(err, "its answer %s names nothing", actions[i].name);
            return true;
        }
    return err_set(err, "its answer \"%.*s\" is no action known here", (int)(text.n > 80 ? 80 : text.n),
                   text.n ? text.p : "");
}

void delegate_put(struct buf *request, const char *name, struct str value) {
    buf_add_c(request, name);
    buf_add_byte(request, '=');
    for (size_t i = 0; i < value.n && i < 4096; i++)
        if (value.p[i] != '\n' && value.p[i] != '\r' && value.p[i] != 0)
            buf_add_byte(request, value.p[i]);
    buf_add_byte(request, '\n');
}

static bool read_answer(struct stream *s, int timeout_ms, struct arena *a, struct delegate_answer *out,
                        struct err *err) {
    struct buf line = BUF_EMPTY;
    struct str action = {NULL, 0};
    bool good = true, complete = false;
    for (int i = 0; good && !complete; i++) {
        buf_reset(&line);
        if (i == MAX_LINES)
            good = err_set(err, "its answer has no end");
        else if ((good = stream_read_line(s, &line, MAX_LINE, timeout_ms, err))) {
            complete = line.n == 0;
            if (str_istarts(buf_str(&line), STR("action=")) && !action.p)
                action = arena_str(a, str_sub(buf_str(&line), 7, line.n));
        }
    }
    buf_free(&line);
    if (!good)
        return false;
    if (!action.p)
        return err_set(err, "its answer has no action");
    return delegate_read_action(action, out, err);
}

static bool converse(struct stream *s, struct str request, int timeout_ms, struct arena *a, struct delegate_answer *out,
                     struct err *err) {
    return stream_write(s, request, timeout_ms, err) && stream_write(s, STR("\n"), timeout_ms, err) &&
           read_answer(s, timeout_ms, a, out, err);
}

bool delegate_ask(const struct endpoint *e, struct idle *idle, struct str request, int connect_ms, int command_ms,
                  struct arena *a, struct delegate_answer *out, struct err *err) {
    struct stream *s = idle ? idle_take(idle) : NULL;
    if (s && !stream_is_quiet(s)) { /* it has hung up meanwhile */
        stream_close(s);
        s = NULL;
    }
    bool good = s && converse(s, request, command_ms, a, out, err);
    if (!good) {
        stream_close(s);
        s = endpoint_connect(e, connect_ms, err);
        good = s && converse(s, request, command_ms, a, out, err);
    }
    if (good && idle)
        idle_put(idle, s);
    else
        stream_close(s);
    return good;
}

void delegate_close(void *stream) { stream_close(stream); }
