/*
 * edit: changes to a message between its arrival and its storing: header fields that are inserted, replaced or taken
 * out, and a new body. Made by those who have a say at the message stage (smtpd/stage.h): the results of
 * authentication, milters, scanners. Nothing is parsed or copied before the first change; a message that nobody changes
 * costs nothing.
 *
 * Fields are counted as milters count them: the n-th of a name, from 1, top down, in the header as it is after the
 * changes before. Names and values may come from elsewhere: a value with a line end in it must be folded (each line
 * end is CR LF followed by a blank or a tab); whatever else is there of line ends is mended, so that no value can begin
 * another field or the body.
 */
#ifndef EDIT_EDIT_H
#define EDIT_EDIT_H

#include "base/memory.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct edit_field {
    struct str name; /* without the colon; "" for lines between fields that are none */
    struct str raw;  /* the whole field with its line ends */
};

/* Zero, but for `arena` and `message`, is a good start. */
struct edit {
    struct arena *arena;
    struct str message; /* as it came */
    bool parsed, changed, body_changed;
    struct edit_field *field;
    size_t count, cap;
    size_t header_bytes; /* of the message as it came, without the empty line that ends the header */
    struct str body;     /* with that empty line, as it came or replaced */
};

/* The fields as they are now; *count of them. Valid until the next change. */
const struct edit_field *edit_fields(struct edit *e, size_t *count);
/* Inserts a field before the one at `index` (0: on top; beyond the last: at the end). */
void edit_insert(struct edit *e, size_t index, struct str name, struct str value);
/* Replaces the value of the n-th field of that name, in its place; where there is none, adds it at the end. */
void edit_replace(struct edit *e, struct str name, uint32_t nth, struct str value);
/* The same, with a value that begins right behind the colon: no blank is put before it. */
void edit_insert_exact(struct edit *e, size_t index, struct str name, struct str value);
void edit_replace_exact(struct edit *e, struct str name, uint32_t nth, struct str value);
/* Takes the n-th field of that name out; false where there is none. */
bool edit_remove(struct edit *e, struct str name, uint32_t nth);
/* The text behind the header, with CR LF line ends; must live as long as the edit. */
void edit_body(struct edit *e, struct str body);
/* The header as it is now, without the empty line, in the arena. */
struct str edit_header(struct edit *e);

/* The part of a field behind its colon, without the last line end, as it is folded. */
struct str edit_value(const struct edit_field *f);

#endif
