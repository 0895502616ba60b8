/* What is on this machine: the configuration, directories, disk space, the certificate. */
#include "doctor.h"
#include "findings.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* ---- mansio.conf ---- */

static const char *const known[] = {
    "hostname",
    "state",
    "runtime",
    "user",
    "log_level",
    "log_format",
    "handover_seconds",
    "sql",
    "db_admin",
    "db_mta",
    "db_imapd",
    "db_web",
    "db_dns",
    "tls_certificate",
    "tls_certificates",
    "tls_key",
    "tls_ca",
    "resolver",
    "blob",
    "blob_compress",
    "s3_endpoint",
    "s3_bucket",
    "s3_region",
    "s3_prefix",
    "s3_key_file",
    "mta_smtp",
    "mta_submission",
    "mta_submissions",
    "mta_lmtp",
    "mta_pickup",
    "mta_smtp_port",
    "mta_metrics",
    "imapd_imap",
    "imapd_imaps",
    "imapd_pop3",
    "imapd_pop3s",
    "imapd_local",
    "imapd_metrics",
    "imapd_cache_mb",
    "imapd_append_limit",
    "imapd_message_limit",
    "imapd_save_limit",
    "imapd_unauthenticate",
    "imapd_progress_ms",
    "imapd_sweep_seconds",
    "imapd_search_index",
    "web_fastcgi",
    "web_imap",
    "web_submission",
    "web_templates",
    "web_static",
    "web_threads",
    "web_max_upload_mib",
    "web_max_form_kib",
    "dns_zones",
    "dns_driver",
    "dns_control",
    "dns_server",
    "dns_conf",
    "dns_check",
};
static const char *const needed[] = {"hostname", "state",    "runtime", "db_admin",
                                     "db_mta",   "db_imapd", "db_web",  "db_dns"};

static bool is_known(const char *name) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

void doctor_configuration(struct cli *cli) {
    const char *name, *value;
    bool good = true;
    for (size_t i = 0; conf_at(cli->conf, i, &name, &value); i++)
        if (!is_known(name)) {
            finding(cli, FINDING_WARN, "configuration", "nothing reads \"%s\": is it spelled right?", name);
            good = false;
        }
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!conf_get(cli->conf, needed[i], NULL)) {
            finding(cli, FINDING_FAIL, "configuration", "\"%s\" is not set in %s", needed[i], cli->conf_path);
            good = false;
        }
    struct stat st;
    if (stat(cli->conf_path, &st) == 0 && st.st_mode & S_IROTH) {
        finding(cli, FINDING_FAIL, "configuration", "everybody can read %s, and it has passwords: chmod 640 it",
                cli->conf_path);
        good = false;
    }
    if (good)
        finding(cli, FINDING_OK, "configuration", "%s", cli->conf_path);
}

/* ---- directories ---- */

static void check_directory(struct cli *cli, const char *setting, const char *otherwise, bool is_private) {
    const char *path = conf_get(cli->conf, setting, otherwise);
    struct stat st;
    if (!path || !*path)
        return;
    if (stat(path, &st) != 0)
        finding(cli, FINDING_FAIL, setting, "%s: %m. Make it, and give it to the user of the daemons", path);
    else if (!S_ISDIR(st.st_mode))
        finding(cli, FINDING_FAIL, setting, "%s is not a directory", path);
    else if (is_private && st.st_mode & S_IWOTH)
        finding(cli, FINDING_FAIL, setting, "everybody can write to %s: chmod o-w it", path);
    else
        finding(cli, FINDING_OK, setting, "%s", path);
}

static void check_space(struct cli *cli, const char *path) {
    struct statvfs v;
    if (statvfs(path, &v) != 0)
        return; /* that it is not there was said */
    double mib = (double)v.f_bavail * (double)v.f_frsize / (1 << 20);
    double percent = v.f_blocks ? 100.0 * (double)v.f_bavail / (double)v.f_blocks : 0;
    double inodes = v.f_files ? 100.0 * (double)v.f_favail / (double)v.f_files : 100;
    enum finding level = mib < 200 ? FINDING_FAIL : mib < 2048 || percent < 5 || inodes < 5 ? FINDING_WARN : FINDING_OK;
    finding(cli, level, "disk space", "%.0f MiB (%.0f %%) and %.0f %% of the inodes are free in %s%s", mib, percent,
            inodes, path, level == FINDING_OK ? "" : ": mail is refused when it is full, make room");
}

void doctor_places(struct cli *cli) {
    check_directory(cli, "state", NULL, true);
    check_directory(cli, "runtime", NULL, true);
    check_directory(cli, "dns_zones", NULL, true);
    const char *state = conf_get(cli->conf, "state", NULL);
    if (state)
        check_space(cli, state);
}

/* ---- the certificate ---- */

static X509 *read_certificate(const char *path) {
    FILE *f = fopen(path, "re");
    X509 *certificate = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    return certificate;
}

static EVP_PKEY *read_key(const char *path) {
    FILE *f = fopen(path, "re");
    EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    return key;
}

static void check_dates(struct cli *cli, const X509 *certificate, const char *path) {
    int days = 0, seconds = 0;
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        finding(cli, FINDING_FAIL, "certificate", "%s is not valid yet: is the clock right?", path);
    else if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        finding(cli, FINDING_FAIL, "certificate", "%s has expired: renew it and reload the daemons", path);
    else if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate)) && days < 14)
        finding(cli, FINDING_WARN, "certificate", "%s expires in %d days: renew it and reload the daemons", path, days);
    else
        finding(cli, FINDING_OK, "certificate", "valid for %d days more", days);
}

static void check_name(struct cli *cli, X509 *certificate) {
    const char *hostname = conf_get(cli->conf, "hostname", NULL);
    if (!hostname)
        return;
    if (X509_check_host(certificate, hostname, 0, 0, NULL) == 1)
        finding(cli, FINDING_OK, "certificate", "is for %s", hostname);
    else
        finding(cli, FINDING_FAIL, "certificate", "is not for %s (hostname): mail programs will warn of it", hostname);
}

static void check_key(struct cli *cli, const X509 *certificate, const char *path) {
    struct stat st;
    EVP_PKEY *key = read_key(path);
    if (!key)
        finding(cli, errno == EACCES ? FINDING_WARN : FINDING_FAIL, "certificate", "cannot read the key %s", path);
    else if (X509_check_private_key(certificate, key) != 1)
        finding(cli, FINDING_FAIL, "certificate", "the key %s belongs to another certificate", path);
    else if (stat(path, &st) == 0 && st.st_mode & S_IROTH)
        finding(cli, FINDING_FAIL, "certificate", "everybody can read the key %s: chmod 640 it", path);
    else
        finding(cli, FINDING_OK, "certificate", "the key fits");
    EVP_PKEY_free(key);
}

void doctor_certificate(struct cli *cli) {
    const char *path = conf_get(cli->conf, "tls_certificate", ""), *key = conf_get(cli->conf, "tls_key", "");
    if (!*path || !*key) {
        finding(cli, FINDING_FAIL, "certificate", "tls_certificate and tls_key are not set: nobody can log in");
        return;
    }
    X509 *certificate = read_certificate(path);
    if (!certificate) {
        finding(cli, FINDING_FAIL, "certificate", "there is no certificate to be read in %s", path);
        return;
    }
    check_dates(cli, certificate, path);
    check_name(cli, certificate);
    check_key(cli, certificate, key);
    X509_free(certificate);
}
