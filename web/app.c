#include "app.h"

#include "base/log.h"
#include "http/url.h"
#include "page.h"
#include "session/csrf.h"
#include "session/session.h"

/* Whoever is not logged in is sent to the login, and back to the page afterwards. A form's content is lost: the page is
 * shown again instead of the POST being repeated. */
static void ask_to_log_in(struct exchange *x) {
    if (x->match.route->flags & ROUTE_JSON) {
        exchange_error(x, 401, "You are not logged in any more.");
        return;
    }
    struct str target = x->request.path;
    if (x->request.query_string.n > 0)
        target = arena_printf(&x->arena, "%.*s?%.*s", STR_ARG(x->request.path), STR_ARG(x->request.query_string));
    if (exchange_is_post(x) || str_eq(target, STR("/")) || !url_is_local_path(target))
        exchange_redirect(x, "/login");
    else
        exchange_redirect(x, "/login?next=%.*s", STR_ARG(url_encoded(&x->arena, target)));
}

/* True: the handler may run. */
static bool admit(struct exchange *x) {
    unsigned roles = x->match.route->flags & ROUTE_ROLES;
    if (roles == 0)
        return true;
    bool detached = x->match.route->flags & ROUTE_DETACHED;
    bool recalled = detached && !exchange_is_post(x) && session_recall(x);
    if (!recalled && !exchange_begin(x)) {
        if (!x->failed)
            ask_to_log_in(x);
        return false;
    }
    struct err err;
    if (!(roles & x->actor.role)) {
        exchange_error(x, 403, "Your role does not include this page.");
        return false;
    }
    if (exchange_is_post(x) && !csrf_check(x, &err)) {
        exchange_error(x, 403, "%s", err.text);
        return false;
    }
    return !detached || exchange_commit(x);
}

static void find_route(struct exchange *x) {
    router_find(x->web->routes, &x->arena, x->request.method, x->request.path, &x->match);
    if (x->match.route)
        return;
    if (x->match.methods == 0) {
        exchange_not_found(x);
        return;
    }
    reply_set_c(&x->reply, "Allow",
                x->match.methods & METHOD_GET ? x->match.methods & METHOD_POST ? "GET, HEAD, POST" : "GET, HEAD"
                                              : "POST");
    exchange_error(x, 405, "This address can't be used that way.");
}

static void serve(struct exchange *x, const struct request_source *source) {
    struct err err;
    int status = request_read(&x->request, &x->arena, source, &x->web->limits, &err);
    reply_begin(&x->reply, &x->arena);
    if (status != 0) {
        exchange_error(x, status, "%s", err.text);
        return;
    }
    find_route(x);
    if (x->match.route && admit(x)) {
        x->match.route->handler(x);
        if (x->failed)
            exchange_rollback(x);
        else
            exchange_commit(x);
    }
    exchange_rollback(x);
}

void app_serve(struct web *web, struct exchange *x, const struct request_source *source, struct buf *out) {
    x->web = web;
    serve(x, source);
    log_debug("%.*s %d", STR_ARG(x->request.path), x->reply.status);
    reply_head(&x->reply, out);
    if (x->request.method != METHOD_HEAD)
        buf_add_str(out, buf_str(&x->reply.body));
    page_free(x);
    request_free(&x->request);
    struct buf body = x->reply.body;
    struct arena arena = x->arena;
    arena_reset(&arena);
    buf_reset(&body);
    *x = (struct exchange){.arena = arena};
    buf_free(&body);
}

void app_exchange_free(struct exchange *x) { arena_free(&x->arena); }
