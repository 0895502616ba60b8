#include "page.h"

#include "admin/navigation.h"
#include "base/codec.h"
#include "base/log.h"
#include "session/session.h"

enum { MAX_FLASH = 1200, FLASH_SECONDS = 60 };

/* ---- flash ---- */

void page_flash(struct exchange *x, const char *fmt, ...) {
    struct buf text = BUF_EMPTY, encoded = BUF_EMPTY;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    base64url_encode(str_sub(buf_str(&text), 0, MAX_FLASH), &encoded);
    reply_cookie(&x->reply, session_cookie_name(x, "mansio-flash"), buf_str(&encoded), FLASH_SECONDS, x->request.https);
    buf_free(&text);
    buf_free(&encoded);
}

static void show_flash(struct exchange *x, struct dict *d) {
    struct str cookie = params_get(&x->request.cookies, session_cookie_name(x, "mansio-flash"));
    if (cookie.n == 0 || exchange_is_post(x))
        return;
    struct buf text = BUF_EMPTY;
    if (base64url_decode(cookie, &text) && str_is_utf8(buf_str(&text)))
        dict_set(dict_section(d, "FLASH"), "TEXT", buf_str(&text));
    buf_free(&text);
    reply_cookie(&x->reply, session_cookie_name(x, "mansio-flash"), STR(""), 0, x->request.https);
}

/* ---- the page ---- */

void page_free(struct exchange *x) {
    dict_free(x->page);
    x->page = NULL;
    x->content = NULL;
}

static void set_globals(struct exchange *x) {
    dict_global(x->page, "V", x->web->static_version);
    dict_global(x->page, "HOSTNAME", x->web->hostname);
    dict_global(x->page, "CSRF", x->actor.csrf);
    dict_global(x->page, "LOGIN", x->actor.login);
}

struct dict *page_begin(struct exchange *x, enum page_layout layout, const char *template, const char *title) {
    page_free(x);
    x->page = dict_new();
    x->page_file = layout == PAGE_ADMIN   ? "layout/admin.tpl"
                   : layout == PAGE_PLAIN ? "layout/plain.tpl"
                                          : "layout/bare.tpl";
    set_globals(x);
    page_title(x, str_of(title));
    if (layout == PAGE_ADMIN)
        navigation_show(x);
    x->content = dict_include(x->page, "CONTENT", template);
    show_flash(x, layout == PAGE_BARE ? x->content : x->page);
    return x->content;
}

void page_title(struct exchange *x, struct str title) { dict_global(x->page, "TITLE", title); }
void page_style(struct exchange *x, const char *file) { dict_set_c(dict_section(x->page, "STYLE"), "FILE", file); }
void page_script(struct exchange *x, const char *file) { dict_set_c(dict_section(x->page, "SCRIPT"), "FILE", file); }

void page_send(struct exchange *x) {
    struct err err;
    buf_reset(&x->reply.body);
    if (templates_render(x->web->templates, x->page_file, x->page, &x->reply.body, &err))
        return;
    log_error("page %.*s: %s", STR_ARG(x->request.path), err.text);
    x->failed = true;
    x->reply.status = 500;
    reply_type(&x->reply, "text/plain; charset=utf-8");
    buf_reset(&x->reply.body);
    buf_add_c(&x->reply.body, "This page can't be shown: its template is missing. The failure was logged.\n");
}

static const struct {
    int status;
    const char *title;
} ERROR_TITLES[] = {
    {400, "That request was not understood"},
    {403, "Not allowed"},
    {404, "Not found"},
    {405, "Not possible that way"},
    {413, "Too large"},
    {414, "Too long"},
    {429, "Too many tries"},
    {503, "Not available right now"},
};

void page_error(struct exchange *x, int status, const char *sentence) {
    const char *title = "Something went wrong";
    for (size_t i = 0; i < sizeof ERROR_TITLES / sizeof *ERROR_TITLES; i++) {
        if (ERROR_TITLES[i].status == status)
            title = ERROR_TITLES[i].title;
    }
    struct dict *d = page_begin(x, PAGE_PLAIN, "error.tpl", title);
    dict_set_c(d, "HEADING", title);
    dict_set_c(d, "SENTENCE", sentence);
    dict_set_int(d, "STATUS", status);
    /* Many errors come before the session is looked at: whoever has a cookie is led to the start, and from there to the
     * login where it is over. */
    bool has_cookie = session_has_cookie(x);
    dict_show_if(d, "LOGGED_IN", x->actor.role != ROLE_NONE || has_cookie);
    dict_show_if(d, "NOBODY", x->actor.role == ROLE_NONE && !has_cookie);
    dict_set_c(d, "HOME", x->actor.role == ROLE_USER ? "/mail/" : "/");
    page_send(x);
}
