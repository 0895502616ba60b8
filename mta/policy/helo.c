/* What the client calls itself (RFC 5321 section 4.1.1.1). */
#include "policy/finding.h"

enum { LABEL_MAX = 63, NAME_MAX_BYTES = 253 };

static bool is_literal(struct str helo) { return helo.n > 2 && helo.p[0] == '[' && helo.p[helo.n - 1] == ']'; }

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" */
static bool literal_address(struct str helo, struct sockaddr_storage *out) {
    struct str inside = str_sub(helo, 1, helo.n - 2);
    if (str_istarts(inside, STR("IPv6:")))
        inside = str_sub(inside, 5, inside.n);
    return sockaddr_from_text(inside, 0, out);
}

static struct str without_dot(struct str name) {
    return name.n > 1 && name.p[name.n - 1] == '.' ? str_sub(name, 0, name.n - 1) : name;
}

/* A host name; underscores are taken, as everywhere. */
static bool is_name(struct str name) {
    struct str rest = name, label;
    bool letters = false;
    if (name.n == 0 || name.n > NAME_MAX_BYTES)
        return false;
    while (str_split(&rest, '.', &label)) {
        if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' || label.p[label.n - 1] == '-')
            return false;
        letters = false;
        for (size_t i = 0; i < label.n; i++) {
            char c = label.p[i];
            letters |= !ascii_digit(c);
            if (!ascii_alpha(c) && !ascii_digit(c) && c != '-' && c != '_')
                return false;
        }
    }
    return letters; /* the last label of numbers alone: an address without its brackets */
}

void helo_syntax_look(struct session *s, struct finding *f) {
    struct str helo = str_of(s->helo);
    struct sockaddr_storage address;
    if (is_literal(helo) ? !literal_address(helo, &address) : !is_name(without_dot(helo)))
        finding_against(f, RULE_HELO_SYNTAX, "550 5.7.1", "\"%.100s\" is no host name, nor an address in brackets: %s",
                        s->helo, "say your own at EHLO");
}

void helo_fqdn_look(struct session *s, struct finding *f) {
    struct str helo = without_dot(str_of(s->helo));
    if (!is_literal(helo) && str_chr(helo, '.') < 0)
        finding_against(f, RULE_HELO_FQDN, "550 5.7.1", "\"%.100s\" has no domain: say your full host name at EHLO",
                        s->helo);
}

void helo_own_look(struct session *s, struct finding *f) {
    struct str helo = without_dot(str_of(s->helo));
    struct sockaddr_storage said, own;
    char a[SOCKADDR_TEXT], b[SOCKADDR_TEXT];
    bool ours = str_ieq(helo, str_of(s->mta->hostname));
    own = s->client.destination;
    if (!ours && is_literal(helo) && literal_address(helo, &said) &&
        (own.ss_family || conn_local_address(s->conn, &own))) {
        sockaddr_text(&said, a);
        sockaddr_text(&own, b);
        ours = strcmp(a, b) == 0;
    }
    if (ours)
        finding_against(f, RULE_HELO_OWN, "550 5.7.1", "\"%.100s\" is this server, not you: say your own name at EHLO",
                        s->helo);
}
