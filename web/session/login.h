/*
 * login: the pages to log in and out. One form for operators and mail accounts; what it opens depends on the role. A
 * wrong name and a wrong password look and take the same.
 */
#ifndef SESSION_LOGIN_H
#define SESSION_LOGIN_H

#include "exchange.h"

extern const struct route login_routes[];

/* Password hashing takes memory and time by design: the gate lets few threads do it at once. */
struct login_gate *login_gate_new(int threads, struct err *err);
void login_gate_free(struct login_gate *g);
/* password_verify behind the gate. An empty `stored` costs the same as a real one, and is false. False with *busy set
 * where the gate did not open within some seconds. */
bool login_verify(struct login_gate *g, struct str stored, struct str password, bool *busy);
/* Where the actor's pages begin: "/" or "/mail/". */
const char *login_home(enum role role);

#endif
