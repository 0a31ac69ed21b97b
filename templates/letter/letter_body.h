/* letter_body.h - a body of a letter: compiled with its transfer encoding, filled for each mail.
 *
 * Inner header of the room. A compiled body is const. */
#ifndef TEMPLATES_LETTER_LETTER_BODY_H
#define TEMPLATES_LETTER_LETTER_BODY_H

#include "engine/base/arena.h"
#include "engine/base/span.h"
#include "templates/letter/letter_parts.h"

struct err;
struct mime_out;

/* Encodes the fixed pieces of a body whose program is there, also in the charset of converter, when
 * there is one: *misfit is set when one does not fit. files are those that HTML may name. -1: no
 * memory (e). */
int letter_body_prepare(struct letter_body *b, struct letter_files files, struct mime_converter *converter,
			struct arena *a, bool *misfit, struct err *e);
/* In the job's charset; job->misfit is set when a value does not fit into that (-1, e unset). */
int letter_body_write(const struct letter_body *b, struct letter_job *job, struct mime_out *o, struct err *e);
/* As the template gives it, with \n; lives in the job's arena. */
int letter_body_show(const struct letter_body *b, struct letter_job *job, struct span *out, struct err *e);

#endif
