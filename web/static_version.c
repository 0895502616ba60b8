#include "static_version.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* CRC of the bytes; 0 for what can't be read. */
static uint32_t file_crc(const char *folder, const char *name) {
    char path[4096], bytes[65536];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    uint32_t crc = crc32c(0, name, strlen(name));
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, f)) > 0;)
        crc = crc32c(crc, bytes, n);
    fclose(f);
    return crc;
}

static int not_hidden(const struct dirent *entry) { return entry->d_name[0] != '.'; }

const char *static_version(const char *folder) {
    static char version[16];
    struct dirent **names;
    int count = scandir(folder, &names, not_hidden, alphasort);
    if (count < 0) {
        log_warn("cannot read the folder of static files %s: %s", folder, strerror(errno));
        return MANSIO_VERSION;
    }
    uint32_t crc = 0;
    for (int i = 0; i < count; i++) {
        uint32_t one = file_crc(folder, names[i]->d_name);
        crc = crc32c(crc, &one, sizeof one);
        free(names[i]);
    }
    free(names);
    snprintf(version, sizeof version, "%08x", crc);
    return version;
}
