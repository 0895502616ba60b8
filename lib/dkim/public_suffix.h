/*
 * public_suffix: domains under which people register their own (the Public Suffix List).
 */
#ifndef DKIM_PUBLIC_SUFFIX_H
#define DKIM_PUBLIC_SUFFIX_H

#include "base/str.h"

/* Whether the domain (lower case, A-labels) is a registry's, as "com" and "co.uk". The list's private part (hosting
 * companies) does not count: those sign mail of their own. */
bool dkim_is_public_suffix(struct str domain);

#endif
