/*
 * maildir_name: names of files and folders in a Maildir.
 *
 * A message's file is UNIQUE[,S=SIZE][,W=SIZE]:2,FLAGS (cr.yp.to/proto/maildir.html; S and W are Maildir++ and
 * Dovecot). Of FLAGS upper-case letters are the system's, lower-case ones (a to z) Dovecot's keywords by number.
 *
 * A folder in Maildir++ is a directory .LEVEL.LEVEL, in Dovecot's LAYOUT=fs a path LEVEL/LEVEL; a level is in modified
 * UTF-7. Where a level holds what the layout uses itself, it stands as \XX in hexadecimal, as Dovecot's listescape
 * plugin writes it.
 */
#ifndef MOVE_MAILDIR_NAME_H
#define MOVE_MAILDIR_NAME_H

#include "base/memory.h"

enum { MAILDIR_LETTERS = 26 };

struct maildir_name {
    struct str base;   /* up to ":2,": stays while flags change */
    uint32_t flags;    /* enum store_flag */
    uint32_t letters;  /* bit i: the keyword 'a' + i */
    bool forwarded;    /* P: passed on ($Forwarded) */
    bool raw;          /* ",L=raw": line ends are as in the store (move/lines.h) */
    int64_t delivered; /* the time that the name begins with, microseconds; 0: none */
};
void maildir_name_read(struct str file, struct maildir_name *out);
/* Appends ":2," and the letters, in the alphabet's order as the format asks for. */
void maildir_flags_write(uint32_t flags, uint32_t letters, bool forwarded, struct buf *out);

/* The folder's name in UTF-8 with "/" between levels. path: relative to the Maildir, ".A.B" with dots, or "A/B". False
 * where it can't be one here. */
bool maildir_folder_read(struct str path, bool dots, struct buf *name);
/* Appends ".A.B" or "A/B". */
void maildir_folder_write(struct str name, bool dots, struct buf *path);

/* One level of a folder's name: modified UTF-7 (or UTF-8, as some servers have it) with \XX undone. */
bool maildir_level_read(struct str level, struct buf *name);
/* Appends the level; characters of `special`, and "\", as \XX. */
void maildir_level_write(struct str level, const char *special, struct buf *out);

#endif
