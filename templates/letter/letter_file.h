/* letter_file.h - files that a letter names: found, read, made into parts. Inner header.
 *
 * Safe in any thread. */
#ifndef TEMPLATES_LETTER_LETTER_FILE_H
#define TEMPLATES_LETTER_LETTER_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct err;
struct letter_file;
struct letter_file_name;
struct letter_rendered;

enum letter_file_trust {
	FILE_BENEATH,  /* named by data: only below the folder, decided by the kernel */
	FILE_BY_AUTHOR /* named by the letter's own text: an absolute path is allowed too */
};
/* Reads a regular file of at most max bytes into a. -1 with e: ERR_INPUT (missing, not regular,
 * outside the folder, too long), ERR_NOMEM, ERR_SYS. */
int letter_file_read(int folder, struct span path, enum letter_file_trust trust, uint64_t max, struct arena *a,
		     struct span *out, struct err *e);

/* "path; type=...; name=..." into its parts. Only the letter's own bytes are syntax. Lives in a. */
int letter_file_parse(struct letter_file_name *out, const struct letter_rendered *line, struct arena *a,
		      struct err *e);

/* The header fields of the file's part with the empty line, and its encoded content. -1: no
 * memory, or the content cannot travel (e). needs gets enum mail_needs added. */
int letter_file_encode(const struct letter_file *f, const struct letter_file_name *name, struct span octets,
		       struct arena *a, struct span *head, struct span *data, unsigned *needs, struct err *e);

#endif
