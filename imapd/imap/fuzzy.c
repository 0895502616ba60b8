#include "imap/fuzzy.h"

enum { WHOLE = 100, BEGINNING = 90, STEM = 80, INSIDE = 75, ONE_WRONG = 60, TWO_WRONG = 45 };
enum { LETS_ONE_PASS = 5, LETS_TWO_PASS = 9, LEAST_STEM = 4, STEM_LESS = 3, MAX_PIECES = 4 };

struct word {
    struct str text;
    size_t wrong; /* letters that may be */
    struct str piece[MAX_PIECES];
    size_t pieces; /* one of them is in every word that is like it */
};

struct fuzzy {
    struct str phrase;
    struct word word[FUZZY_MAX_WORDS];
    size_t count;
};

static bool is_letter(char c) {
    unsigned char u = (unsigned char)c;
    return u >= 0x80 || ascii_alpha(c) || ascii_digit(c);
}

static bool in_character(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/* ---- what is asked for ---- */

static size_t next_letter(struct str s, size_t at) {
    do
        at++;
    while (at < s.n && in_character(s.p[at]));
    return at < s.n ? at : s.n;
}

/* Into n + 1 pieces of about the same length: n wrong letters leave one of them as it is, also where two letters
 * changed places, since there is a letter between the pieces. */
static void cut(struct word *w) {
    size_t from = 0, n = w->wrong + 1;
    for (size_t i = 1; i <= n && w->wrong; i++) {
        size_t to = i * w->text.n / n;
        while (to < w->text.n && in_character(w->text.p[to]))
            to++;
        if (to > from)
            w->piece[w->pieces++] = str_sub(w->text, from, to - from);
        from = next_letter(w->text, to);
    }
    if (w->text.n >= LEAST_STEM + STEM_LESS)
        w->piece[w->pieces++] = str_sub(w->text, 0, w->text.n - STEM_LESS);
}

static void add_word(struct fuzzy *f, struct str text) {
    size_t letters = 0;
    for (size_t i = 0; i < text.n; i++)
        letters += !in_character(text.p[i]);
    struct word *w = &f->word[f->count++];
    *w = (struct word){.text = text, .wrong = letters >= LETS_TWO_PASS ? 2 : letters >= LETS_ONE_PASS ? 1 : 0};
    if (text.n <= FUZZY_MAX_WORD)
        cut(w);
}

const struct fuzzy *fuzzy_make(struct arena *a, struct str folded) {
    struct fuzzy *f = arena_alloc(a, sizeof *f);
    f->phrase = folded;
    for (size_t i = 0; i < folded.n && f->count < FUZZY_MAX_WORDS;) {
        size_t from = i;
        while (i < folded.n && is_letter(folded.p[i]))
            i++;
        if (i > from)
            add_word(f, str_sub(folded, from, i - from));
        else
            i++;
    }
    return f->count ? f : NULL;
}

/* ---- how alike words are ---- */

/* Letters as numbers; what is no UTF-8 counts byte by byte. */
static size_t letters_of(struct str s, uint32_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (n && in_character(s.p[i]) && out[n - 1] < 1u << 24)
            out[n - 1] = out[n - 1] << 8 | (unsigned char)s.p[i];
        else
            out[n++] = (unsigned char)s.p[i];
    return n;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* How many letters are wrong, missing or too many, or changed places with the next. */
static size_t distance(struct str a, struct str b) {
    uint32_t x[FUZZY_MAX_WORD], y[FUZZY_MAX_WORD];
    size_t row[3][FUZZY_MAX_WORD + 1], n = letters_of(a, x), m = letters_of(b, y);
    for (size_t k = 0; k <= m; k++)
        row[0][k] = k;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *before = row[(i + 2) % 3], *two_before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t k = 1; k <= m; k++) {
            now[k] = least(before[k - 1] + (x[i - 1] != y[k - 1]), least(before[k], now[k - 1]) + 1);
            if (i > 1 && k > 1 && x[i - 1] == y[k - 2] && x[i - 2] == y[k - 1])
                now[k] = least(now[k], two_before[k - 2] + 1);
        }
    }
    return row[n % 3][m];
}

/* A word of the text in which the word that is asked for is not. */
static unsigned likeness(const struct word *w, struct str other) {
    if (other.n >= LEAST_STEM && other.n < w->text.n && w->text.n - other.n <= STEM_LESS && str_starts(w->text, other))
        return STEM;
    size_t shorter = other.n < w->text.n ? other.n : w->text.n, longer = other.n + w->text.n - shorter;
    if (w->wrong == 0 || other.n > FUZZY_MAX_WORD || longer - shorter > w->wrong * 4)
        return 0;
    size_t wrong = distance(w->text, other);
    return wrong > w->wrong ? 0 : wrong <= 1 ? ONE_WRONG : TWO_WRONG;
}

/* ---- in a text ---- */

/* The word around a place; longer ones are cut. */
static struct str word_around(struct str text, size_t at, size_t n) {
    size_t from = at, to = at + n;
    while (from > 0 && at - from <= FUZZY_MAX_WORD && is_letter(text.p[from - 1]))
        from--;
    while (to < text.n && to - at <= 2 * FUZZY_MAX_WORD && is_letter(text.p[to]))
        to++;
    return str_sub(text, from, to - from);
}

static unsigned as_it_is(const struct word *w, struct str text) {
    unsigned best = 0;
    size_t at = 0;
    for (ptrdiff_t found; best < WHOLE && (found = str_find(str_sub(text, at, text.n), w->text)) >= 0;) {
        size_t from = at + (size_t)found;
        bool begins = from == 0 || !is_letter(text.p[from - 1]);
        bool ends = from + w->text.n == text.n || !is_letter(text.p[from + w->text.n]);
        unsigned good = begins && ends ? WHOLE : begins ? BEGINNING : INSIDE;
        best = good > best ? good : best;
        at = from + 1;
    }
    return best;
}

/* In the words of the text that have one of the pieces. */
static unsigned nearly(const struct word *w, struct str text) {
    unsigned best = 0;
    for (size_t i = 0; i < w->pieces && best < STEM; i++) {
        size_t at = 0;
        for (ptrdiff_t found; best < STEM && (found = str_find(str_sub(text, at, text.n), w->piece[i])) >= 0;) {
            size_t from = at + (size_t)found;
            unsigned good = likeness(w, word_around(text, from, w->piece[i].n));
            best = good > best ? good : best;
            at = from + w->piece[i].n;
        }
    }
    return best;
}

bool fuzzy_look(const struct fuzzy *f, struct str text, struct fuzzy_found *found) {
    bool all = true;
    for (size_t i = 0; i < f->count; i++) {
        if (found->word[i] < WHOLE) {
            unsigned good = as_it_is(&f->word[i], text);
            if (good == 0 && found->word[i] < STEM)
                good = nearly(&f->word[i], text);
            found->word[i] = good > found->word[i] ? (uint8_t)good : found->word[i];
        }
        all = all && found->word[i] == WHOLE;
    }
    found->phrase = found->phrase || str_find(text, f->phrase) >= 0;
    return all && found->phrase;
}

unsigned fuzzy_score(const struct fuzzy *f, const struct fuzzy_found *found) {
    unsigned sum = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (found->word[i] == 0)
            return 0;
        sum += found->word[i];
    }
    unsigned average = sum / (unsigned)f->count;
    return found->phrase || f->count == 1 ? average : average * 9 / 10;
}
