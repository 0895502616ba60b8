/* `mansio zone check`: the zone itself, what the nameserver serves, and what the world sees, against what should be
 * there. */
#include "zone_check.h"

#include "findings.h"
#include "net/dns.h"
#include "net/sockaddr.h"
#include "zone/soa.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { MAX_SETS = 500, MAX_FAILURES = 3 };

static const struct db_statement PENDING = {"cli_zone_pending",
                                            "SELECT revision <> exported FROM zone_export WHERE zone_id = $1"};

/* ---- the zone itself, and its way to the nameserver ---- */

static void check_itself(struct cli *cli, struct zone_row *row) {
    struct str *problem;
    struct err err;
    if (!zone_normalise(&cli->arena, &row->zone, &err)) {
        finding(cli, FINDING_FAIL, "zone", "%s", err.text);
        return;
    }
    size_t n = zone_problems(&cli->arena, &row->zone, &problem);
    for (size_t i = 0; i < n; i++)
        finding(cli, FINDING_FAIL, "zone", "%.*s", STR_ARG(problem[i]));
    if (!n)
        finding(cli, FINDING_OK, "zone", "%zu records, nothing wrong with them", row->zone.count);
}

static void check_export(struct cli *cli, const struct zone_row *row) {
    struct db_params p = {0};
    db_int8(&p, row->id);
    PGresult *r = db_query(cli->conn, &PENDING, &p, &cli->err);
    bool pending = r && PQntuples(r) && db_get_bool(r, 0, 0);
    if (!r)
        finding(cli, FINDING_FAIL, "export", "%s", cli->err.text);
    else if (row->problem.n)
        finding(cli, FINDING_FAIL, "export", "the last version is not served: %.*s", STR_ARG(row->problem));
    else if (pending)
        finding(cli, FINDING_WARN, "export", "a change has not been exported yet: does mansio-dns run?");
    else
        finding(cli, FINDING_OK, "export", "serial %u", row->zone.serial);
    PQclear(r);
}

static void check_server(struct cli *cli, const struct zone_row *row, const struct soa_server *server,
                         const char *subject) {
    uint32_t serial = 0;
    struct err err = {""};
    if (soa_ask(server, row->zone.name, &serial, &err) != SOA_SERVES)
        finding(cli, FINDING_FAIL, subject, "%s", err.text);
    else if (serial == row->zone.serial || zone_serial_later(serial, row->zone.serial))
        finding(cli, FINDING_OK, subject, "serves the serial %u", serial);
    else
        finding(cli, FINDING_FAIL, subject, "still serves the serial %u, not %u", serial, row->zone.serial);
}

/* ---- the world ---- */

struct set { /* the records of one name and type, in wire format */
    struct str owner, type_name;
    int type;
    struct str *data;
    size_t count;
};

static bool below_delegation(const struct zone *z, struct str name) {
    for (size_t i = 0; i < z->count; i++) {
        const struct zone_record *r = z->record + i;
        if (!str_eq(r->type, STR("NS")) || str_eq(r->name, STR("@")) || !str_ends(name, r->name))
            continue;
        if (name.n == r->name.n || name.p[name.n - r->name.n - 1] == '.')
            return true;
    }
    return false;
}

/* What can be asked for by name: no wildcards, nothing that another zone answers. */
static size_t collect(struct arena *a, const struct zone *z, struct set *out) {
    size_t sets = 0;
    for (size_t i = 0; i < z->count; i++) {
        const struct zone_record *r = z->record + i;
        struct str owner, data;
        int type;
        if (r->name.p[0] == '*' || below_delegation(z, r->name) ||
            !zone_record_wire(a, z->name, r, &type, &owner, &data))
            continue;
        size_t k = 0;
        while (k < sets && !(out[k].type == type && str_eq(out[k].owner, owner)))
            k++;
        if (k == MAX_SETS)
            continue;
        if (k == sets)
            out[sets++] = (struct set){owner, r->type, type, arena_array(a, z->count, sizeof(struct str)), 0};
        out[k].data[out[k].count++] = data;
    }
    return sets;
}

/* Names within data may come back in another case. */
static bool has(const struct str *list, size_t n, struct str s) {
    for (size_t i = 0; i < n; i++)
        if (str_ieq(list[i], s))
            return true;
    return false;
}

static bool same_set(const struct set *want, const struct str *seen, size_t count) {
    bool same = want->count == count;
    for (size_t i = 0; same && i < count; i++)
        same = has(want->data, want->count, seen[i]);
    return same;
}

/* False: the resolver is of no use. */
static bool check_set(struct cli *cli, struct dns *dns, const struct set *s, size_t *good, int *failures) {
    struct str *seen = NULL;
    size_t count = 0;
    const char *subject = arena_printf(&cli->arena, "world: %.*s %.*s", STR_ARG(s->owner), STR_ARG(s->type_name)).p;
    enum dns_status status = dns_query(dns, &cli->arena, s->owner, s->type, &seen, &count, NULL);
    if (status == DNS_TEMPORARY) {
        finding(cli, FINDING_WARN, subject, "no answer: %s", dns_status_text(status));
        return ++*failures < MAX_FAILURES;
    }
    if (status != DNS_OK)
        finding(cli, FINDING_FAIL, subject, "is not there: %s", dns_status_text(status));
    else if (!same_set(s, seen, count))
        finding(cli, FINDING_FAIL, subject,
                "%zu records are seen, and they are not the %zu of the zone (an older version in caches?)", count,
                s->count);
    else
        ++*good;
    return true;
}

/* Each nameserver of the zone, as the world finds it. Where it is the one of the configuration, on the port from there.
 */
static void check_nameservers(struct cli *cli, struct dns *dns, const struct zone_row *row,
                              const struct soa_server *own) {
    for (size_t i = 0; i < row->zone.count; i++) {
        const struct zone_record *r = row->zone.record + i;
        struct dns_address *address = NULL;
        size_t count = 0;
        if (!str_eq(r->type, STR("NS")) || !str_eq(r->name, STR("@")))
            continue;
        struct str name = str_sub(r->rdata, 0, r->rdata.n - 1);
        const char *subject = arena_printf(&cli->arena, "nameserver %.*s", STR_ARG(name)).p;
        if (dns_addresses(dns, &cli->arena, name, &address, &count, NULL) != DNS_OK)
            finding(cli, FINDING_FAIL, subject, "has no address that the world could find");
        for (size_t k = 0; k < count; k++) {
            char text[SOCKADDR_TEXT], own_text[SOCKADDR_TEXT];
            struct soa_server server = {.address = address[k].address};
            sockaddr_text(&server.address, text);
            sockaddr_text(&own->address, own_text);
            sockaddr_set_port(&server.address, strcmp(text, own_text) == 0 ? sockaddr_port(&own->address) : 53);
            server.length = sockaddr_length(&server.address);
            check_server(cli, row, &server, arena_printf(&cli->arena, "%s (%s)", subject, text).p);
        }
    }
}

static void check_world(struct cli *cli, const struct zone_row *row, const struct soa_server *own) {
    struct err err;
    struct dns *dns = dns_new(conf_get(cli->conf, "resolver", ""), &err);
    if (!dns) {
        finding(cli, FINDING_FAIL, "resolver", "%s", err.text);
        return;
    }
    check_nameservers(cli, dns, row, own);
    struct set *set = arena_array(&cli->arena, MAX_SETS, sizeof *set);
    size_t sets = collect(&cli->arena, &row->zone, set), good = 0;
    int failures = 0;
    for (size_t i = 0; i < sets && check_set(cli, dns, set + i, &good, &failures); i++)
        ;
    if (good)
        finding(cli, FINDING_OK, "world", "%zu of %zu names and types are seen as they should be", good, sets);
    dns_free(dns);
}

enum cli_exit zone_check_all(struct cli *cli, struct zone_row *row) {
    struct soa_server own;
    struct err err;
    check_itself(cli, row);
    check_export(cli, row);
    if (!soa_server_parse(conf_get(cli->conf, "dns_server", "127.0.0.1@53"), &own, &err)) {
        finding(cli, FINDING_FAIL, "nameserver", "%s", err.text);
        return findings_end(cli);
    }
    check_server(cli, row, &own, "nameserver");
    check_world(cli, row, &own);
    return findings_end(cli);
}
