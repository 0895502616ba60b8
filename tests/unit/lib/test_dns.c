/* The resolver asks a BIND of our own, with a few zones, one of them signed, on a free port of 127.0.0.1. */
#include "base/clock.h"
#include "base/memory.h"
#include "net/dns.h"
#include "net/sockaddr.h"
#include "server_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static char folder[64];
static pid_t named;
static uint16_t port;
static struct dns *dns;
static struct arena arena;

static const char zone[] = "$TTL 300\n"
                           "@ IN SOA ns hostmaster 1 3600 900 604800 60\n"
                           "@ IN NS ns\n"
                           "@ IN MX 20 Backup.Example.TEST.\n"
                           "@ IN MX 10 mx-a\n"
                           "@ IN MX 10 mx-b\n"
                           "@ IN MX 10 mx-c\n"
                           "ns IN A 127.0.0.1\n"
                           "mx-a IN A 192.0.2.1\n"
                           "mx-a IN AAAA 2001:db8::1\n"
                           "mx-b IN A 192.0.2.2\n"
                           "mx-c IN A 192.0.2.3\n"
                           "alias IN CNAME mx-a\n"
                           "nomail IN MX 0 .\n"
                           "mixed IN MX 0 .\n"
                           "mixed IN MX 5 mx-a\n"
                           "a\\032\\092\\000\\255.odd IN A 192.0.2.77\n"
                           "txt IN TXT \"v=spf1 \" \"include:a \" \"-all\"\n"
                           "txt IN TXT \"second\\000with NUL\"\n"
                           "strange IN MX 5 a\\.b\\000c\n";
static const char reverse[] = "$TTL 300\n@ IN SOA ns.example.test. hostmaster.example.test. 1 3600 900 604800 60\n"
                              "@ IN NS ns.example.test.\n"
                              "1 IN PTR MX-A.example.test.\n";
static const char reverse6[] = "$TTL 300\n@ IN SOA ns.example.test. hostmaster.example.test. 1 3600 900 604800 60\n"
                               "@ IN NS ns.example.test.\n"
                               "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 IN PTR mx-a.example.test.\n";
static const char signed_zone[] = "$TTL 300\n@ IN SOA ns hostmaster 1 3600 900 604800 60\n"
                                  "@ IN NS ns\n@ IN MX 10 mx\nns IN A 127.0.0.1\nmx IN A 192.0.2.9\n";

static void write_file(const char *name, const char *text) {
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *fmt, ...) {
    char command[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    return system(command);
}

/* A port that was free a moment ago, for UDP and TCP. */
static uint16_t free_port(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
    getsockname(fd, (struct sockaddr *)&a, &n);
    close(fd);
    return ntohs(a.sin_port);
}

static void sign(const char *name) {
    write_file(name, signed_zone);
    int r =
        shell("cd %s && dnssec-keygen -q -a ECDSAP256SHA256 -f KSK %s >ksk && dnssec-keygen -q -a ECDSAP256SHA256 %s "
              ">zsk && cat K%s.+*.key >>%s && dnssec-signzone -q -S -z -o %s %s >/dev/null 2>&1 && cat $(cat ksk).key "
              ">>anchors",
              folder, name, name, name, name, name, name);
    assert_int_equal(r, 0);
}

static void configure(void) {
    char text[2048];
    port = free_port();
    write_file("example", zone);
    write_file("reverse", reverse);
    write_file("reverse6", reverse6);
    write_file("broken", "this is no zone\n");
    sign("signed.test");
    sign("bogus.test");
    /* bogus.test is served with another key than the anchor says. */
    shell("cd %s && rm -f Kbogus* bogus.test.signed && mv anchors anchors.all", folder);
    sign("bogus.test");
    shell("cd %s && mv anchors.all anchors", folder);
    snprintf(text, sizeof text,
             "options { directory \"%s\"; pid-file none; listen-on port %d { 127.0.0.1; }; listen-on-v6 { none; };\n"
             "  recursion yes; allow-query { any; }; dnssec-validation no; session-keyfile none; empty-zones-enable "
             "no; check-names primary ignore;\n"
             "  forward only; forwarders { 127.0.0.1 port 9; }; };\n"
             "controls { };\n"
             "zone \"example.test\" { type primary; file \"example\"; };\n"
             "zone \"2.0.192.in-addr.arpa\" { type primary; file \"reverse\"; };\n"
             "zone \"8.b.d.0.1.0.0.2.ip6.arpa\" { type primary; file \"reverse6\"; };\n"
             "zone \"broken.test\" { type primary; file \"broken\"; };\n"
             "zone \"signed.test\" { type primary; file \"signed.test.signed\"; };\n"
             "zone \"bogus.test\" { type primary; file \"bogus.test.signed\"; };\n",
             folder, port);
    write_file("named.conf", text);
}

static void start_named(void) {
    char path[160];
    snprintf(path, sizeof path, "%s/named.conf", folder);
    named = fork();
    if (named == 0) {
        int log = open("/dev/null", O_WRONLY);
        dup2(log, STDERR_FILENO);
        dup2(log, STDOUT_FILENO);
        execlp("named", "named", "-g", "-n", "1", "-c", path, (char *)NULL);
        _exit(127);
    }
    assert_true(named > 0);
}

static int start(void **state) {
    (void)state;
    struct err err;
    char resolver[256];
    setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", 1);
    if (shell("command -v named >/dev/null && command -v dnssec-signzone >/dev/null") != 0)
        return 0;
    snprintf(folder, sizeof folder, "/tmp/test_dns.XXXXXX");
    assert_non_null(mkdtemp(folder));
    configure();
    start_named();
    snprintf(resolver, sizeof resolver, "127.0.0.1@%d anchor=%s/anchors timeout=10", port, folder);
    dns = dns_new(resolver, &err);
    if (!dns)
        fail_msg("%s", err.text);
    /* Until named answers, the resolver finds nothing; a type that no test asks for, so that no test gets that from
     * its cache. */
    struct str *rdata;
    size_t n;
    for (int i = 0; i < 200; i++) {
        if (dns_query(dns, &arena, STR("example.test"), 6, &rdata, &n, NULL) == DNS_OK)
            return 0;
        sleep_ms(50);
    }
    fail_msg("named does not answer");
    return 1;
}

static int stop(void **state) {
    (void)state;
    dns_free(dns);
    arena_free(&arena);
    if (named > 0) {
        kill(named, SIGTERM);
        waitpid(named, NULL, 0);
        return shell("rm -rf %s", folder);
    }
    return 0;
}

#define NEEDS_NAMED()                                                                                                  \
    (void)state;                                                                                                       \
    if (!dns)                                                                                                          \
    skip()

static void mx_records_are_sorted_and_shuffled_within_a_preference(void **state) {
    NEEDS_NAMED();
    struct dns_mx *mx;
    size_t n;
    bool secure, first[3] = {false};
    for (int i = 0; i < 100; i++) {
        assert_int_equal(dns_mx(dns, &arena, STR("Example.TEST."), &mx, &n, &secure), DNS_OK);
        assert_int_equal(n, 4);
        assert_true(mx[0].preference == 10 && mx[2].preference == 10 && mx[3].preference == 20);
        assert_true(str_eq(mx[3].host, STR("backup.example.test")));
        assert_false(secure);
        first[mx[0].host.p[3] - 'a'] = true;
    }
    assert_true(first[0] && first[1] && first[2]);
}

static void a_null_mx_is_an_empty_host_unless_there_are_others(void **state) {
    NEEDS_NAMED();
    struct dns_mx *mx;
    size_t n;
    assert_int_equal(dns_mx(dns, &arena, STR("nomail.example.test"), &mx, &n, NULL), DNS_OK);
    assert_true(n == 1 && mx[0].host.n == 0);
    assert_int_equal(dns_mx(dns, &arena, STR("mixed.example.test"), &mx, &n, NULL), DNS_OK);
    assert_true(n == 1 && str_eq(mx[0].host, STR("mx-a.example.test")));
}

static void a_host_with_bytes_no_host_has_is_left_out(void **state) {
    NEEDS_NAMED();
    struct dns_mx *mx;
    size_t n;
    assert_int_equal(dns_mx(dns, &arena, STR("strange.example.test"), &mx, &n, NULL), DNS_NODATA);
    assert_int_equal(n, 0);
}

static void the_kinds_of_no_answer_are_told_apart(void **state) {
    NEEDS_NAMED();
    struct dns_mx *mx;
    struct str *txt;
    size_t n;
    assert_int_equal(dns_mx(dns, &arena, STR("mx-a.example.test"), &mx, &n, NULL), DNS_NODATA);
    assert_int_equal(dns_txt(dns, &arena, STR("nothing.example.test"), &txt, &n, NULL), DNS_NXDOMAIN);
    assert_int_equal(dns_txt(dns, &arena, STR("broken.test"), &txt, &n, NULL), DNS_TEMPORARY);
    const char *bad[] = {"",
                         ".",
                         "a..b",
                         ".a",
                         "a b",
                         "a\\046b",
                         "gr\xc3\xbc\xc3\x9f.test",
                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(dns_txt(dns, &arena, str_of(bad[i]), &txt, &n, NULL), DNS_BAD_NAME);
    assert_int_equal(dns_txt(dns, &arena, STR("a\0.test"), &txt, &n, NULL), DNS_BAD_NAME);
    for (int s = DNS_OK; s <= DNS_BAD_NAME; s++)
        assert_true(*dns_status_text((enum dns_status)s) != 0);
}

static void addresses_are_both_kinds_and_follow_aliases(void **state) {
    NEEDS_NAMED();
    struct dns_address *address;
    size_t n;
    char text[SOCKADDR_TEXT];
    assert_int_equal(dns_addresses(dns, &arena, STR("alias.example.test"), &address, &n, NULL), DNS_OK);
    assert_int_equal(n, 2);
    sockaddr_text(&address[0].address, text);
    assert_string_equal(text, "2001:db8::1");
    sockaddr_text(&address[1].address, text);
    assert_string_equal(text, "192.0.2.1");
    assert_int_equal(sockaddr_port(&address[1].address), 0);
    assert_int_equal(dns_addresses(dns, &arena, STR("mx-b.example.test"), &address, &n, NULL), DNS_OK);
    assert_int_equal(n, 1);
    assert_int_equal(dns_addresses(dns, &arena, STR("no.example.test"), &address, &n, NULL), DNS_NXDOMAIN);
    assert_int_equal(dns_addresses(dns, &arena, STR("txt.example.test"), &address, &n, NULL), DNS_NODATA);
    assert_int_equal(dns_addresses(dns, &arena, STR("broken.test"), &address, &n, NULL), DNS_TEMPORARY);
}

static void txt_strings_are_joined_and_keep_any_byte(void **state) {
    NEEDS_NAMED();
    struct str *txt;
    size_t n;
    assert_int_equal(dns_txt(dns, &arena, STR("txt.example.test"), &txt, &n, NULL), DNS_OK);
    assert_int_equal(n, 2);
    size_t spf = str_starts(txt[0], STR("v=spf1")) ? 0 : 1;
    assert_true(str_eq(txt[spf], STR("v=spf1 include:a -all")));
    assert_true(str_eq(txt[1 - spf], STR("second\0with NUL")));
}

static void a_name_of_any_bytes_can_be_asked_for_where_it_is_wanted(void **state) {
    NEEDS_NAMED();
    int64_t deadline = clock_monotonic() + 10 * CLOCK_SECOND;
    struct str *rdata;
    size_t n;
    assert_int_equal(dns_query_until(dns, &arena, STR("a \\\0\xff.odd.example.test"), 1, deadline, &rdata, &n), DNS_OK);
    assert_true(n == 1 && str_eq(rdata[0], STR("\xc0\0\2\x4d")));
    assert_int_equal(dns_query_until(dns, &arena, STR("a \\\1\xff.odd.example.test"), 1, deadline, &rdata, &n),
                     DNS_NXDOMAIN);
    assert_int_equal(dns_query_until(dns, &arena, STR("a..b.test"), 1, deadline, &rdata, &n), DNS_BAD_NAME);
}

static void nobody_waits_beyond_a_deadline_of_his_own(void **state) {
    (void)state;
    struct sockaddr_in silent = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof silent;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&silent, length), 0);
    getsockname(fd, (struct sockaddr *)&silent, &length);
    struct err err;
    char resolver[64];
    snprintf(resolver, sizeof resolver, "127.0.0.1@%d timeout=4", ntohs(silent.sin_port));
    struct dns *d = dns_new(resolver, &err);
    assert_non_null(d);
    int64_t before = clock_monotonic();
    struct str *rdata;
    size_t n;
    assert_int_equal(dns_query_until(d, &arena, STR("a.test"), 1, before + CLOCK_SECOND / 5, &rdata, &n),
                     DNS_TEMPORARY);
    assert_true(clock_monotonic() - before < 2 * CLOCK_SECOND);
    dns_free(d);
    close(fd);
}

static void reverse_names_are_found_for_both_kinds(void **state) {
    NEEDS_NAMED();
    const char *addresses[] = {"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"};
    struct sockaddr_storage a;
    struct str *name;
    size_t n;
    for (size_t i = 0; i < 3; i++) {
        assert_true(sockaddr_from_text(str_of(addresses[i]), 25, &a));
        assert_int_equal(dns_ptr(dns, &arena, &a, &name, &n), DNS_OK);
        assert_true(n == 1 && str_eq(name[0], STR("mx-a.example.test")));
    }
    assert_true(sockaddr_from_text(STR("192.0.2.77"), 25, &a));
    assert_int_equal(dns_ptr(dns, &arena, &a, &name, &n), DNS_NXDOMAIN);
}

static void a_signed_answer_is_secure_and_a_forged_one_is_none(void **state) {
    NEEDS_NAMED();
    struct dns_mx *mx;
    struct dns_address *address;
    size_t n;
    bool secure;
    assert_int_equal(dns_mx(dns, &arena, STR("signed.test"), &mx, &n, &secure), DNS_OK);
    assert_true(n == 1 && secure);
    assert_int_equal(dns_addresses(dns, &arena, STR("mx.signed.test"), &address, &n, &secure), DNS_OK);
    assert_true(n == 1 && secure);
    assert_int_equal(dns_mx(dns, &arena, STR("none.signed.test"), &mx, &n, &secure), DNS_NXDOMAIN);
    assert_true(secure);
    assert_int_equal(dns_mx(dns, &arena, STR("bogus.test"), &mx, &n, &secure), DNS_TEMPORARY);
    assert_false(secure);
}

static void *ask_often(void *counter) {
    struct arena a = ARENA_EMPTY;
    struct str *txt;
    size_t n;
    for (int i = 0; i < 100; i++) {
        struct str name = arena_printf(&a, "n%d.example.test", i);
        if (dns_txt(dns, &a, name, &txt, &n, NULL) == DNS_NXDOMAIN &&
            dns_txt(dns, &a, STR("txt.example.test"), &txt, &n, NULL) == DNS_OK)
            atomic_fetch_add((atomic_int *)counter, 1);
        arena_reset(&a);
    }
    arena_free(&a);
    return NULL;
}

static void many_threads_ask_at_once(void **state) {
    NEEDS_NAMED();
    atomic_int right = 0;
    pthread_t t[16];
    for (int i = 0; i < 16; i++)
        pthread_create(&t[i], NULL, ask_often, &right);
    for (int i = 0; i < 16; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(atomic_load(&right), 1600);
}

struct silent {
    struct dns *dns;
    int number;
    enum dns_status status;
};

static void *ask_the_silent(void *p) {
    struct silent *s = p;
    struct arena a = ARENA_EMPTY;
    struct str *txt;
    size_t n;
    s->status = dns_txt(s->dns, &a, arena_printf(&a, "q%d.example.org", s->number), &txt, &n, NULL);
    arena_free(&a);
    return NULL;
}

/* More questions than there are places, and nobody answers any: all are given up in time, and the places are free
 * again. */
static void a_silent_name_server_costs_the_timeout_and_no_more(void **state) {
    (void)state;
    enum { QUESTIONS = 600 };
    static struct silent s[QUESTIONS];
    static pthread_t t[QUESTIONS];
    struct err err;
    char resolver[64];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, length), 0);
    getsockname(fd, (struct sockaddr *)&a, &length);
    snprintf(resolver, sizeof resolver, "127.0.0.1@%d timeout=2", ntohs(a.sin_port));
    struct dns *d = dns_new(resolver, &err);
    assert_non_null(d);
    int64_t begun = clock_monotonic();
    for (int i = 0; i < QUESTIONS; i++) {
        s[i] = (struct silent){d, i, DNS_OK};
        assert_int_equal(pthread_create(&t[i], NULL, ask_the_silent, &s[i]), 0);
    }
    for (int i = 0; i < QUESTIONS; i++) {
        pthread_join(t[i], NULL);
        assert_int_equal(s[i].status, DNS_TEMPORARY);
    }
    int64_t took = clock_monotonic() - begun;
    assert_in_range(took, 2 * CLOCK_SECOND, 6 * CLOCK_SECOND);
    dns_free(d);
    close(fd);
}

static void a_bad_setting_is_refused_with_a_reason(void **state) {
    (void)state;
    const char *bad[] = {"resolver.example.org",   "127.0.0.1@", "127.0.0.1@0",          "127.0.0.1@99999",
                         "anchor=/does/not/exist", "timeout=0",  "127.0.0.1@53 nonsense"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {""};
        assert_null(dns_new(bad[i], &err));
        assert_true(err.text[0] != 0);
    }
}

static void recursion_and_the_systems_resolver_can_be_set_up(void **state) {
    (void)state;
    struct err err;
    const char *good[] = {NULL, "", "system", "127.0.0.1@5353 ::1@53"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct dns *d = dns_new(good[i], &err);
        if (!d)
            fail_msg("%s", err.text);
        dns_free(d);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mx_records_are_sorted_and_shuffled_within_a_preference),
        cmocka_unit_test(a_null_mx_is_an_empty_host_unless_there_are_others),
        cmocka_unit_test(a_host_with_bytes_no_host_has_is_left_out),
        cmocka_unit_test(the_kinds_of_no_answer_are_told_apart),
        cmocka_unit_test(addresses_are_both_kinds_and_follow_aliases),
        cmocka_unit_test(txt_strings_are_joined_and_keep_any_byte),
        cmocka_unit_test(a_name_of_any_bytes_can_be_asked_for_where_it_is_wanted),
        cmocka_unit_test(nobody_waits_beyond_a_deadline_of_his_own),
        cmocka_unit_test(reverse_names_are_found_for_both_kinds),
        cmocka_unit_test(a_signed_answer_is_secure_and_a_forged_one_is_none),
        cmocka_unit_test(many_threads_ask_at_once),
        cmocka_unit_test(a_silent_name_server_costs_the_timeout_and_no_more),
        cmocka_unit_test(a_bad_setting_is_refused_with_a_reason),
        cmocka_unit_test(recursion_and_the_systems_resolver_can_be_set_up),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
