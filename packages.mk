# Debian packages, by what they are needed for. `package/command` is satisfied by the command alone, whoever
# installed it. tools/packages installs what is missing.

# compiling
PACKAGES_BUILD := gcc g++ libc6-dev make pkg-config libpq-dev libssl-dev libidn2-dev libjansson-dev libzstd-dev zlib1g-dev \
    libargon2-dev libpsl-dev libgsasl-dev libunistring-dev libunbound-dev libcrypt-dev libfcgi-dev libetpan-dev libgumbo-dev \
    libctemplate-dev libcurl4-gnutls-dev libseccomp-dev gettext

# a private instance: what the programs speak to, and what tools/instance uses
# libsasl2-modules: libetpan signs in to submission through them
PACKAGES_RUN := libsasl2-modules postgresql-15 postgresql-client-15 nginx bind9 bind9-utils bind9-dnsutils unbound \
    openssl python3 ca-certificates publicsuffix

# make check and make lint
PACKAGES_TEST := clang clang-format clang-tidy libclang-rt-14-dev llvm/llvm-symbolizer cppcheck shellcheck libcmocka-dev \
    python3-aiosmtpd python3-milter rspamd clamav-daemon postgrey opendkim postfix swaks haproxy libnet-ssleay-perl gsasl dovecot-imapd isync mutt msmtp fetchmail getmail6 curl thunderbird xvfb/Xvfb offlineimap3/offlineimap jq libpython3.11-testsuite mandoc procps util-linux \
    python3-dkim python3-authres python3-nacl python3-cryptography libmail-dkim-perl chromium fonts-dejavu-core prometheus/promtool radosgw ceph-mon ceph-osd ceph-common nodejs/node npm/npm
