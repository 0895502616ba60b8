/*
 * libunbound works in a thread of its own (ub_ctx_async) and tells answers through a descriptor; a second thread, ours,
 * takes them off and wakes whoever asked. So a look-up costs its caller no more than waiting, and can be given up when
 * its time is over, which the blocking ub_resolve() can't.
 */
#include "net/dns.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "net/dns_cache.h"
#include "net/sockaddr.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unbound.h>
#include <unistd.h>

enum {
    MAX_QUESTIONS = 512, /* at once; more wait for their turn */
    TIMEOUT_S = 15,      /* for one answer, waiting for a turn included */
    TIMEOUT_MAX_S = 120,
    NAME_MAX_TEXT = 253,                /* RFC 1035 2.3.4 */
    NAME_MAX_C = 4 * NAME_MAX_TEXT + 2, /* with every byte as \DDD */
    LABEL_MAX = 63,
    MAX_MX = 256, /* a domain with more has its least preferred ones ignored */
};

/* The root zone's key, from Debian's dns-root-data. */
#define ROOT_KEY "/usr/share/dns/root.key"

/* One question that somebody waits for; lives on the asker's stack. */
struct question {
    struct place *place;
    int async_id;
    bool asked, answered;
    struct ub_result *result; /* NULL: libunbound failed */
    pthread_cond_t changed;
    const char *name; /* lives until the answer was taken */
    int type;
    bool known; /* from the cache: nobody was asked */
    struct dns_answer answer;
};

/* What libunbound gives back with an answer. Outlives a question that was given up; free again when its answer has
 * come, or is sure not to come. */
struct place {
    struct dns *dns;
    struct place *next;        /* free ones */
    struct question *question; /* NULL: given up */
};

struct dns {
    struct ub_ctx *ub;
    struct dns_cache *cache;
    uint32_t timeout_s;
    pthread_t thread;
    int stop; /* eventfd */
    pthread_mutex_t lock;
    pthread_cond_t place_freed;
    struct place *free;
    struct place place[MAX_QUESTIONS];
};

/* ---- the resolver ---- */

static bool ub_failed(int code, struct err *err, const char *what, const char *on) {
    return code != 0 && !err_set(err, "resolver: %s %s: %s", what, on, ub_strerror(code));
}

static bool set_options(struct ub_ctx *ub, struct err *err) {
    static const char *const option[][2] = {
        {"do-not-query-localhost:", "no"}, /* a forwarder may be here */
        {"outgoing-range:", "256"},        /* a library's defaults are for a program with one user */
        {"num-queries-per-thread:", "512"}, {"outgoing-num-tcp:", "32"}, {"msg-cache-size:", "8m"},
        {"rrset-cache-size:", "16m"},       {"key-cache-size:", "2m"},   {"neg-cache-size:", "2m"},
        {"cache-max-negative-ttl:", "300"}, /* a domain that has just been made is found soon */
        {"infra-host-ttl:", "60"},          /* so is a forwarder that was away */
        {"infra-keep-probing:", "yes"},
    };
    for (size_t i = 0; i < sizeof option / sizeof *option; i++) {
        int code = ub_ctx_set_option(ub, option[i][0], option[i][1]);
        if (ub_failed(code, err, "option", option[i][0]))
            return false;
    }
    return true;
}

static bool add_forwarder(struct ub_ctx *ub, struct str word, struct err *err) {
    char text[128];
    struct sockaddr_storage a;
    uint32_t port = 53;
    ptrdiff_t at = str_chr(word, '@');
    struct str address = at < 0 ? word : str_sub(word, 0, (size_t)at);
    if (at >= 0 && (!str_u32(str_sub(word, (size_t)at + 1, word.n), &port) || port == 0 || port > UINT16_MAX))
        return err_set(err, "resolver: '%.*s' has no port after its '@'", STR_ARG(word));
    if (!str_to_c(word, text, sizeof text) || !sockaddr_from_text(address, (uint16_t)port, &a))
        return err_set(err, "resolver: '%.*s' is no address: write 192.0.2.1@53", STR_ARG(word));
    return !ub_failed(ub_ctx_set_fwd(ub, text), err, "forwarding to", text);
}

static bool add_anchor(struct ub_ctx *ub, struct str path, struct err *err) {
    char text[512];
    if (!str_to_c(path, text, sizeof text))
        return err_set(err, "resolver: the path of the trust anchor is too long");
    if (access(text, R_OK) != 0)
        return err_errno(err, "resolver: can't read the trust anchor %s", text);
    return !ub_failed(ub_ctx_add_ta_file(ub, text), err, "trust anchor", text);
}

/* A forwarder is asked about everything: libunbound by itself would answer for private addresses' reverse zones and
 * for "test." that they don't exist (RFC 6303, RFC 6761), which is wrong where the forwarder knows them. */
static bool leave_all_to_forwarder(struct ub_ctx *ub, struct err *err) {
    return !ub_failed(ub_ctx_set_option(ub, "unblock-lan-zones:", "yes"), err, "option", "unblock-lan-zones") &&
           !ub_failed(ub_ctx_set_option(ub, "insecure-lan-zones:", "yes"), err, "option", "insecure-lan-zones") &&
           !ub_failed(ub_ctx_zone_remove(ub, "test."), err, "zone", "test.");
}

/* One word of the resolver's setting. */
static bool configure_word(struct dns *d, struct str word, bool *forwards, struct err *err) {
    if (str_starts(word, STR("anchor=")))
        return add_anchor(d->ub, str_sub(word, 7, word.n), err);
    if (str_starts(word, STR("timeout="))) {
        if (str_u32(str_sub(word, 8, word.n), &d->timeout_s) && d->timeout_s > 0 && d->timeout_s <= TIMEOUT_MAX_S)
            return true;
        return err_set(err, "resolver: '%.*s': the timeout is 1 to %d seconds", STR_ARG(word), TIMEOUT_MAX_S);
    }
    *forwards = true;
    return add_forwarder(d->ub, word, err);
}

static bool configure(struct dns *d, const char *resolver, struct err *err) {
    struct str words = str_trim(str_of(resolver)), word;
    struct ub_ctx *ub = d->ub;
    bool forwards = false;
    if (!set_options(ub, err))
        return false;
    if (words.n == 0)
        return access(ROOT_KEY, R_OK) != 0 || add_anchor(ub, STR(ROOT_KEY), err);
    if (str_eq(words, STR("system")))
        return !ub_failed(ub_ctx_resolvconf(ub, NULL), err, "reading", "/etc/resolv.conf") &&
               !ub_failed(ub_ctx_hosts(ub, NULL), err, "reading", "/etc/hosts") && leave_all_to_forwarder(ub, err);
    while (str_split(&words, ' ', &word))
        if (word.n && !configure_word(d, word, &forwards, err))
            return false;
    return !forwards || leave_all_to_forwarder(ub, err);
}

/* ---- asking ---- */

static _Thread_local int64_t thread_limit; /* 0: none */

void dns_limit(int64_t until) { thread_limit = until; }

static int64_t deadline_of(const struct dns *d) {
    int64_t deadline = clock_monotonic() + d->timeout_s * CLOCK_SECOND;
    return thread_limit && thread_limit < deadline ? thread_limit : deadline;
}

static struct timespec timespec_of(int64_t monotonic) {
    return (struct timespec){monotonic / CLOCK_SECOND, monotonic % CLOCK_SECOND * 1000};
}

static void free_place(struct place *p) {
    p->next = p->dns->free;
    p->dns->free = p;
    pthread_cond_signal(&p->dns->place_freed);
}

/* Called from the taker's ub_process(). */
static void on_answer(void *data, int failure, struct ub_result *result) {
    struct place *p = data;
    struct dns *d = p->dns;
    pthread_mutex_lock(&d->lock);
    if (p->question) {
        p->question->result = failure ? NULL : result;
        p->question->answered = true;
        pthread_cond_signal(&p->question->changed);
    }
    if (!p->question || failure)
        ub_resolve_free(result);
    free_place(p);
    pthread_mutex_unlock(&d->lock);
}

static void *take_answers(void *context) {
    struct dns *d = context;
    for (;;) {
        struct pollfd p[2] = {{.fd = ub_fd(d->ub), .events = POLLIN}, {.fd = d->stop, .events = POLLIN}};
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[1].revents)
            return NULL;
        int code = p[0].revents ? ub_process(d->ub) : 0;
        if (code != 0)
            log_error("resolver: %s", ub_strerror(code));
    }
}

/* Waits for a place until the deadline; NULL when there is none. */
static struct place *take_place(struct dns *d, struct question *q, int64_t deadline) {
    struct timespec until = timespec_of(deadline);
    pthread_mutex_lock(&d->lock);
    while (!d->free && pthread_cond_clockwait(&d->place_freed, &d->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
    struct place *p = d->free;
    if (p) {
        d->free = p->next;
        p->question = q;
    }
    pthread_mutex_unlock(&d->lock);
    return p;
}

static void ask(struct dns *d, struct question *q, const char *name, int type, int64_t deadline) {
    *q = (struct question){0};
    pthread_cond_init(&q->changed, NULL);
    q->place = take_place(d, q, deadline);
    if (!q->place)
        return;
    int code = ub_resolve_async(d->ub, name, type, ns_c_in, q->place, on_answer, &q->async_id);
    q->asked = code == 0;
    if (code != 0) {
        log_error("resolver: can't ask for %s: %s", name, ub_strerror(code));
        pthread_mutex_lock(&d->lock);
        free_place(q->place);
        pthread_mutex_unlock(&d->lock);
    }
}

/* Waits for the answer; NULL where there is none. The caller frees it with ub_resolve_free(). */
static struct ub_result *await(struct dns *d, struct question *q, int64_t deadline) {
    struct timespec until = timespec_of(deadline);
    pthread_mutex_lock(&d->lock);
    while (q->asked && !q->answered && pthread_cond_clockwait(&q->changed, &d->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
    bool give_up = q->asked && !q->answered;
    if (give_up)
        q->place->question = NULL;
    pthread_mutex_unlock(&d->lock);
    /* Where libunbound says that there was nothing to cancel, the answer is on its way and will free the place. */
    if (give_up && ub_cancel(d->ub, q->async_id) == 0) {
        pthread_mutex_lock(&d->lock);
        free_place(q->place);
        pthread_mutex_unlock(&d->lock);
    }
    pthread_cond_destroy(&q->changed);
    return q->result;
}

/* ---- starting and ending ---- */

/* Starts libunbound's thread and ours, neither of which is to take the process's signals. The question starts the
 * former; it is answered without the network (RFC 6761 6.3). */
static bool start_threads(struct dns *d, struct err *err) {
    sigset_t all, old;
    struct question q;
    int64_t deadline = deadline_of(d);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    ask(d, &q, "localhost", ns_t_a, deadline);
    bool ok = q.asked && pthread_create(&d->thread, NULL, take_answers, d) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!ok) {
        pthread_cond_destroy(&q.changed);
        return err_set(err, "resolver: can't start its threads");
    }
    ub_resolve_free(await(d, &q, deadline));
    return true;
}

static void dns_destroy(struct dns *d) {
    if (d->ub)
        ub_ctx_delete(d->ub);
    dns_cache_free(d->cache);
    if (d->stop >= 0)
        close(d->stop);
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->place_freed);
    free(d);
}

struct dns *dns_new(const char *resolver, struct err *err) {
    struct dns *d = mem_zero(sizeof *d);
    d->timeout_s = TIMEOUT_S;
    d->cache = dns_cache_new();
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->place_freed, NULL);
    for (size_t i = MAX_QUESTIONS; i-- > 0;) {
        d->place[i].dns = d;
        free_place(&d->place[i]);
    }
    d->stop = eventfd(0, EFD_CLOEXEC);
    d->ub = ub_ctx_create();
    bool ok = d->stop >= 0 && d->ub ? !ub_failed(ub_ctx_async(d->ub, 1), err, "threads", "of libunbound") &&
                                          configure(d, resolver ? resolver : "", err) && start_threads(d, err)
                                    : err_errno(err, "resolver: can't be made");
    if (ok)
        return d;
    dns_destroy(d);
    return NULL;
}

void dns_free(struct dns *d) {
    if (!d)
        return;
    uint64_t one = 1;
    if (write(d->stop, &one, sizeof one) != sizeof one)
        log_panic("can't stop the resolver: %m");
    pthread_join(d->thread, NULL);
    dns_destroy(d);
}

/* ---- names ---- */

/* RFC 1035 2.3.4: lengths count. Of other bytes than a host name's, those that are safe to write in text form are taken
 * as they are; with `any` all the others too, as RFC 1035 5.1 writes them (RFC 2181 11). */
static bool name_to_c(struct str name, bool any, char out[NAME_MAX_C]) {
    size_t n = 0;
    if (name.n && name.p[name.n - 1] == '.')
        name.n--;
    if (name.n == 0 || name.n > NAME_MAX_TEXT)
        return false;
    struct str rest = name, label;
    while (str_split(&rest, '.', &label)) {
        if (label.n == 0 || label.n > LABEL_MAX)
            return false;
        for (size_t i = 0; i < label.n; i++) {
            bool plain = label.p[i] > ' ' && label.p[i] <= '~' && label.p[i] != '\\';
            if (plain)
                out[n++] = label.p[i];
            else if (any)
                n += (size_t)snprintf(out + n, NAME_MAX_C - n, "\\%03d", (unsigned char)label.p[i]);
            else
                return false;
        }
        out[n++] = '.';
    }
    out[n - 1] = 0;
    return true;
}

bool dns_rdata_name(struct arena *a, struct str rdata, struct str *out) {
    char text[NAME_MAX_TEXT + 3];
    size_t n = 0, i = 0;
    for (;;) {
        if (i >= rdata.n)
            return false;
        size_t len = (unsigned char)rdata.p[i++];
        if (len == 0)
            break;
        if (len > LABEL_MAX || len > rdata.n - i || n + len + 1 > NAME_MAX_TEXT + 1)
            return false;
        for (size_t k = 0; k < len; k++) {
            char c = rdata.p[i + k];
            if (c <= ' ' || c > '~' || c == '.' || c == '\\')
                return false;
            text[n++] = ascii_lower(c);
        }
        text[n++] = '.';
        i += len;
    }
    *out = arena_str(a, str_n(text, n ? n - 1 : 0));
    return true;
}

/* ---- answers ---- */

static enum dns_status status_of(const struct ub_result *r) {
    if (!r || r->bogus)
        return DNS_TEMPORARY;
    if (r->rcode == ns_r_nxdomain)
        return DNS_NXDOMAIN;
    if (r->rcode != ns_r_noerror)
        return DNS_TEMPORARY;
    return r->havedata ? DNS_OK : DNS_NODATA;
}

static void copy_rdata(const struct ub_result *r, struct arena *a, struct str **out, size_t *count) {
    size_t n = 0;
    while (r->data[n])
        n++;
    *out = arena_array(a, n, sizeof **out);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = arena_str(a, str_n(r->data[i], r->len[i] > 0 ? (size_t)r->len[i] : 0));
    *count = n;
}

/* Asks, where the answer is not known. */
static void begin(struct dns *d, struct arena *a, struct question *q, const char *name, int type, int64_t deadline) {
    struct dns_answer known;
    if (dns_cache_find(d->cache, a, name, type, &known))
        *q = (struct question){.known = true, .answer = known};
    else
        ask(d, q, name, type, deadline);
    q->name = name;
    q->type = type;
}

/* Takes the result. */
static void read_result(struct dns *d, const struct question *q, struct ub_result *r, struct arena *a,
                        struct dns_answer *out) {
    *out = (struct dns_answer){.status = status_of(r)};
    if (out->status == DNS_OK)
        copy_rdata(r, a, &out->rdata, &out->count);
    out->secure = r && r->secure && !r->bogus;
    if (out->status != DNS_TEMPORARY)
        dns_cache_keep(d->cache, q->name, q->type, out, r->ttl);
    if (r && r->bogus)
        log_info("resolver: %s is bogus: %s", r->qname, r->why_bogus ? r->why_bogus : "DNSSEC validation failed");
    ub_resolve_free(r);
}

/* Waits for the answer of a question that was begun. */
static enum dns_status finish(struct dns *d, struct question *q, int64_t deadline, struct arena *a, struct str **rdata,
                              size_t *count, bool *secure) {
    if (!q->known)
        read_result(d, q, await(d, q, deadline), a, &q->answer);
    *rdata = q->answer.rdata;
    *count = q->answer.count;
    if (secure)
        *secure = q->answer.secure;
    return q->answer.status;
}

static enum dns_status query(struct dns *d, struct arena *a, const char *name, int type, int64_t deadline,
                             struct str **rdata, size_t *count, bool *secure) {
    struct question q;
    begin(d, a, &q, name, type, deadline);
    return finish(d, &q, deadline, a, rdata, count, secure);
}

enum dns_status dns_query(struct dns *d, struct arena *a, struct str name, int type, struct str **rdata, size_t *count,
                          bool *secure) {
    char text[NAME_MAX_C];
    *rdata = NULL;
    *count = 0;
    if (secure)
        *secure = false;
    if (!name_to_c(name, false, text))
        return DNS_BAD_NAME;
    return query(d, a, text, type, deadline_of(d), rdata, count, secure);
}

enum dns_status dns_query_until(struct dns *d, struct arena *a, struct str name, int type, int64_t deadline,
                                struct str **rdata, size_t *count) {
    char text[NAME_MAX_C];
    int64_t own = deadline_of(d);
    *rdata = NULL;
    *count = 0;
    if (!name_to_c(name, true, text))
        return DNS_BAD_NAME;
    return query(d, a, text, type, own < deadline ? own : deadline, rdata, count, NULL);
}

void dns_query_all(struct dns *d, struct arena *a, struct dns_question *q, size_t n, int64_t deadline) {
    int64_t own = deadline_of(d);
    struct question *question = arena_array(a, n, sizeof *question);
    deadline = own < deadline ? own : deadline;
    for (size_t i = 0; i < n; i++) {
        char *text = arena_alloc(a, NAME_MAX_C);
        q[i].status = name_to_c(q[i].name, true, text) ? DNS_OK : DNS_BAD_NAME;
        q[i].rdata = NULL;
        q[i].count = 0;
        if (q[i].status == DNS_OK)
            begin(d, a, &question[i], text, q[i].type, deadline);
    }
    for (size_t i = 0; i < n; i++)
        if (q[i].status == DNS_OK)
            q[i].status = finish(d, &question[i], deadline, a, &q[i].rdata, &q[i].count, NULL);
}

/* In random order among equals, so that a domain's hosts share the load (RFC 5321 5.1). */
static void sort_mx(struct dns_mx *mx, size_t n) {
    for (size_t i = n; i-- > 1;) {
        uint32_t r;
        random_bytes(&r, sizeof r);
        struct dns_mx swap = mx[i];
        mx[i] = mx[r % (i + 1)];
        mx[r % (i + 1)] = swap;
    }
    for (size_t i = 1; i < n; i++) {
        struct dns_mx one = mx[i];
        size_t k = i;
        for (; k > 0 && mx[k - 1].preference > one.preference; k--)
            mx[k] = mx[k - 1];
        mx[k] = one;
    }
}

enum dns_status dns_mx(struct dns *d, struct arena *a, struct str domain, struct dns_mx **out, size_t *count,
                       bool *secure) {
    struct str *rdata;
    size_t n, kept = 0;
    *out = NULL;
    *count = 0;
    enum dns_status status = dns_query(d, a, domain, ns_t_mx, &rdata, &n, secure);
    if (status != DNS_OK)
        return status;
    struct dns_mx *mx = arena_array(a, n, sizeof *mx);
    for (size_t i = 0; i < n && kept < MAX_MX; i++) {
        const unsigned char *p = (const unsigned char *)rdata[i].p;
        if (rdata[i].n < 3 || !dns_rdata_name(a, str_sub(rdata[i], 2, rdata[i].n), &mx[kept].host))
            continue;
        if (mx[kept].host.n == 0 && n > 1)
            continue; /* RFC 7505 3: a null MX is the only one; among others it is a mistake */
        mx[kept++].preference = (uint16_t)(p[0] << 8 | p[1]);
    }
    sort_mx(mx, kept);
    *out = mx;
    *count = kept;
    return kept ? DNS_OK : DNS_NODATA;
}

static size_t add_addresses(struct dns_address *to, sa_family_t family, const struct str *rdata, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool six = family == AF_INET6;
        if (rdata[i].n != (six ? sizeof v6.sin6_addr : sizeof v4.sin_addr))
            continue;
        memcpy(six ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr, rdata[i].p, rdata[i].n);
        memcpy(&to[kept++].address, six ? (void *)&v6 : (void *)&v4, six ? sizeof v6 : sizeof v4);
    }
    return kept;
}

enum dns_status dns_addresses(struct dns *d, struct arena *a, struct str host, struct dns_address **out, size_t *count,
                              bool *secure) {
    char text[NAME_MAX_C];
    struct question q6, q4;
    struct str *six, *four;
    size_t n6, n4;
    bool secure6, secure4;
    *out = NULL;
    *count = 0;
    if (secure)
        *secure = false;
    if (!name_to_c(host, false, text))
        return DNS_BAD_NAME;
    int64_t deadline = deadline_of(d);
    begin(d, a, &q6, text, ns_t_aaaa, deadline);
    begin(d, a, &q4, text, ns_t_a, deadline);
    enum dns_status s6 = finish(d, &q6, deadline, a, &six, &n6, &secure6);
    enum dns_status s4 = finish(d, &q4, deadline, a, &four, &n4, &secure4);
    *out = arena_array(a, n6 + n4, sizeof **out);
    *count = add_addresses(*out, AF_INET6, six, n6);
    *count += add_addresses(*out + *count, AF_INET, four, n4);
    if (secure)
        *secure = secure6 && secure4;
    if (*count)
        return DNS_OK;
    if (s6 == DNS_TEMPORARY || s4 == DNS_TEMPORARY)
        return DNS_TEMPORARY;
    return s6 == DNS_NXDOMAIN && s4 == DNS_NXDOMAIN ? DNS_NXDOMAIN : DNS_NODATA;
}

struct str dns_rdata_text(struct arena *a, struct str rdata) {
    char *p = arena_alloc(a, rdata.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < rdata.n;) {
        size_t len = (unsigned char)rdata.p[i++];
        if (len > rdata.n - i)
            len = rdata.n - i;
        memcpy(p + n, rdata.p + i, len);
        n += len;
        i += len;
    }
    return str_n(p, n);
}

enum dns_status dns_txt(struct dns *d, struct arena *a, struct str name, struct str **out, size_t *count,
                        bool *secure) {
    enum dns_status status = dns_query(d, a, name, ns_t_txt, out, count, secure);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = dns_rdata_text(a, (*out)[i]);
    return status;
}

/* RFC 1035 3.5, RFC 3596 2.5. */
struct str dns_reverse_name(struct arena *a, const struct sockaddr_storage *address) {
    static const char hex[] = "0123456789abcdef";
    struct sockaddr_storage plain = *address;
    sockaddr_unmap(&plain);
    if (plain.ss_family == AF_INET) {
        const unsigned char *p = (const unsigned char *)&((struct sockaddr_in *)&plain)->sin_addr;
        return arena_printf(a, "%d.%d.%d.%d.in-addr.arpa", p[3], p[2], p[1], p[0]);
    }
    if (plain.ss_family != AF_INET6)
        return STR("");
    const unsigned char *p = ((struct sockaddr_in6 *)&plain)->sin6_addr.s6_addr;
    struct buf name = BUF_EMPTY;
    for (int i = 15; i >= 0; i--)
        buf_printf(&name, "%c.%c.", hex[p[i] & 15], hex[p[i] >> 4]);
    buf_add_c(&name, "ip6.arpa");
    struct str out = arena_str(a, buf_str(&name));
    buf_free(&name);
    return out;
}

enum dns_status dns_ptr(struct dns *d, struct arena *a, const struct sockaddr_storage *address, struct str **out,
                        size_t *count) {
    size_t n, kept = 0;
    enum dns_status status = dns_query(d, a, dns_reverse_name(a, address), ns_t_ptr, out, &n, NULL);
    for (size_t i = 0; i < n; i++)
        if (dns_rdata_name(a, (*out)[i], &(*out)[kept]) && (*out)[kept].n)
            kept++;
    *count = kept;
    return status == DNS_OK && kept == 0 ? DNS_NODATA : status;
}

const char *dns_status_text(enum dns_status s) {
    switch (s) {
    case DNS_OK:
        return "found";
    case DNS_NODATA:
        return "no such record";
    case DNS_NXDOMAIN:
        return "no such domain";
    case DNS_TEMPORARY:
        return "no answer from the name servers";
    case DNS_BAD_NAME:
        return "not a domain name";
    }
    return "unknown";
}
