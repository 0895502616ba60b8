#include "session/csrf.h"

#include "base/codec.h"
#include "session/session.h"

enum { PUBLIC_BYTES = 18, PUBLIC_TEXT = 24, PUBLIC_LIFE = 86400 };

/* What the browser says of where the request came from. One that says nothing at all (an old one, or a program) is left
 * to the token. */
static bool same_site(const struct exchange *x) {
    struct str fetch_site = request_header(&x->request, "SEC_FETCH_SITE");
    if (fetch_site.n > 0)
        return str_eq(fetch_site, STR("same-origin")) || str_eq(fetch_site, STR("none"));
    struct str origin = request_header(&x->request, "ORIGIN");
    if (origin.n == 0)
        return true;
    struct str scheme = x->request.https ? STR("https://") : STR("http://");
    return str_istarts(origin, scheme) && str_ieq(str_sub(origin, scheme.n, origin.n), x->request.host);
}

static struct str sent_token(const struct exchange *x) {
    struct str field = exchange_form(x, "csrf");
    return field.n > 0 ? field : request_header(&x->request, "X_CSRF_TOKEN");
}

static bool check(const struct exchange *x, struct str wanted, struct err *err) {
    if (!same_site(x))
        return err_set(err, "This form was not sent from a page of this site, so nothing was done.");
    if (wanted.n == 0 || !bytes_equal(sent_token(x), wanted))
        return err_set(
            err, "This form is from another login or too old, so nothing was done. Open the page again and repeat it.");
    return true;
}

bool csrf_check(const struct exchange *x, struct err *err) { return check(x, x->actor.csrf, err); }

static struct str public_cookie(const struct exchange *x) {
    struct str value = params_get(&x->request.cookies, session_cookie_name(x, "mansio-form"));
    return value.n == PUBLIC_TEXT ? value : STR("");
}

struct str csrf_public_token(struct exchange *x) {
    struct str token = public_cookie(x);
    if (token.n == 0) {
        char fresh[PUBLIC_TEXT + 2];
        random_token(fresh, sizeof fresh, PUBLIC_BYTES);
        token = arena_str(&x->arena, str_of(fresh));
        reply_cookie(&x->reply, session_cookie_name(x, "mansio-form"), token, PUBLIC_LIFE, x->request.https);
    }
    return token;
}

bool csrf_public_check(const struct exchange *x, struct err *err) { return check(x, public_cookie(x), err); }
