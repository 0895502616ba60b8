/* preview: the FETCH item PREVIEW (RFC 8970), which libetpan does not know, as an extension of its parser. */
#ifndef MAIL_IMAP_PREVIEW_H
#define MAIL_IMAP_PREVIEW_H

#include "base/str.h"

#include <libetpan/libetpan.h>

/* Once, before the first connection. */
void preview_register(void);
/* The text of a FETCH answer's extension item; "" where it is another's. */
struct str preview_text(const struct mailimap_extension_data *data);

#endif
