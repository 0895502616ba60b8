/* keyword: what IMAP keywords are made of (RFC 9051 section 9: atom), and how long they may be here. */
#ifndef MOVE_KEYWORD_H
#define MOVE_KEYWORD_H

#include <stdbool.h>
#include <string.h>

enum { KEYWORD_MAX = 100 };

static inline bool keyword_byte(char c) { return c > 0x20 && c < 0x7f && !strchr("(){%*\"\\]", c); }

#endif
