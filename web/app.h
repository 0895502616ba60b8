/* app: serves one request, from reading it to the finished reply (exchange.h tells the order of things). */
#ifndef APP_H
#define APP_H

#include "exchange.h"

/* x is the caller's, one a thread, zeroed before the first call and kept from call to call for its memory. The reply is
 * appended to out as a CGI response: head and, but for HEAD, body. */
void app_serve(struct web *web, struct exchange *x, const struct request_source *source, struct buf *out);
void app_exchange_free(struct exchange *x);

#endif
