#include "queue/owner.h"

#include "base/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { TOKEN_BYTES = 24 };

void owner_beside(const char *hostname, char owner[OWNER_BYTES]) {
    char token[TOKEN_BYTES + 2] = "";
    random_token(token, sizeof token, TOKEN_BYTES * 3 / 4);
    snprintf(owner, OWNER_BYTES, "%.255s/%s", hostname, token);
}

bool owner_take(const char *state, const char *hostname, char owner[OWNER_BYTES], struct err *err) {
    char path[4096], token[TOKEN_BYTES + 2] = "";
    snprintf(path, sizeof path, "%s/mta.owner", state);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "cannot open %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool taken = errno == EWOULDBLOCK;
        close(fd);
        return taken ? err_set(err, "another mansio-mta runs with the state folder %s", state)
                     : err_errno(err, "cannot lock %s", path);
    }
    ssize_t n = pread(fd, token, TOKEN_BYTES, 0);
    if (n != TOKEN_BYTES) {
        random_token(token, sizeof token, TOKEN_BYTES * 3 / 4);
        if (pwrite(fd, token, TOKEN_BYTES, 0) != TOKEN_BYTES) {
            err_errno(err, "cannot write %s", path);
            close(fd);
            return false;
        }
    }
    snprintf(owner, OWNER_BYTES, "%.255s/%s", hostname, token);
    return true; /* the descriptor stays open: it holds the lock */
}
