#include "directory/protocol.h"

#include <string.h>

const struct protocol_info protocols[PROTOCOL_COUNT] = {
    {DIRECTORY_IMAP, "imap", "IMAP"},
    {DIRECTORY_POP3, "pop3", "POP3"},
    {DIRECTORY_SMTP, "smtp", "Sending with mail programs (SMTP)"},
    {DIRECTORY_WEB, "web", "Webmail"},
};

unsigned protocol_named(struct str name) {
    for (size_t i = 0; i < PROTOCOL_COUNT; i++)
        if (str_ieq(name, str_of(protocols[i].name)))
            return protocols[i].bit;
    return 0;
}

bool protocols_parse(struct str list, unsigned *bits, struct err *err) {
    struct str word;
    *bits = 0;
    while (list.n) {
        size_t n = 0;
        while (n < list.n && !strchr(", \t", list.p[n]))
            n++;
        word = str_sub(list, 0, n);
        list = str_sub(list, n < list.n ? n + 1 : n, list.n);
        unsigned bit = protocol_named(word);
        if (word.n && !bit)
            return err_set(err, "\"%.*s\" is no protocol: there are imap, pop3, smtp and web", STR_ARG(word));
        *bits |= bit;
    }
    return true;
}

const char *protocol_text(enum directory_protocol p) {
    switch (p) {
    case DIRECTORY_SMTP:
        return "Submission";
    case DIRECTORY_IMAP:
        return "IMAP";
    case DIRECTORY_POP3:
        return "POP3";
    case DIRECTORY_WEB:
        return "The webmail";
    }
    return "This protocol";
}
