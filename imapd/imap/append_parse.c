#include "imap/append_parse.h"

struct steps {
    struct append_step *step;
    size_t count, room;
};

static struct append_step *add(struct parser *p, struct steps *all, enum append_step_kind kind) {
    if (all->count == all->room) {
        all->room = all->room ? all->room * 2 : 4;
        struct append_step *more = arena_array(p->arena, all->room, sizeof *more);
        if (all->count)
            memcpy(more, all->step, all->count * sizeof *more);
        all->step = more;
    }
    struct append_step *step = &all->step[all->count++];
    *step = (struct append_step){.kind = kind};
    return step;
}

/* "{size}" or "{size+}" and the line end, with nothing behind it. */
static bool at_announcement(const struct parser *p) {
    struct str rest = str_sub(p->in, p->at, p->in.n);
    if (!str_ends(rest, STR("\n")) || str_chr(rest, '\n') != (ptrdiff_t)rest.n - 1)
        return false;
    rest.n -= str_ends(rest, STR("\r\n")) ? 2 : 1;
    uint64_t size;
    bool unasked;
    return parse_literal_announced(rest, &size, &unasked) && str_chr(rest, '{') == 0;
}

static enum append_stop literal(struct parser *p, bool *binary) {
    *binary = parse_peek(p) == '~';
    p->at += *binary;
    if (at_announcement(p))
        return APPEND_LITERAL;
    parse_fail(p, "The message has to be a literal");
    return APPEND_BAD;
}

/* Bytes: "~{size}", "{size}", "UTF8 (~{size}". */
static enum append_stop bytes(struct parser *p, struct append_syntax *x, bool *binary) {
    x->parenthesis = p->utf8 && parse_skip_word(p, STR("UTF8 ("));
    if (x->parenthesis && parse_peek(p) != '~') {
        parse_fail(p, "Behind UTF8 stands (~{size}");
        return APPEND_BAD;
    }
    return literal(p, binary);
}

/* Flags, date and how the message is given. */
static enum append_stop message(struct parser *p, struct append_syntax *x, struct steps *all, bool *binary) {
    struct append_step *step = add(p, all, APPEND_MESSAGE);
    x->any = x->open = true;
    if (parse_peek(p) == '(' && (!parse_flag_list(p, &step->flags) || !parse_space(p)))
        return APPEND_BAD;
    if (parse_peek(p) == '"' && (!parse_date_time(p, &step->date) || !parse_space(p)))
        return APPEND_BAD;
    if (!parse_skip_word(p, STR("CATENATE (")))
        return bytes(p, x, binary);
    x->catenate = true;
    x->parts = 0;
    return APPEND_MORE; /* what comes next is in the parentheses */
}

static enum append_stop part(struct parser *p, struct append_syntax *x, struct steps *all, bool *binary) {
    if (x->parts && !parse_space(p))
        return APPEND_BAD;
    if (x->parts++ == APPEND_MAX_PARTS) {
        parse_fail(p, "More than 1000 parts");
        return APPEND_BAD;
    }
    if (parse_skip_word(p, STR("TEXT ")))
        return literal(p, binary);
    if (!parse_skip_word(p, STR("URL ")))
        return p->utf8 ? bytes(p, x, binary) : (parse_fail(p, "Expected TEXT or URL"), APPEND_BAD);
    if (at_announcement(p))
        return APPEND_MORE;
    struct str url;
    if (!parse_astring(p, &url))
        return APPEND_BAD;
    add(p, all, APPEND_URL)->url = url;
    return APPEND_END; /* of the part */
}

/* Parts up to the closing parenthesis. */
static enum append_stop parts(struct parser *p, struct append_syntax *x, struct steps *all, bool *binary) {
    while (!x->parts || parse_peek(p) != ')') {
        enum append_stop stop = part(p, x, all, binary);
        if (stop != APPEND_END)
            return stop;
    }
    p->at++;
    x->catenate = false;
    return APPEND_END;
}

static enum append_stop read_piece(struct parser *p, struct append_syntax *x, struct steps *all, bool *binary) {
    if (x->parenthesis && !parse_byte(p, ')'))
        return APPEND_BAD;
    x->parenthesis = false;
    for (;;) {
        if (x->catenate) {
            enum append_stop stop = parts(p, x, all, binary);
            if (stop != APPEND_END)
                return stop;
        }
        if (x->open)
            add(p, all, APPEND_CLOSE);
        x->open = false;
        if (x->any && (x->single || parse_peek(p) != ' '))
            return parse_end(p) ? APPEND_END : APPEND_BAD;
        if (!parse_space(p))
            return APPEND_BAD;
        enum append_stop stop = message(p, x, all, binary);
        if (stop != APPEND_MORE)
            return stop;
    }
}

enum append_stop append_parse(struct parser *p, struct append_syntax *syntax, struct append_step **step, size_t *count,
                              bool *binary) {
    struct append_syntax x = *syntax;
    struct steps all = {0};
    *binary = false;
    enum append_stop stop = read_piece(p, &x, &all, binary);
    *step = all.step;
    *count = all.count;
    if (stop >= APPEND_LITERAL)
        *syntax = x;
    return stop;
}
