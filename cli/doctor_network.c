/* The resolver, what listens, and what the nameserver serves. */
#include "doctor.h"
#include "findings.h"
#include "net/dns.h"
#include "net/sockaddr.h"
#include "net/stream.h"
#include "net/tls.h"
#include "zone/soa.h"
#include "zone/zone.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { TIMEOUT_MS = 5000, GREETING_BYTES = 1000, MAX_ZONES = 2000, MAX_NAMED = 5 };

/* ---- the resolver ---- */

static bool is_public(const struct sockaddr_storage *a) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
    uint32_t ip = a->ss_family == AF_INET ? ntohl(v4->sin_addr.s_addr) : 0;
    if (sockaddr_is_local(a))
        return false;
    return a->ss_family != AF_INET || !(ip >> 24 == 10 || ip >> 20 == 0xac1 || ip >> 16 == 0xc0a8 || ip >> 24 == 127);
}

/* Others refuse mail from an address whose name does not lead back to it. */
static void check_reverse(struct cli *cli, struct dns *dns, const char *hostname,
                          const struct sockaddr_storage *address) {
    char text[SOCKADDR_TEXT];
    struct str *name = NULL;
    size_t count = 0;
    sockaddr_text(address, text);
    if (!is_public(address))
        return;
    if (dns_ptr(dns, &cli->arena, address, &name, &count) != DNS_OK)
        finding(cli, FINDING_WARN, "reverse DNS", "%s has no name: ask whoever gave you the address to make it %s",
                text, hostname);
    else if (!str_ieq(name[0], str_of(hostname)))
        finding(cli, FINDING_WARN, "reverse DNS", "%s is %.*s, not %s: others may refuse mail from here", text,
                STR_ARG(name[0]), hostname);
    else
        finding(cli, FINDING_OK, "reverse DNS", "%s is %s", text, hostname);
}

void doctor_resolver(struct cli *cli) {
    struct err err;
    const char *hostname = conf_get(cli->conf, "hostname", "");
    struct dns *dns = dns_new(conf_get(cli->conf, "resolver", ""), &err);
    struct dns_address *address = NULL;
    size_t count = 0;
    if (!dns) {
        finding(cli, FINDING_FAIL, "resolver", "%s", err.text);
        return;
    }
    enum dns_status status = dns_addresses(dns, &cli->arena, str_of(hostname), &address, &count, NULL);
    if (status == DNS_TEMPORARY || status == DNS_BAD_NAME)
        finding(cli, FINDING_FAIL, "resolver", "asked for %s: %s. Without it no mail leaves", hostname,
                dns_status_text(status));
    else
        finding(cli, FINDING_OK, "resolver", "answers");
    if (status == DNS_NODATA || status == DNS_NXDOMAIN)
        finding(cli, FINDING_WARN, "hostname", "%s has no address in the DNS: nobody finds this server by its name",
                hostname);
    for (size_t i = 0; i < count; i++)
        check_reverse(cli, dns, hostname, &address[i].address);
    dns_free(dns);
}

/* ---- what listens ---- */

const struct doctor_listener doctor_listeners[] = {
    {"mta_smtp", "mansio-mta", "220 ", false},       {"mta_submission", "mansio-mta", "220 ", false},
    {"mta_submissions", "mansio-mta", "220 ", true}, {"mta_lmtp", "mansio-mta", "220 ", false},
    {"mta_pickup", "mansio-mta", "220 ", false},     {"imapd_imap", "mansio-imapd", "* OK", false},
    {"imapd_imaps", "mansio-imapd", "* OK", true},   {"imapd_pop3", "mansio-imapd", "+OK", false},
    {"imapd_pop3s", "mansio-imapd", "+OK", true},    {"imapd_local", "mansio-imapd", "* OK", false},
    {"web_fastcgi", "mansio-web", NULL, false},      {NULL, NULL, NULL, false}};

/* An address that means all of the machine's is tried on its loopback. */
static struct stream *connect_to(struct cli *cli, const char *address, struct err *err) {
    struct sockaddr_storage to;
    if (strncmp(address, "unix:", 5) == 0) {
        struct buf path = BUF_EMPTY;
        struct str rest = str_of(address + 5);
        ptrdiff_t number = str_find(rest, STR("%i")); /* one socket a process: the first */
        buf_add_str(&path, number < 0 ? rest : str_sub(rest, 0, (size_t)number));
        if (number >= 0) {
            buf_add_byte(&path, '1');
            buf_add_str(&path, str_sub(rest, (size_t)number + 2, rest.n));
        }
        struct stream *s = stream_connect_unix(arena_c(&cli->arena, buf_str(&path)), TIMEOUT_MS, err);
        buf_free(&path);
        return s;
    }
    if (!sockaddr_parse(address, &to, err))
        return NULL;
    struct sockaddr_in *v4 = (struct sockaddr_in *)&to;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&to;
    if (to.ss_family == AF_INET && v4->sin_addr.s_addr == INADDR_ANY)
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (to.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
        v6->sin6_addr = in6addr_loopback;
    return stream_connect(&to, NULL, TIMEOUT_MS, err);
}

/* Reads the greeting, within TLS where it begins with that. The certificate itself was looked at before. */
static bool greets(struct cli *cli, struct stream *s, const struct doctor_listener *l, struct err *err) {
    if (l->implicit_tls) {
        struct tls_context *t = tls_client_new(NULL, err);
        bool on = t && stream_start_tls(s, t, conf_get(cli->conf, "hostname", "localhost"), false, TIMEOUT_MS, err);
        tls_free(t);
        if (!on)
            return false;
    }
    struct buf line = BUF_EMPTY;
    bool good = !l->greeting || stream_read_line(s, &line, GREETING_BYTES, TIMEOUT_MS, err);
    if (good && l->greeting && !str_starts(buf_str(&line), str_of(l->greeting)))
        good = err_set(err, "greets with \"%.*s\"", line.n > 80 ? 80 : (int)line.n, line.p ? line.p : "");
    buf_free(&line);
    return good;
}

/* A listener that waits for a balancer's PROXY header gets the one of a health check (net/proxy.h). */
static bool say_local(struct stream *s, struct err *err) {
    return stream_write(s, STR("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"), TIMEOUT_MS, err);
}

static void check_listener(struct cli *cli, const struct doctor_listener *l, const char *address) {
    struct err err = {""};
    bool proxy = strncmp(address, "proxy:", 6) == 0;
    struct stream *s = connect_to(cli, proxy ? address + 6 : address, &err);
    if (s && (!proxy || say_local(s, &err)) && greets(cli, s, l, &err))
        finding(cli, FINDING_OK, l->setting, "%s answers", address);
    else
        finding(cli, FINDING_FAIL, l->setting, "%s: %s. Is %s running, with this configuration?", address, err.text,
                l->program);
    stream_close(s);
}

void doctor_services(struct cli *cli) {
    for (const struct doctor_listener *l = doctor_listeners; l->setting; l++) {
        struct str rest = str_of(conf_get(cli->conf, l->setting, "")), address;
        while (str_split(&rest, ' ', &address))
            if (address.n)
                check_listener(cli, l, arena_c(&cli->arena, address));
    }
}

/* ---- the nameserver ---- */

static const struct db_statement EXPORTED = {
    "doctor_zones", "SELECT name, serial FROM zone WHERE exported_at IS NOT NULL ORDER BY exported_at DESC LIMIT $1"};
static const struct db_statement TROUBLE = {
    "doctor_zone_trouble",
    "SELECT count(*), count(*) FILTER (WHERE z.problem IS NOT NULL), count(*) FILTER (WHERE e.revision <> e.exported) "
    "FROM zone z LEFT JOIN zone_export e ON e.zone_id = z.id"};

static void check_export(struct cli *cli) {
    PGresult *r = db_query(cli->conn, &TROUBLE, NULL, &cli->err);
    if (!r) {
        finding(cli, FINDING_FAIL, "zones", "%s", cli->err.text);
        return;
    }
    long long all = db_get_int8(r, 0, 0), wrong = db_get_int8(r, 0, 1), waiting = db_get_int8(r, 0, 2);
    if (wrong)
        finding(cli, FINDING_WARN, "zones",
                "%lld of %lld are not served as they should be: mansio zone list --problems", wrong, all);
    if (waiting)
        finding(cli, FINDING_WARN, "zones", "%lld are waiting to be exported: is mansio-dns running?", waiting);
    if (!wrong && !waiting)
        finding(cli, FINDING_OK, "zones", "all %lld are exported", all);
    PQclear(r);
}

/* Any zone will do where we have none: an answer is an answer. */
static bool is_silent(struct cli *cli, const struct soa_server *server) {
    uint32_t serial;
    if (soa_ask(server, STR("."), &serial, NULL) != SOA_SILENT)
        return false;
    finding(cli, FINDING_FAIL, "nameserver", "%s does not answer", conf_get(cli->conf, "dns_server", "127.0.0.1@53"));
    return true;
}

static void check_serials(struct cli *cli, const struct soa_server *server) {
    struct db_params p = {0};
    if (is_silent(cli, server))
        return;
    db_int8(&p, MAX_ZONES);
    PGresult *r = db_query(cli->conn, &EXPORTED, &p, &cli->err);
    int rows = r ? PQntuples(r) : 0, wrong = 0;
    for (int i = 0; i < rows; i++) {
        uint32_t serial = 0, want = (uint32_t)db_get_int8(r, i, 1);
        struct err err = {""};
        enum soa_answer answer = soa_ask(server, db_get_str(r, i, 0), &serial, &err);
        if (answer == SOA_SERVES && (serial == want || zone_serial_later(serial, want)))
            continue;
        if (++wrong <= MAX_NAMED && answer == SOA_SERVES)
            finding(cli, FINDING_FAIL, "nameserver", "%.*s: serves the serial %u, not %u", STR_ARG(db_get_str(r, i, 0)),
                    serial, want);
        else if (wrong <= MAX_NAMED)
            finding(cli, FINDING_FAIL, "nameserver", "%s: see its log", err.text);
    }
    if (wrong > MAX_NAMED)
        finding(cli, FINDING_FAIL, "nameserver", "and %d zones more", wrong - MAX_NAMED);
    else if (r && !wrong)
        finding(cli, FINDING_OK, "nameserver", "serves %d zones as they were exported", rows);
    PQclear(r);
}

void doctor_zones(struct cli *cli) {
    struct soa_server server;
    struct err err;
    if (!cli->conn)
        return;
    check_export(cli);
    if (soa_server_parse(conf_get(cli->conf, "dns_server", "127.0.0.1@53"), &server, &err))
        check_serials(cli, &server);
    else
        finding(cli, FINDING_FAIL, "nameserver", "%s", err.text);
}
