#include "base/password.h"
#include "base/codec.h"
#include "cli.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* One line, without its end. */
static bool read_line(struct cli *cli, struct str *line) {
    char text[PASSWORD_MAX + 3];
    bool good = fgets(text, sizeof text, stdin) || err_set(&cli->err, "no password on standard input");
    if (good) {
        struct str s = str_of(text);
        if (s.n && s.p[s.n - 1] == '\n')
            s.n--;
        if (s.n && s.p[s.n - 1] == '\r')
            s.n--;
        if (s.n > PASSWORD_MAX)
            good = err_set(&cli->err, "the password is longer than %d bytes", PASSWORD_MAX);
        else
            *line = arena_str(&cli->arena, s);
    }
    OPENSSL_cleanse(text, sizeof text);
    return good;
}

static bool ask(struct cli *cli, const char *prompt, struct str *line) {
    struct termios shown, hidden;
    if (tcgetattr(STDIN_FILENO, &shown) < 0)
        return err_errno(&cli->err, "cannot switch off the terminal's echo");
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    fputs(prompt, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    bool good = read_line(cli, line);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    return good;
}

/* Four groups of five letters and digits without those that look alike: 99 bits. */
static struct str make_up(struct arena *a) {
    static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
    char *text = arena_alloc(a, 24);
    size_t n = 0;
    for (int made = 0; made < 20;) {
        unsigned char byte;
        random_bytes(&byte, 1);
        if (byte >= 256 / (sizeof letters - 1) * (sizeof letters - 1))
            continue; /* the rest would favour some letters */
        if (made && made % 5 == 0)
            text[n++] = '-';
        text[n++] = letters[byte % (sizeof letters - 1)];
        made++;
    }
    return str_n(text, n);
}

bool cli_password(struct cli *cli, const struct cli_args *args, struct str *password) {
    bool generate = cli_switch(args, "generate"), from_stdin = cli_switch(args, "password-stdin");
    if (generate && from_stdin)
        return err_set(&cli->err, "--generate and --password-stdin exclude each other");
    if (generate) {
        *password = make_up(&cli->arena);
        cli_say(cli, "Password: %.*s", STR_ARG(*password));
        json_object_set_new(cli_object(cli), "password", cli_json_str(*password));
        return true;
    }
    if (from_stdin)
        return read_line(cli, password);
    if (!isatty(STDIN_FILENO))
        return err_set(&cli->err, "no password: use --password-stdin or --generate");
    struct str again;
    if (!ask(cli, "Password: ", password) || !ask(cli, "Again: ", &again))
        return false;
    return bytes_equal(*password, again) || err_set(&cli->err, "the two passwords differ; nothing was changed");
}

bool cli_secret(struct cli *cli, const struct cli_args *args, const char *prompt, struct str *secret) {
    if (cli_switch(args, "password-stdin"))
        return read_line(cli, secret);
    if (!isatty(STDIN_FILENO))
        return err_set(&cli->err, "no password: use --password-stdin");
    return ask(cli, prompt, secret);
}
