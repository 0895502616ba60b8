#include "session/recent.h"

#include "base/clock.h"

#include <pthread.h>

enum { SLOTS = 512, MAX_TEXT = 400 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct recent {
    int64_t until; /* monotonic */
    struct actor actor;
    char login[MAX_TEXT], name[MAX_TEXT], csrf[MAX_TEXT];
} slots[SLOTS];

/* A session has one place; another that comes to the same one takes it over. */
static struct recent *place_of(const unsigned char session[32]) {
    uint32_t i;
    memcpy(&i, session, sizeof i);
    return &slots[i % SLOTS];
}

bool recent_recall(struct exchange *x, const unsigned char session[32]) {
    struct recent *r = place_of(session);
    pthread_mutex_lock(&lock);
    bool known = r->until > clock_monotonic() && memcmp(r->actor.session, session, sizeof r->actor.session) == 0;
    if (known) {
        x->actor = r->actor;
        x->actor.login = arena_str(&x->arena, str_of(r->login));
        x->actor.name = arena_str(&x->arena, str_of(r->name));
        x->actor.csrf = arena_str(&x->arena, str_of(r->csrf));
    }
    pthread_mutex_unlock(&lock);
    return known;
}

void recent_remember(const struct actor *actor) {
    struct recent *r = place_of(actor->session);
    pthread_mutex_lock(&lock);
    r->actor = *actor;
    bool fits = str_to_c(actor->login, r->login, MAX_TEXT) && str_to_c(actor->name, r->name, MAX_TEXT) &&
                str_to_c(actor->csrf, r->csrf, MAX_TEXT);
    r->until = fits ? clock_monotonic() + CLOCK_SECOND : 0;
    pthread_mutex_unlock(&lock);
}

void recent_forget(const unsigned char session[32]) {
    struct recent *r = place_of(session);
    pthread_mutex_lock(&lock);
    if (memcmp(r->actor.session, session, sizeof r->actor.session) == 0)
        r->until = 0;
    pthread_mutex_unlock(&lock);
}
