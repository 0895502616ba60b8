#include "subjects.h"

#include <stdio.h>

/* Names of what is there, for the first argument of a verb. */
static const struct {
    const char *kind;
    struct db_statement statement;
} candidates[] = {
    {"tenant", {"cli_complete_tenant", "SELECT name FROM tenant WHERE starts_with(name, $1) ORDER BY name LIMIT 200"}},
    {"operator",
     {"cli_complete_operator", "SELECT login FROM operator WHERE starts_with(login, $1) ORDER BY login LIMIT 200"}},
    {"domain", {"cli_complete_domain", "SELECT name FROM domain WHERE starts_with(name, $1) ORDER BY name LIMIT 200"}},
    {"zone", {"cli_complete_zone", "SELECT name FROM zone WHERE starts_with(name, $1) ORDER BY name LIMIT 200"}},
    {"rule",
     {"cli_complete_rule", "SELECT substr(name, 8) FROM setting WHERE starts_with(name, 'policy.' || $1) AND value IN"
                           " ('off', 'warn', 'enforce') ORDER BY name LIMIT 200"}},
    {"setting",
     {"cli_complete_setting", "SELECT name FROM setting WHERE starts_with(name, $1) ORDER BY name LIMIT 200"}},
    {"filter", {"cli_complete_filter", "SELECT name FROM filter WHERE starts_with(name, $1) ORDER BY name LIMIT 200"}},
    {"account",
     {"cli_complete_account", "SELECT a.local_part || '@' || d.name FROM account a JOIN domain d ON d.id = a.domain_id "
                              "WHERE starts_with(a.local_part || '@' || d.name, $1) ORDER BY 1 LIMIT 200"}},
    {"alias",
     {"cli_complete_alias", "SELECT a.local_part || '@' || d.name FROM alias a JOIN domain d ON d.id = a.domain_id "
                            "WHERE starts_with(a.local_part || '@' || d.name, $1) ORDER BY 1 LIMIT 200"}},
};

static void offer(struct str candidate, struct str typed) {
    if (str_starts(candidate, typed))
        printf("%.*s\n", STR_ARG(candidate));
}

/* Completion never complains: where the database can't be asked, nothing is offered. */
static void offer_from_database(struct cli *cli, const char *kind, struct str typed) {
    const struct db_statement *s = NULL;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (kind && strcmp(candidates[i].kind, kind) == 0)
            s = &candidates[i].statement;
    if (!s)
        return;
    cli->conf = conf_read(cli->conf_path, NULL);
    if (!cli->conf || !cli_connect(cli))
        return;
    struct db_params p = {0};
    db_text(&p, typed);
    PGresult *r = db_query(cli->conn, s, &p, NULL);
    for (int i = 0; r && i < PQntuples(r); i++)
        printf("%.*s\n", STR_ARG(db_get_str(r, i, 0)));
    PQclear(r);
}

static void offer_options(const struct cli_verb *v, struct str typed) {
    char option[64];
    for (int i = 0; i < CLI_MAX_OPTIONS && v->options[i].name; i++) {
        snprintf(option, sizeof option, "--%s", v->options[i].name);
        offer(str_of(option), typed);
    }
    if (v->removes)
        offer(STR("--yes"), typed);
    offer(STR("--json"), typed);
}

/* The next word of those of the subject's verbs that begin with the words before it. */
static void offer_verbs(const struct cli_subject *s, char **word, int count) {
    for (const struct cli_verb *v = s->verb; v->run; v++) {
        struct str rest = str_of(v->name), piece;
        bool fits = true;
        for (int i = 1; fits && i < count - 1; i++)
            fits = str_split(&rest, ' ', &piece) && str_eq(piece, str_of(word[i]));
        if (fits && str_split(&rest, ' ', &piece))
            offer(piece, str_of(word[count - 1]));
    }
}

static void offer_subjects(struct str typed) {
    for (size_t i = 0; cli_subjects[i]; i++)
        offer(str_of(cli_subjects[i]->name), typed);
}

/* The words without the options that stand anywhere; their number. */
static int skip_global(struct cli *cli, char **word, int count) {
    int n = 0;
    for (int i = 0; i < count; i++) {
        if ((strcmp(word[i], "-c") == 0 || strcmp(word[i], "--config") == 0) && i + 1 < count - 1)
            cli->conf_path = word[++i];
        else if (strcmp(word[i], "--json") != 0 || i + 1 == count)
            word[n++] = word[i];
    }
    return n;
}

void cli_complete(struct cli *cli, char **word, int count) {
    count = skip_global(cli, word, count);
    if (count == 0)
        return;
    struct str typed = str_of(word[count - 1]);
    const struct cli_subject *s = count > 1 ? cli_subject_named(str_of(word[0])) : NULL;
    if (count == 1 || (count == 2 && strcmp(word[0], "help") == 0)) {
        offer_subjects(typed);
        if (count == 1)
            offer(STR("help"), typed);
        return;
    }
    if (!s)
        return;
    bool bare = !s->verb->name;
    char two[64];
    const struct cli_verb *v = bare ? s->verb : NULL;
    int words = bare ? 1 : 3;
    if (count > 3 && !bare && snprintf(two, sizeof two, "%s %s", word[1], word[2]) < (int)sizeof two)
        v = cli_verb_named(s, str_of(two));
    if (!v && count > 2) {
        v = cli_verb_named(s, str_of(word[1]));
        words = 2;
    }
    if (!v)
        offer_verbs(s, word, count);
    else if (str_starts(typed, STR("-")))
        offer_options(v, typed);
    else if (count == words + 1)
        offer_from_database(cli, v->complete, typed);
}
