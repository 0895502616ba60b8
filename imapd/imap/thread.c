#include "imap/thread.h"

#include "imap/collate.h"

#include <openssl/sha.h>
#include <stdlib.h>

#define NONE UINT32_MAX

struct slot {
    unsigned char hash[16];
    uint32_t value; /* NONE: free */
};
struct table {
    struct slot *slot;
    size_t size; /* a power of two */
    uint32_t used;
};

struct message {
    uint32_t id;                    /* number of its Message-ID; NONE: none */
    uint32_t reference, references; /* in threads.reference: numbers of Message-IDs, the oldest first */
};

/* A message (the first `messages` nodes), or a dummy: a Message-ID of which only others know. */
struct node {
    uint32_t parent;
    uint32_t first, next; /* child, sibling: once the tree is made */
    uint32_t children;    /* while it is made: how many say that this is their parent */
    uint32_t subject;     /* number of the base subject, NONE: empty */
    bool reply;           /* by its subject */
    bool deleted;         /* a dummy that was not needed after all */
    int64_t date;         /* of a dummy: of its first child */
};

struct threads {
    struct arena *arena;
    struct message *message;
    uint32_t messages;
    uint32_t *reference;
    size_t references, room;
    struct table ids, subjects;
    struct node *node;
    uint32_t count, most; /* nodes */
    uint64_t budget;      /* steps left for looking for loops */
    uint32_t *root;
    uint32_t roots;
};

static bool is_dummy(const struct threads *t, uint32_t n) { return n >= t->messages; }

/* ---- texts to numbers ---- */

static size_t slot_of(const struct table *t, const unsigned char *hash) {
    uint64_t h;
    memcpy(&h, hash, sizeof h);
    size_t at = (size_t)h & (t->size - 1);
    while (t->slot[at].value != NONE && memcmp(t->slot[at].hash, hash, sizeof t->slot[at].hash) != 0)
        at = (at + 1) & (t->size - 1);
    return at;
}

static void table_grow(struct table *t, struct arena *a) {
    struct table bigger = {NULL, t->size ? t->size * 2 : 1024, t->used};
    bigger.slot = arena_array(a, bigger.size, sizeof *bigger.slot);
    for (size_t i = 0; i < bigger.size; i++)
        bigger.slot[i].value = NONE;
    for (size_t i = 0; i < t->size; i++)
        if (t->slot[i].value != NONE)
            bigger.slot[slot_of(&bigger, t->slot[i].hash)] = t->slot[i];
    *t = bigger;
}

/* The text's number: they are given from 0 on. */
static uint32_t number_of(struct table *t, struct arena *a, struct str text) {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    if ((size_t)t->used * 2 >= t->size)
        table_grow(t, a);
    SHA256((const unsigned char *)(text.p ? text.p : ""), text.n, hash);
    struct slot *slot = &t->slot[slot_of(t, hash)];
    if (slot->value == NONE) {
        memcpy(slot->hash, hash, sizeof slot->hash);
        slot->value = t->used++;
    }
    return slot->value;
}

/* ---- taking messages ---- */

struct threads *threads_new(struct arena *a, size_t messages) {
    struct threads *t = arena_alloc(a, sizeof *t);
    size_t n = messages ? messages : 1;
    t->arena = a;
    t->message = arena_array(a, n, sizeof *t->message);
    t->node = arena_array(a, n, sizeof *t->node);
    return t;
}

/* The next "<id>" of the text in its normal form, without quoting (RFC 5256 section 3, "Message ID Normalization"). */
static bool next_id(struct str *text, struct arena *scratch, struct str *id) {
    ptrdiff_t from = str_chr(*text, '<');
    if (from < 0)
        return false;
    struct str rest = str_sub(*text, (size_t)from + 1, text->n);
    ptrdiff_t n = str_chr(rest, '>');
    if (n < 0)
        return false;
    *text = str_sub(rest, (size_t)n + 1, rest.n);
    char *to = arena_alloc(scratch, (size_t)n + 1);
    size_t kept = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        if (rest.p[i] == '"')
            continue;
        if (rest.p[i] == '\\' && i + 1 < n)
            i++;
        to[kept++] = rest.p[i];
    }
    *id = (struct str){to, kept};
    return true;
}

static void add_reference(struct threads *t, uint32_t id) {
    if (t->references == t->room) {
        t->room = t->room ? t->room * 2 : 1024;
        uint32_t *more = arena_array(t->arena, t->room, sizeof *more);
        if (t->references)
            memcpy(more, t->reference, t->references * sizeof *more);
        t->reference = more;
    }
    t->reference[t->references++] = id;
}

/* Those of References; where there are none, the first one of In-Reply-To. */
static void take_references(struct threads *t, struct message *m, const struct mime_card *card, struct arena *scratch) {
    struct str ids = card->references, id;
    m->reference = (uint32_t)t->references;
    while (next_id(&ids, scratch, &id) && t->references < NONE - 1) {
        add_reference(t, number_of(&t->ids, t->arena, id));
        m->references++;
    }
    if (card->reply_ids && card->reply_ids >= m->references)
        m->references = m->references ? 1 : 0;
    else
        m->references -= card->reply_ids;
    t->references = m->reference + m->references;
}

void threads_add(struct threads *t, const struct mime_card *card, int64_t date, struct arena *scratch) {
    struct message *m = &t->message[t->messages];
    struct node *n = &t->node[t->messages++];
    struct str text = card->envelope->message_id, id;
    *m = (struct message){.id = NONE};
    if (text.p && next_id(&text, scratch, &id))
        m->id = number_of(&t->ids, t->arena, id);
    take_references(t, m, card, scratch);
    *n = (struct node){.parent = NONE, .first = NONE, .next = NONE, .subject = NONE, .date = date};
    struct str subject = collate_key(scratch, card->base_subject);
    if (subject.n)
        n->subject = number_of(&t->subjects, t->arena, subject);
    n->reply = mime_is_reply(scratch, card->subject);
}

/* ---- links ---- */

static void set_parent(struct threads *t, uint32_t child, uint32_t parent) {
    uint32_t before = t->node[child].parent;
    if (before != NONE)
        t->node[before].children--;
    if (parent != NONE)
        t->node[parent].children++;
    t->node[child].parent = parent;
}

/* Whether the child would become its own ancestor. Without children it is nobody's. */
static bool makes_loop(struct threads *t, uint32_t child, uint32_t parent) {
    if (child == parent)
        return true;
    if (t->node[child].children == 0)
        return false;
    for (uint32_t n = parent; n != NONE; n = t->node[n].parent) {
        if (n == child || t->budget == 0)
            return true;
        t->budget--;
    }
    return false;
}

static uint32_t dummy_new(struct threads *t) {
    t->node[t->count] = (struct node){.parent = NONE, .first = NONE, .next = NONE, .subject = NONE};
    return t->count++;
}

/* RFC 5256 section 3, REFERENCES, steps 1 and 2. of_id: the node of each Message-ID, the first message that has it. */
static void link_messages(struct threads *t, uint32_t *of_id) {
    for (uint32_t i = 0; i < t->messages; i++) {
        const struct message *m = &t->message[i];
        uint32_t before = NONE;
        for (uint32_t k = 0; k < m->references; k++) {
            uint32_t *at = &of_id[t->reference[m->reference + k]];
            if (*at == NONE)
                *at = dummy_new(t);
            if (before != NONE && t->node[*at].parent == NONE && !makes_loop(t, *at, before))
                set_parent(t, *at, before);
            before = *at;
        }
        if (t->node[i].parent == before)
            continue;
        set_parent(t, i, NONE); /* what others thought is its parent was a guess */
        if (before != NONE && !makes_loop(t, i, before))
            set_parent(t, i, before);
    }
}

static uint32_t *make_ids(struct threads *t) {
    uint32_t *of_id = arena_array(t->arena, t->ids.used + 1, sizeof *of_id);
    for (uint32_t i = 0; i < t->ids.used; i++)
        of_id[i] = NONE;
    for (uint32_t i = t->messages; i-- > 0;)
        if (t->message[i].id != NONE)
            of_id[t->message[i].id] = i;
    return of_id;
}

/* Room for a dummy for each Message-ID, and one for each message for step 5. */
static void make_room(struct threads *t) {
    struct node *more = arena_array(t->arena, (size_t)t->messages * 2 + t->ids.used + 1, sizeof *more);
    if (t->messages)
        memcpy(more, t->node, t->messages * sizeof *more);
    t->node = more;
    t->count = t->messages;
    t->budget = 100000 + (uint64_t)t->messages * 200;
}

/* ---- pruning (step 3) ---- */

/* The nearest ancestor that is a message or, where there is none, the topmost one; NONE for what has no parent. Paths
 * over dummies are made short for those who come later. */
static uint32_t real_parent(struct threads *t, uint32_t n) {
    uint32_t to = t->node[n].parent, next;
    if (to == NONE)
        return NONE;
    while (is_dummy(t, to) && t->node[to].parent != NONE)
        to = t->node[to].parent;
    for (uint32_t at = t->node[n].parent; at != to; at = next) {
        next = t->node[at].parent;
        t->node[at].parent = to;
    }
    return to;
}

static void prune(struct threads *t) {
    for (uint32_t i = 0; i < t->messages; i++)
        t->node[i].parent = real_parent(t, i);
    for (uint32_t i = 0; i < t->count; i++)
        t->node[i].children = 0;
    for (uint32_t i = 0; i < t->messages; i++)
        if (t->node[i].parent != NONE)
            t->node[t->node[i].parent].children++;
    for (uint32_t i = 0; i < t->messages; i++) { /* a dummy with one child only: the child stands for itself */
        uint32_t parent = t->node[i].parent;
        if (parent != NONE && is_dummy(t, parent) && t->node[parent].children == 1)
            set_parent(t, i, NONE);
    }
    for (uint32_t i = t->messages; i < t->count; i++)
        t->node[i].deleted = t->node[i].children == 0;
}

/* ---- order ---- */

/* By date, then by number; a dummy is as its first child, which `first` says by then. */
static int by_date(const struct threads *t, uint32_t a, uint32_t b) {
    const struct node *x = &t->node[a], *y = &t->node[b];
    if (x->date != y->date)
        return x->date < y->date ? -1 : 1;
    uint32_t i = is_dummy(t, a) ? x->first : a, j = is_dummy(t, b) ? y->first : b;
    return (i > j) - (i < j);
}

static int roots_by_date(const void *a, const void *b, void *t) {
    return by_date(t, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* Finds the first child of each dummy, its date and subject, and the roots in order. */
static void sort_roots(struct threads *t) {
    for (uint32_t i = t->messages; i < t->count; i++)
        t->node[i].first = NONE;
    for (uint32_t i = 0; i < t->messages; i++) {
        uint32_t parent = t->node[i].parent;
        if (parent == NONE || !is_dummy(t, parent))
            continue;
        struct node *d = &t->node[parent];
        if (d->first == NONE || by_date(t, i, d->first) < 0) {
            d->first = i;
            d->date = t->node[i].date;
            d->subject = t->node[i].subject;
        }
    }
    t->roots = 0;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->node[i].parent == NONE && !t->node[i].deleted)
            t->root[t->roots++] = i;
    qsort_r(t->root, t->roots, sizeof *t->root, roots_by_date, t);
}

/* The nodes below others, by parent and date: so those of one parent follow each other. */
static int siblings_by_date(const void *a, const void *b, void *context) {
    const struct threads *t = context;
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b, p = t->node[i].parent, q = t->node[j].parent;
    return p != q ? (p > q) - (p < q) : by_date(t, i, j);
}

/* Step 6: the lists of children, from the last to the first. */
static void make_lists(struct threads *t) {
    uint32_t *below = arena_array(t->arena, t->messages + 1, sizeof *below), n = 0;
    for (uint32_t i = 0; i < t->count; i++)
        t->node[i].first = t->node[i].next = NONE;
    for (uint32_t i = 0; i < t->messages; i++)
        if (t->node[i].parent != NONE)
            below[n++] = i;
    qsort_r(below, n, sizeof *below, siblings_by_date, t);
    while (n-- > 0) {
        struct node *child = &t->node[below[n]], *parent = &t->node[child->parent];
        child->next = parent->first;
        parent->first = below[n];
    }
}

/* ---- by subject (step 5) ---- */

static void choose_heads(struct threads *t, uint32_t *head) {
    for (uint32_t i = 0; i < t->subjects.used; i++)
        head[i] = NONE;
    for (uint32_t i = 0; i < t->roots; i++) {
        uint32_t n = t->root[i], subject = t->node[n].subject;
        if (subject == NONE)
            continue;
        uint32_t h = head[subject];
        if (h == NONE || (!is_dummy(t, h) && (is_dummy(t, n) || (t->node[h].reply && !t->node[n].reply))))
            head[subject] = n;
    }
}

/* to[n]: where the children of a dummy that goes belong now. */
static void merge(struct threads *t, uint32_t n, uint32_t *head, uint32_t *to) {
    uint32_t h = *head;
    if (is_dummy(t, h) && is_dummy(t, n)) {
        to[n] = h;
        t->node[n].deleted = true;
    } else if (is_dummy(t, h) || (t->node[n].reply && !t->node[h].reply)) {
        set_parent(t, n, h);
    } else {
        *head = dummy_new(t);
        to[*head] = *head;
        set_parent(t, h, *head);
        set_parent(t, n, *head);
    }
}

static void gather_subjects(struct threads *t) {
    uint32_t *head = arena_array(t->arena, t->subjects.used + 1, sizeof *head);
    uint32_t *to = arena_array(t->arena, (size_t)t->count + t->messages + 1, sizeof *to);
    for (uint32_t i = 0; i < t->count; i++)
        to[i] = i;
    choose_heads(t, head);
    for (uint32_t i = 0; i < t->roots; i++) {
        uint32_t n = t->root[i], subject = t->node[n].subject;
        if (subject != NONE && head[subject] != n)
            merge(t, n, &head[subject], to);
    }
    for (uint32_t i = 0; i < t->messages; i++)
        if (t->node[i].parent != NONE)
            t->node[i].parent = to[t->node[i].parent];
}

void threads_by_references(struct threads *t) {
    uint32_t *of_id = make_ids(t);
    make_room(t);
    link_messages(t, of_id);
    t->root = arena_array(t->arena, (size_t)t->messages + t->count + 1, sizeof *t->root);
    prune(t);
    sort_roots(t);
    gather_subjects(t);
    sort_roots(t);
    make_lists(t);
}

/* ---- ORDEREDSUBJECT ---- */

void threads_by_subject(struct threads *t) {
    uint32_t *first = arena_array(t->arena, t->subjects.used + 1, sizeof *first); /* the last one: no subject */
    t->count = t->messages;
    t->root = arena_array(t->arena, t->messages + 1, sizeof *t->root);
    for (uint32_t i = 0; i <= t->subjects.used; i++)
        first[i] = NONE;
    for (uint32_t i = 0; i < t->messages; i++) {
        uint32_t *at = &first[t->node[i].subject == NONE ? t->subjects.used : t->node[i].subject];
        if (*at == NONE || by_date(t, i, *at) < 0)
            *at = i;
    }
    for (uint32_t i = 0; i < t->messages; i++) {
        uint32_t at = first[t->node[i].subject == NONE ? t->subjects.used : t->node[i].subject];
        t->node[i].parent = at == i ? NONE : at;
    }
    sort_roots(t);
    make_lists(t);
}

/* ---- writing ---- */

static bool has_several(const struct threads *t, uint32_t n) {
    uint32_t first = t->node[n].first;
    return first != NONE && t->node[first].next != NONE;
}

/* One thread, without recursion: a thread may be as deep as it has messages. */
static void write_thread(const struct threads *t, uint32_t root, const uint32_t *number, struct buf *out) {
    uint32_t n = root;
    buf_add_byte(out, '(');
    for (;;) {
        if (!is_dummy(t, n))
            buf_add_u64(out, number[n]);
        if (t->node[n].first != NONE) {
            buf_add_c(out, !has_several(t, n) ? " " : is_dummy(t, n) ? "(" : " (");
            n = t->node[n].first;
            continue;
        }
        while (n != root && t->node[n].next == NONE) {
            n = t->node[n].parent;
            if (has_several(t, n))
                buf_add_byte(out, ')');
        }
        if (n == root)
            break;
        buf_add_c(out, ")(");
        n = t->node[n].next;
    }
    buf_add_byte(out, ')');
}

void threads_write(const struct threads *t, const uint32_t *number, struct buf *out) {
    for (uint32_t i = 0; i < t->roots; i++)
        write_thread(t, t->root[i], number, out);
}
