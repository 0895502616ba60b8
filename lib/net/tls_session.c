#include "net/tls_session.h"

#include "base/log.h"
#include "base/memory.h"
#include "net/tls_context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <sys/socket.h>

/* ---- a BIO over a socket that never raises SIGPIPE, which OpenSSL's own does ---- */

static int bio_fd(BIO *b) { return (int)(intptr_t)BIO_get_data(b); }

static int bio_result(BIO *b, ssize_t n, int retry_flag) {
    BIO_clear_retry_flags(b);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        BIO_set_flags(b, retry_flag | BIO_FLAGS_SHOULD_RETRY);
    return (int)n;
}

static int bio_read(BIO *b, char *p, int n) {
    ssize_t got = recv(bio_fd(b), p, (size_t)n, 0);
    if (got == 0)
        BIO_set_flags(b, BIO_FLAGS_IN_EOF);
    return bio_result(b, got, BIO_FLAGS_READ);
}

static int bio_write(BIO *b, const char *p, int n) {
    return bio_result(b, send(bio_fd(b), p, (size_t)n, MSG_NOSIGNAL), BIO_FLAGS_WRITE);
}

static long bio_ctrl(BIO *b, int command, long number, void *pointer) {
    (void)number, (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void) {
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
    if (!bio_method)
        mem_panic();
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

static BIO *bio_new(int fd) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_bio_method);
    BIO *b = BIO_new(bio_method);
    if (!b)
        mem_panic();
    BIO_set_data(b, (void *)(intptr_t)fd);
    BIO_set_init(b, 1);
    return b;
}

/* ---- sessions ---- */

static SSL *ssl_of(const struct tls_session *s) { return (SSL *)(uintptr_t)s; }

static SSL *ssl_new(struct tls_context *t, int fd) {
    SSL_CTX *ctx = tls_context_get(t);
    SSL *ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (!ssl)
        mem_panic();
    BIO *b = bio_new(fd);
    SSL_set_bio(ssl, b, b);
    return ssl;
}

struct tls_session *tls_session_server(struct tls_context *t, int fd) {
    SSL *ssl = ssl_new(t, fd);
    SSL_set_accept_state(ssl);
    return (struct tls_session *)ssl;
}

/* The certificate is always checked against the host, so that tls_session_verified() can tell; `verify` decides
 * whether a failure ends the handshake. */
static bool expect_host(SSL *ssl, const char *host) {
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    struct in6_addr any;
    if (inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

struct tls_session *tls_session_client(struct tls_context *t, int fd, const char *host, bool verify, struct err *err) {
    ERR_clear_error();
    SSL *ssl = ssl_new(t, fd);
    SSL_set_connect_state(ssl);
    if ((verify && !*host) || (*host && !expect_host(ssl, host))) {
        SSL_free(ssl);
        err_set(err, "'%s' is no host name that a certificate could be checked for", host);
        return NULL;
    }
    SSL_set_verify(ssl, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    SSL_set_app_data(ssl, *host ? t : NULL); /* a mark: the certificate has been checked for a host */
    return (struct tls_session *)ssl;
}

/* What went wrong in a handshake, in words. */
static void handshake_error(SSL *ssl, int code, int saved_errno, struct err *err) {
    unsigned long e = ERR_get_error();
    long verified = SSL_get_verify_result(ssl);
    const char *reason = e ? ERR_reason_error_string(e) : NULL;
    if (!SSL_is_server(ssl) && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) && verified != X509_V_OK)
        err_set(err, "TLS: the certificate is not acceptable: %s", X509_verify_cert_error_string(verified));
    else if (reason)
        err_set(err, "TLS: %s", reason);
    else if (code == SSL_ERROR_SYSCALL && saved_errno) {
        errno = saved_errno;
        err_errno(err, "TLS");
    } else
        err_set(err, "TLS: the peer closed the connection during the handshake");
}

static enum tls_result result_of(SSL *ssl, int r, bool end_is_close) {
    switch (SSL_get_error(ssl, r)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return end_is_close ? TLS_CLOSED : TLS_BROKEN;
    default:
        return TLS_BROKEN;
    }
}

enum tls_result tls_session_handshake(struct tls_session *s, struct err *err) {
    SSL *ssl = ssl_of(s);
    ERR_clear_error();
    errno = 0;
    int r = SSL_do_handshake(ssl), saved_errno = errno;
    if (r == 1)
        return TLS_OK;
    int code = SSL_get_error(ssl, r);
    enum tls_result result = result_of(ssl, r, false);
    if (result == TLS_BROKEN)
        handshake_error(ssl, code, saved_errno, err);
    ERR_clear_error();
    return result;
}

enum tls_result tls_session_read(struct tls_session *s, void *p, size_t size, size_t *n) {
    SSL *ssl = ssl_of(s);
    *n = 0;
    enum tls_result result = TLS_OK;
    while (*n < size) {
        size_t got = 0;
        ERR_clear_error();
        int r = SSL_read_ex(ssl, (char *)p + *n, size - *n, &got);
        if (r != 1) {
            result = result_of(ssl, r, true);
            ERR_clear_error();
            break;
        }
        *n += got;
        if (!SSL_has_pending(ssl))
            break;
    }
    return *n ? TLS_OK : result;
}

bool tls_session_buffered(const struct tls_session *s) {
    return SSL_has_pending(ssl_of(s)) == 1 || (SSL_get_shutdown(ssl_of(s)) & SSL_RECEIVED_SHUTDOWN);
}

enum tls_result tls_session_write(struct tls_session *s, const void *p, size_t n, size_t *written) {
    *written = 0;
    ERR_clear_error();
    int r = SSL_write_ex(ssl_of(s), p, n, written);
    if (r == 1)
        return TLS_OK;
    enum tls_result result = result_of(ssl_of(s), r, false);
    ERR_clear_error();
    return result;
}

void tls_session_shutdown(struct tls_session *s) {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_of(s)))
        SSL_shutdown(ssl_of(s));
    ERR_clear_error();
}

void tls_session_free(struct tls_session *s) { SSL_free(ssl_of(s)); }

const char *tls_session_version(const struct tls_session *s) { return SSL_get_version(ssl_of(s)); }

const char *tls_session_cipher(const struct tls_session *s) {
    const char *name = SSL_get_cipher_name(ssl_of(s));
    return name ? name : "";
}

bool tls_session_verified(const struct tls_session *s) {
    SSL *ssl = ssl_of(s);
    return SSL_get_app_data(ssl) && SSL_get0_peer_certificate(ssl) && SSL_get_verify_result(ssl) == X509_V_OK;
}

/* Before TLS 1.3 both types need the extended master secret (RFC 7627): without it somebody in the middle can make two
 * connections that look the same. */
bool tls_session_binding(const struct tls_session *s, const char *type, struct buf *out) {
    static const char label[] = "EXPORTER-Channel-Binding";
    SSL *ssl = ssl_of(s);
    bool new_enough = SSL_version(ssl) >= TLS1_3_VERSION;
    unsigned char bytes[EVP_MAX_MD_SIZE];
    size_t n = 0;
    if (!new_enough && SSL_get_extms_support(ssl) != 1)
        return false;
    if (strcmp(type, "tls-exporter") == 0) {
        n = 32;
        if (SSL_export_keying_material(ssl, bytes, n, label, sizeof label - 1, NULL, 0, 1) != 1)
            return false;
    } else if (strcmp(type, "tls-unique") == 0 && !new_enough) {
        /* the first Finished message of the handshake: the server's where the session was resumed */
        n = SSL_session_reused(ssl) ? SSL_get_finished(ssl, bytes, sizeof bytes)
                                    : SSL_get_peer_finished(ssl, bytes, sizeof bytes);
    }
    if (n == 0 || n > sizeof bytes)
        return false;
    buf_add(out, bytes, n);
    return true;
}

const char *tls_session_host(const struct tls_session *s) {
    const char *name = SSL_get_servername(ssl_of(s), TLSEXT_NAMETYPE_host_name);
    return name ? name : "";
}
