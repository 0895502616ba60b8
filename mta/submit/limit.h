/*
 * limit: how much an account may send (sql/0013_limits.sql has the rules and counts, for all nodes together). Asked
 * once for each message of a user, before its data; mail that only passes through costs nothing.
 */
#ifndef SUBMIT_LIMIT_H
#define SUBMIT_LIMIT_H

struct examiner;
extern const struct examiner limit_examiner;

#endif
