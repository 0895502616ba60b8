#include "move/mbox.h"

#include "base/clock.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* The line at the start of *rest without its end (LF or CR LF); *rest is moved behind it. */
static struct str take_line(struct str *rest) {
    ptrdiff_t end = str_chr(*rest, '\n');
    struct str line = str_sub(*rest, 0, end < 0 ? rest->n : (size_t)end);
    *rest = str_sub(*rest, end < 0 ? rest->n : (size_t)end + 1, rest->n);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* ---- the From line ---- */

static int index_in(const char *names, struct str word) {
    if (word.n != 3)
        return -1;
    for (int i = 0; names[3 * i]; i++)
        if (str_ieq(word, str_n(names + 3 * i, 3)))
            return i;
    return -1;
}

static bool next_word(struct str *rest, struct str *word) {
    while (rest->n && (*rest->p == ' ' || *rest->p == '\t'))
        *rest = str_sub(*rest, 1, rest->n);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    *word = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return n > 0;
}

static bool read_clock(struct str word, struct tm *tm) {
    uint32_t part[3] = {0, 0, 0}, n = 0;
    struct str piece;
    while (n < 3 && str_split(&word, ':', &piece))
        if (!str_u32(piece, &part[n++]))
            return false;
    if (n < 2 || word.p || part[0] > 23 || part[1] > 59 || part[2] > 60)
        return false;
    tm->tm_hour = (int)part[0], tm->tm_min = (int)part[1], tm->tm_sec = (int)part[2];
    return true;
}

/* "+0200", "-0500"; minutes east. */
static bool read_zone(struct str word, int *minutes) {
    uint32_t v;
    if (word.n != 5 || (*word.p != '+' && *word.p != '-') || !str_u32(str_sub(word, 1, 4), &v))
        return false;
    *minutes = (int)(v / 100 * 60 + v % 100) * (*word.p == '-' ? -1 : 1);
    return true;
}

/* Behind the weekday: "Mar  3 10:00:00 [ZONE] 2026 [+ZONE]". */
static int64_t read_date(struct str rest) {
    struct tm tm = {.tm_isdst = -1};
    struct str word;
    uint32_t day, year;
    int zone = 0;
    bool zoned = false;
    if (!next_word(&rest, &word) || (tm.tm_mon = index_in("JanFebMarAprMayJunJulAugSepOctNovDec", word)) < 0 ||
        !next_word(&rest, &word) || !str_u32(word, &day) || day < 1 || day > 31 || !next_word(&rest, &word) ||
        !read_clock(word, &tm) || !next_word(&rest, &word))
        return 0;
    for (int zones = 0; zones < 2 && !str_u32(word, &year); zones++) {
        zoned = read_zone(word, &zone) || zoned;
        zoned = zoned || str_eq(word, STR("UTC")) || str_eq(word, STR("GMT"));
        if (!next_word(&rest, &word))
            return 0;
    }
    if (!str_u32(word, &year) || year < 1970 || year > 9999)
        return 0;
    if (next_word(&rest, &word))
        zoned = read_zone(word, &zone) || zoned;
    tm.tm_mday = (int)day;
    tm.tm_year = (int)year - 1900;
    time_t t = zoned ? timegm(&tm) - zone * 60 : mktime(&tm);
    return t > 0 ? (int64_t)t * CLOCK_SECOND : 0;
}

int64_t mbox_from_date(struct str from) {
    struct str word;
    while (next_word(&from, &word))
        if (index_in("SunMonTueWedThuFriSat", word) >= 0) {
            int64_t t = read_date(from);
            if (t)
                return t;
        }
    return 0;
}

static bool is_from_line(struct str rest) {
    return str_starts(rest, STR("From ")) && mbox_from_date(str_sub(take_line(&rest), 5, SIZE_MAX)) != 0;
}

bool mbox_is(struct str file) { return file.n == 0 || is_from_line(file); }

/* ---- where messages end ---- */

static bool empty_line_before(struct str s, size_t at) {
    if (at == 0)
        return true;
    if (s.p[at - 1] != '\n')
        return false;
    return at == 1 || s.p[at - 2] == '\n' || (s.p[at - 2] == '\r' && (at == 2 || s.p[at - 3] == '\n'));
}

/* Index of the next From line at or behind `from`, or the end. */
static size_t find_from(struct str s, size_t from) {
    for (size_t at = from; at < s.n;) {
        ptrdiff_t found = str_find(str_sub(s, at, s.n), STR("From "));
        if (found < 0)
            return s.n;
        at += (size_t)found;
        if (empty_line_before(s, at) && is_from_line(str_sub(s, at, s.n)))
            return at;
        at++;
    }
    return s.n;
}

static struct str without_separator(struct str s) {
    if (str_ends(s, STR("\n\n")) || str_eq(s, STR("\n")))
        s.n--;
    else if (str_ends(s, STR("\n\r\n")))
        s.n -= 2;
    return s;
}

/* The end of the message that begins at text, by its Content-Length; 0 where that can't be right. */
static size_t end_by_length(struct str text) {
    struct str rest = text, line;
    uint64_t length = 0;
    bool said = false;
    while (rest.n && (line = take_line(&rest)).n)
        if (str_istarts(line, STR("Content-Length:")))
            said = str_u64(str_trim(str_sub(line, 15, line.n)), &length);
    if (!said || length > rest.n)
        return 0;
    size_t end = (size_t)(rest.p - text.p) + (size_t)length;
    struct str behind = str_sub(text, end, text.n);
    bool newline = str_starts(behind, STR("\n")) || str_starts(behind, STR("\r\n"));
    if (newline)
        take_line(&behind);
    return !behind.n || str_starts(behind, STR("From ")) ? end : 0;
}

bool mbox_next(struct str *rest, enum mbox_format format, struct mbox_entry *out) {
    size_t at = find_from(*rest, 0);
    struct str text = str_sub(*rest, at, rest->n);
    if (!text.n)
        return false;
    *out = (struct mbox_entry){.from = str_sub(take_line(&text), 5, SIZE_MAX)};
    bool lengths = format == MBOX_AUTO || format == MBOX_CL || format == MBOX_CL2;
    size_t end = lengths && !str_starts(text, STR("X-Mansio-Mbox: ")) ? end_by_length(text) : 0;
    if (end) {
        out->by_length = true;
        out->text = str_sub(text, 0, end);
        *rest = str_sub(text, end, text.n);
        while (rest->n && (*rest->p == '\n' || *rest->p == '\r'))
            *rest = str_sub(*rest, 1, rest->n);
        return true;
    }
    end = find_from(text, 0);
    out->text = without_separator(str_sub(text, 0, end));
    *rest = str_sub(text, end, text.n);
    return true;
}

/* ---- what the mailbox says of a message ---- */

static void read_letters(struct str value, const char *letters, const uint32_t *flag, struct mbox_message *m) {
    for (size_t i = 0; i < value.n; i++) {
        const char *found = value.p[i] ? strchr(letters, value.p[i]) : NULL;
        m->flags |= found ? flag[found - letters] : 0;
        m->recent = m->recent && value.p[i] != 'O' && value.p[i] != 'R';
    }
}

static void read_status(struct arena *a, struct str value, struct mbox_message *m) {
    static const uint32_t seen[] = {STORE_SEEN};
    (void)a;
    read_letters(value, "R", seen, m);
}

static void read_x_status(struct arena *a, struct str value, struct mbox_message *m) {
    static const uint32_t flags[] = {STORE_ANSWERED, STORE_FLAGGED, STORE_DRAFT, STORE_DELETED};
    (void)a;
    read_letters(value, "AFTD", flags, m);
}

static void read_keywords(struct arena *a, struct str value, struct mbox_message *m) {
    struct str word;
    size_t most = m->keyword_count + 1;
    for (size_t i = 0; i < value.n; i++)
        most += value.p[i] == ' ';
    struct str *list = arena_array(a, most, sizeof *list);
    for (size_t i = 0; i < m->keyword_count; i++)
        list[i] = m->keyword[i];
    m->keyword = list;
    while (next_word(&value, &word))
        if (m->keyword_count < most)
            list[m->keyword_count++] = arena_str(a, word);
}

static void read_uid(struct arena *a, struct str value, struct mbox_message *m) {
    (void)a;
    str_u32(value, &m->uid);
}

/* "<uidvalidity> <last uid> [keywords]" */
static void read_base(struct arena *a, struct str value, struct mbox_message *m) {
    struct str word;
    uint32_t last;
    (void)a;
    if (next_word(&value, &word) && str_u32(word, &m->uidvalidity) && next_word(&value, &word) &&
        str_u32(word, &last) && last < UINT32_MAX)
        m->uidnext = last + 1;
}

static void read_internal(struct arena *a, struct str value, struct mbox_message *m) {
    read_base(a, value, m);
    m->internal = true;
}

/* Thunderbird's bits, hexadecimal. */
static void read_mozilla(struct arena *a, struct str value, struct mbox_message *m) {
    static const uint32_t flag[] = {STORE_SEEN, STORE_ANSWERED, STORE_FLAGGED, STORE_DELETED};
    unsigned bits = 0;
    if (sscanf(arena_c(a, str_sub(value, 0, 8)), "%x", &bits) != 1)
        return;
    for (int i = 0; i < 4; i++)
        m->flags |= bits >> i & 1 ? flag[i] : 0;
    m->recent = false;
}

static void ignore(struct arena *a, struct str value, struct mbox_message *m) { (void)a, (void)value, (void)m; }

static const struct {
    const char *name;
    void (*read)(struct arena *a, struct str value, struct mbox_message *m);
} own_fields[] = {
    {"Status", read_status},       {"X-Status", read_x_status},       {"X-Keywords", read_keywords},
    {"X-UID", read_uid},           {"X-IMAPbase", read_base},         {"X-IMAP", read_internal},
    {"X-Mansio-Mbox", ignore},     {"Content-Length", ignore},        {"X-Mozilla-Status", read_mozilla},
    {"X-Mozilla-Status2", ignore}, {"X-Mozilla-Keys", read_keywords},
};

/* Reads the line where it is the mailbox's. */
static bool take_field(struct arena *a, struct str line, struct mbox_message *m) {
    ptrdiff_t colon = str_chr(line, ':');
    for (size_t i = 0; colon > 0 && i < sizeof own_fields / sizeof *own_fields; i++)
        if (str_ieq(str_sub(line, 0, (size_t)colon), str_of(own_fields[i].name))) {
            own_fields[i].read(a, str_trim(str_sub(line, (size_t)colon + 1, line.n)), m);
            return true;
        }
    return false;
}

/* ---- the message ---- */

/* Lines of ">" and "From " lose one ">" (all: mboxrd), or those of one ">" (mboxo). */
static void unquote(struct str text, bool all, struct buf *out) {
    while (text.n) {
        ptrdiff_t end = str_chr(text, '\n');
        struct str line = str_sub(text, 0, end < 0 ? text.n : (size_t)end + 1);
        size_t marks = 0;
        while (marks < line.n && line.p[marks] == '>')
            marks++;
        bool quoted = (all ? marks > 0 : marks == 1) && str_starts(str_sub(line, marks, line.n), STR("From "));
        buf_add_str(out, str_sub(line, quoted, line.n));
        text = str_sub(text, line.n, text.n);
    }
}

static bool has_unquoted_from(struct str text) {
    return str_starts(text, STR("From ")) || str_find(text, STR("\nFrom ")) >= 0;
}

/* "X-Mansio-Mbox: N; name=value; ...", then N lines; the message behind them. */
static bool read_ours(struct arena *a, struct str text, struct buf *out, struct mbox_message *m) {
    if (!str_starts(text, STR("X-Mansio-Mbox: ")))
        return false;
    struct str line = str_sub(take_line(&text), 15, SIZE_MAX), piece;
    uint32_t lines;
    uint64_t date;
    bool no_end = false;
    if (!str_split(&line, ';', &piece) || !str_u32(piece, &lines) || lines > 5)
        return false;
    while (str_split(&line, ';', &piece)) {
        piece = str_trim(piece);
        if (str_starts(piece, STR("date=")) && str_u64(str_sub(piece, 5, piece.n), &date) && date < INT64_MAX)
            m->date = (int64_t)date;
        m->raw = m->raw || str_eq(piece, STR("lines=raw"));
        no_end = no_end || str_eq(piece, STR("end=none"));
    }
    while (lines--)
        if (!take_field(a, take_line(&text), m))
            return false; /* another program has rewritten them */
    unquote(text, true, out);
    if (no_end && out->n)
        out->n--;
    m->internal = false;
    return true;
}

/* Somebody else's: the mailbox's own fields stand among the message's. */
static void read_foreign(struct arena *a, struct str text, bool quoted, bool all, struct buf *out,
                         struct mbox_message *m) {
    bool ours = false; /* the field that goes on in folded lines */
    while (text.n) {
        struct str before = text, line = take_line(&text);
        struct str whole = str_sub(before, 0, before.n - text.n);
        bool folded = line.n && (*line.p == ' ' || *line.p == '\t');
        if (!folded)
            ours = take_field(a, line, m);
        if (!ours)
            buf_add_str(out, whole);
        if (!line.n)
            break;
    }
    if (quoted)
        unquote(text, all, out);
    else
        buf_add_str(out, text);
}

void mbox_read(struct arena *a, const struct mbox_entry *e, enum mbox_format format, struct buf *out,
               struct mbox_message *m) {
    *m = (struct mbox_message){.date = mbox_from_date(e->from), .recent = true};
    buf_reset(out);
    if (!read_ours(a, e->text, out, m)) {
        struct mbox_message fresh = {.date = m->date, .recent = true};
        *m = fresh;
        buf_reset(out);
        bool cl2 = format == MBOX_CL2 || (format == MBOX_AUTO && e->by_length && has_unquoted_from(e->text));
        bool all = format == MBOX_RD || format == MBOX_AUTO;
        read_foreign(a, e->text, !cl2, all, out, m);
    }
    m->bytes = buf_str(out);
    if (!m->bytes.p)
        m->bytes = STR("");
}

/* ---- writing ---- */

static void add_status(const struct mbox_message *m, struct buf *out) {
    if (!m->recent || (m->flags & STORE_SEEN))
        buf_printf(out, "Status: %s%s\n", m->flags & STORE_SEEN ? "R" : "", m->recent ? "" : "O");
    if (!(m->flags & ~(uint32_t)STORE_SEEN))
        return;
    buf_printf(out, "X-Status: %s%s%s%s\n", m->flags & STORE_ANSWERED ? "A" : "", m->flags & STORE_DELETED ? "D" : "",
               m->flags & STORE_FLAGGED ? "F" : "", m->flags & STORE_DRAFT ? "T" : "");
}

static void add_own_fields(const struct mbox_message *m, struct buf *out) {
    if (m->uidvalidity)
        buf_printf(out, "X-IMAPbase: %u %u\n", m->uidvalidity, m->uidnext ? m->uidnext - 1 : 0);
    add_status(m, out);
    if (m->keyword_count) {
        buf_add_c(out, "X-Keywords:");
        for (size_t i = 0; i < m->keyword_count; i++)
            buf_printf(out, " %.*s", STR_ARG(m->keyword[i]));
        buf_add_byte(out, '\n');
    }
    if (m->uid)
        buf_printf(out, "X-UID: %u\n", m->uid);
}

static void quote(struct str text, struct buf *out) {
    while (text.n) {
        ptrdiff_t end = str_chr(text, '\n');
        struct str line = str_sub(text, 0, end < 0 ? text.n : (size_t)end + 1);
        size_t marks = 0;
        while (marks < line.n && line.p[marks] == '>')
            marks++;
        if (str_starts(str_sub(line, marks, line.n), STR("From ")))
            buf_add_byte(out, '>');
        buf_add_str(out, line);
        text = str_sub(text, line.n, text.n);
    }
}

static size_t count_lines(struct str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

void mbox_write(const struct mbox_message *m, struct str sender, struct buf *out) {
    char when[40];
    time_t t = (time_t)(m->date > 0 ? m->date / CLOCK_SECOND : 0);
    struct tm tm;
    gmtime_r(&t, &tm);
    asctime_r(&tm, when); /* with its line end */
    struct buf own = BUF_EMPTY;
    add_own_fields(m, &own);
    bool no_end = !m->bytes.n || m->bytes.p[m->bytes.n - 1] != '\n';
    buf_printf(out, "From %.*s %s", STR_ARG(sender), when);
    buf_printf(out, "X-Mansio-Mbox: %zu; date=%" PRId64 "%s%s\n", count_lines(buf_str(&own)), m->date > 0 ? m->date : 0,
               m->raw ? "; lines=raw" : "", no_end ? "; end=none" : "");
    buf_add_str(out, buf_str(&own));
    buf_free(&own);
    quote(m->bytes, out);
    buf_add_c(out, no_end ? "\n\n" : "\n");
}
