/* The name of the client's address, and whether it leads back there; Received shows it then. */
#include "policy/finding.h"

#include "net/dns.h"

enum { MAX_NAMES = 10 }; /* names of one address that are looked at */

static enum dns_status leads_back(struct session *s, struct arena *a, struct str name) {
    struct dns_address *address;
    size_t count;
    char text[SOCKADDR_TEXT];
    enum dns_status status = dns_addresses(s->mta->dns, a, name, &address, &count, NULL);
    for (size_t i = 0; status == DNS_OK && i < count; i++) {
        sockaddr_text(&address[i].address, text);
        if (strcmp(text, s->client.address) == 0)
            return DNS_OK;
    }
    return status == DNS_TEMPORARY ? status : DNS_NODATA;
}

static void look_up(struct session *s) {
    struct arena a = ARENA_EMPTY;
    struct str *name;
    size_t count;
    enum dns_status status = dns_ptr(s->mta->dns, &a, &s->client.sockaddr, &name, &count);
    s->client.naming = status == DNS_TEMPORARY ? CLIENT_NAME_TEMPORARY : CLIENT_NAME_NONE;
    if (status == DNS_OK && count)
        s->client.naming = CLIENT_NAME_UNCONFIRMED;
    for (size_t i = 0; status == DNS_OK && i < count && i < MAX_NAMES; i++) {
        enum dns_status back = leads_back(s, &a, name[i]);
        if (back == DNS_OK) {
            s->client.naming = CLIENT_NAME_CONFIRMED;
            s->client.name = arena_c(&s->arena, name[i]);
            break;
        }
        if (back == DNS_TEMPORARY)
            s->client.naming = CLIENT_NAME_TEMPORARY;
    }
    arena_free(&a);
}

void reverse_exists_look(struct session *s, struct finding *f) {
    if (s->client.naming == CLIENT_NAME_UNASKED)
        look_up(s);
    if (s->client.naming == CLIENT_NAME_NONE) /* RFC 7372 section 3.3 */
        finding_against(f, RULE_REVERSE_EXISTS, "550 5.7.25", "your address %s has no name in the DNS (PTR)",
                        s->client.address);
    else if (s->client.naming == CLIENT_NAME_TEMPORARY)
        finding_against(f, RULE_REVERSE_EXISTS, "450 4.7.25",
                        "the DNS gives no answer about the name of your address %s, try again later",
                        s->client.address);
}

void reverse_match_look(struct session *s, struct finding *f) {
    if (s->client.naming == CLIENT_NAME_UNASKED)
        look_up(s);
    if (s->client.naming == CLIENT_NAME_UNCONFIRMED || s->client.naming == CLIENT_NAME_NONE)
        finding_against(f, RULE_REVERSE_MATCH, "550 5.7.25",
                        "no name in the DNS leads to your address %s and is the name of it", s->client.address);
    else if (s->client.naming == CLIENT_NAME_TEMPORARY)
        finding_against(f, RULE_REVERSE_MATCH, "450 4.7.25",
                        "the DNS gives no answer about the name of your address %s, try again later",
                        s->client.address);
}
