/* Requests, the router, replies and URLs. */
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "http/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct arena arena;

static int fresh(void **state) {
    (void)state;
    arena_reset(&arena);
    return 0;
}

/* ---- requests ---- */

struct script {
    const char *const *variables; /* name, value, name, value, NULL */
    struct str body;
    size_t at, piece; /* bytes that one read gives at most */
};

static const char *variable(void *context, const char *name) {
    const struct script *s = context;
    for (const char *const *v = s->variables; *v; v += 2) {
        if (strcmp(*v, name) == 0)
            return v[1];
    }
    return NULL;
}

static ptrdiff_t read_piece(void *context, void *p, size_t n) {
    struct script *s = context;
    struct str piece = str_sub(s->body, s->at, n < s->piece ? n : s->piece);
    if (piece.n > 0)
        memcpy(p, piece.p, piece.n);
    s->at += piece.n;
    return (ptrdiff_t)piece.n;
}

static const struct request_limits LIMITS = {.form_bytes = 1000, .upload_bytes = 1 << 20, .spool = "/tmp"};

static int read_request(struct request *r, struct script *s) {
    static struct request_source source;
    source = (struct request_source){variable, read_piece, s};
    struct err err = {""};
    int status = request_read(r, &arena, &source, &LIMITS, &err);
    assert_true(status == 0 || err.text[0]);
    return status;
}

static int get_target(struct request *r, const char *target) {
    const char *const variables[] = {"REQUEST_METHOD", "GET", "REQUEST_URI", target, NULL};
    struct script s = {.variables = variables};
    return read_request(r, &s);
}

static void the_path_is_kept_as_sent_and_the_query_decoded(void **state) {
    (void)state;
    struct request r;
    assert_int_equal(get_target(&r, "/a%2Fb/c?x=1%202&y"), 0);
    assert_true(str_eq(r.path, STR("/a%2Fb/c")));
    assert_true(str_eq(params_get(&r.query, STR("x")), STR("1 2")));
    assert_int_equal(get_target(&r, ""), 400);
    assert_int_equal(get_target(&r, "http://elsewhere/"), 400);
    assert_int_equal(get_target(&r, "/?x=%00"), 400);
}

static void addresses_that_are_none_are_left_out(void **state) {
    (void)state;
    const char *variables[] = {"REQUEST_METHOD", "GET",   "REQUEST_URI", "/", "REMOTE_ADDR",
                               "unix:",          "HTTPS", "on",          NULL};
    struct script s = {.variables = variables};
    struct request r;
    assert_int_equal(read_request(&r, &s), 0);
    assert_int_equal(r.address.n, 0);
    assert_true(r.https);
    variables[5] = "2001:db8::1";
    assert_int_equal(read_request(&r, &s), 0);
    assert_true(str_eq(r.address, STR("2001:db8::1")));
}

static int post(struct request *r, const char *type, const char *length, struct str body) {
    const char *const variables[] = {"REQUEST_METHOD", "POST", "REQUEST_URI", "/", "CONTENT_TYPE", type,
                                     "CONTENT_LENGTH", length, NULL};
    struct script s = {.variables = variables, .body = body, .piece = 7};
    return read_request(r, &s);
}

static void a_form_is_read_in_pieces_and_bounded(void **state) {
    (void)state;
    struct request r;
    const char *type = "application/x-www-form-urlencoded; charset=UTF-8";
    assert_int_equal(post(&r, type, "11", STR("a=1&b=two+2")), 0);
    assert_true(str_eq(params_get(&r.form, STR("b")), STR("two 2")));
    assert_int_equal(post(&r, type, "12", STR("a=1&b=two+2")), 400); /* cut off */
    assert_int_equal(post(&r, type, "1001", STR("a=1")), 413);
    assert_int_equal(post(&r, type, "-1", STR("a=1")), 400);
    assert_int_equal(post(&r, type, "99999999999999999999", STR("a=1")), 400);
    assert_int_equal(post(&r, "application/json", "2", STR("{}")), 0);
    assert_true(str_eq(r.body, STR("{}")));
    assert_int_equal(r.form.count, 0);
}

static void a_large_upload_goes_through_a_file(void **state) {
    (void)state;
    struct buf b = BUF_EMPTY;
    buf_add_c(&b, "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"big\"\r\n\r\n");
    size_t head = b.n;
    for (int i = 0; i < 300 * 1024; i++)
        buf_add_byte(&b, (char)i);
    buf_add_c(&b, "\r\n--x--\r\n");
    char length[32];
    snprintf(length, sizeof length, "%zu", b.n);
    const char *const variables[] = {
        "REQUEST_METHOD", "POST", "REQUEST_URI", "/", "CONTENT_TYPE", "multipart/form-data; boundary=x",
        "CONTENT_LENGTH", length, NULL};
    struct script s = {.variables = variables, .body = buf_str(&b), .piece = 8000};
    struct request r;
    assert_int_equal(read_request(&r, &s), 0);
    assert_non_null(r.mapping);
    const struct param *file = params_file(&r.form, STR("f"), 0);
    assert_int_equal(file->value.n, 300 * 1024);
    assert_memory_equal(file->value.p, b.p + head, file->value.n);
    request_free(&r);
    buf_free(&b);
}

/* ---- router ---- */

static const struct route TABLE[] = {{METHOD_GET, "/", NULL, 1},
                                     {METHOD_GET, "/domains/new", NULL, 2},
                                     {METHOD_GET, "/domains/#domain", NULL, 3},
                                     {METHOD_POST, "/domains/#domain", NULL, 4},
                                     {METHOD_GET, "/files/:name/#part", NULL, 5},
                                     {0}};

static unsigned found(enum method method, const char *path, struct route_match *m) {
    static const struct route *const TABLES[] = {TABLE, NULL};
    router_find(TABLES, &arena, method, str_of(path), m);
    return m->route ? m->route->flags : 0;
}

static void routes_are_found_by_segments_and_methods(void **state) {
    (void)state;
    struct route_match m;
    assert_int_equal(found(METHOD_GET, "/", &m), 1);
    assert_int_equal(found(METHOD_GET, "/domains/new", &m), 2);
    assert_int_equal(found(METHOD_HEAD, "/domains/17", &m), 3);
    assert_int_equal(m.param[0].number, 17);
    assert_int_equal(found(METHOD_POST, "/domains/17", &m), 4);
    assert_int_equal(found(METHOD_GET, "/domains", &m), 0);
    assert_int_equal(found(METHOD_GET, "/domains/", &m), 0);
    assert_int_equal(found(METHOD_GET, "/domains/17/", &m), 0);
    assert_int_equal(m.methods, 0);
    assert_int_equal(found(METHOD_OTHER, "/domains/17", &m), 0);
    assert_int_equal(m.methods, METHOD_GET | METHOD_POST);
}

static void numbers_are_positive_and_written_one_way(void **state) {
    (void)state;
    struct route_match m;
    static const char *const BAD[] = {
        "/domains/0", "/domains/01", "/domains/-1", "/domains/1x", "/domains/9223372036854775808", "/domains/%31"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_int_equal(found(METHOD_GET, BAD[i], &m), 0);
    assert_int_equal(found(METHOD_GET, "/domains/9223372036854775807", &m), 3);
}

static void names_are_decoded_within_their_segment(void **state) {
    (void)state;
    struct route_match m;
    assert_int_equal(found(METHOD_GET, "/files/a%2Fb%20%C3%BC/3", &m), 5);
    assert_true(str_eq(m.param[0].text, STR("a/b ü")));
    assert_int_equal(m.param[1].number, 3);
    assert_int_equal(found(METHOD_GET, "/files/%00/3", &m), 0);
    assert_int_equal(found(METHOD_GET, "/files/%ff/3", &m), 0);
    assert_int_equal(found(METHOD_GET, "/files//3", &m), 0);
}

/* ---- replies and URLs ---- */

static struct str header(const struct reply *r, const char *name) {
    for (size_t i = 0; i < r->headers; i++) {
        if (str_ieq(r->header[i].name, str_of(name)))
            return r->header[i].value;
    }
    return (struct str){NULL, 0};
}

static void no_header_can_be_forged_through_a_value(void **state) {
    (void)state;
    struct reply r;
    reply_begin(&r, &arena);
    reply_set_c(&r, "X-Test", "a\r\nSet-Cookie: evil=1\r\n\r\n<script>");
    assert_true(str_eq(header(&r, "X-Test"), STR("aSet-Cookie: evil=1<script>")));
    reply_filename(&r, STR("a\"\r\nb/\xc3\xbc.txt"), false);
    assert_true(str_eq(header(&r, "Content-Disposition"),
                       STR("attachment; filename=\"a___b___.txt\"; filename*=UTF-8''a%22%0D%0Ab%2F%C3%BC.txt")));
    reply_free(&r);
}

static void redirects_stay_on_this_site(void **state) {
    (void)state;
    static const char *const BAD[] = {"",     "x",     "//evil.test",  "/\\evil.test", "https://evil.test",
                                      "/a b", "/a\tb", "javascript:x", "/a\\b",        "/\x7f"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct reply r;
        reply_begin(&r, &arena);
        reply_redirect(&r, str_of(BAD[i]));
        assert_int_equal(r.status, 303);
        assert_true(str_eq(header(&r, "Location"), STR("/")));
    }
    assert_true(url_is_local_path(STR("/domains/1?q=%20#x")));
}

static void cookies_are_out_of_scripts_reach(void **state) {
    (void)state;
    struct reply r;
    reply_begin(&r, &arena);
    reply_cookie(&r, STR("__Host-a"), STR("v"), -1, true);
    reply_cookie(&r, STR("b"), STR(""), 0, false);
    assert_true(str_eq(r.header[r.headers - 2].value, STR("__Host-a=v; Path=/; HttpOnly; SameSite=Lax; Secure")));
    assert_true(str_eq(r.header[r.headers - 1].value, STR("b=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")));
}

static void the_head_has_status_headers_and_length(void **state) {
    (void)state;
    struct reply r;
    struct buf out = BUF_EMPTY;
    reply_begin(&r, &arena);
    r.status = 404;
    buf_add_c(&r.body, "hello");
    reply_head(&r, &out);
    assert_true(str_starts(buf_str(&out), STR("Status: 404 Not Found\r\nContent-Type: text/html; charset=utf-8\r\n")));
    assert_true(str_ends(buf_str(&out), STR("\r\nContent-Length: 5\r\n\r\n")));
    buf_free(&out);
    reply_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_path_is_kept_as_sent_and_the_query_decoded, fresh),
        cmocka_unit_test_setup(addresses_that_are_none_are_left_out, fresh),
        cmocka_unit_test_setup(a_form_is_read_in_pieces_and_bounded, fresh),
        cmocka_unit_test_setup(a_large_upload_goes_through_a_file, fresh),
        cmocka_unit_test_setup(routes_are_found_by_segments_and_methods, fresh),
        cmocka_unit_test_setup(numbers_are_positive_and_written_one_way, fresh),
        cmocka_unit_test_setup(names_are_decoded_within_their_segment, fresh),
        cmocka_unit_test_setup(no_header_can_be_forged_through_a_value, fresh),
        cmocka_unit_test_setup(redirects_stay_on_this_site, fresh),
        cmocka_unit_test_setup(cookies_are_out_of_scripts_reach, fresh),
        cmocka_unit_test_setup(the_head_has_status_headers_and_length, fresh),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(&arena);
    return failed;
}
