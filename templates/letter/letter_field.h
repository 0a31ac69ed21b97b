/* letter_field.h - header fields of a letter: what kind each is, and how it is written.
 *
 * Inner header of the room. Safe in any thread that has its own job. */
#ifndef TEMPLATES_LETTER_LETTER_FIELD_H
#define TEMPLATES_LETTER_LETTER_FIELD_H

#include <stdbool.h>

#include "engine/base/span.h"
#include "templates/letter/letter_parts.h"

struct err;
struct mime_out;

/* What the letter's header names mean. */
enum letter_control { CONTROL_NONE, CONTROL_TYPE, CONTROL_HTML, CONTROL_TEXT, CONTROL_ATTACHMENT, CONTROL_INLINE,
		      CONTROL_CHARSET, CONTROL_DKIM, CONTROL_SMIME,
		      CONTROL_BULK, CONTROL_CALENDAR, CONTROL_MULTIPART, CONTROL_IGNORED };
struct letter_known {
	const char *name;            /* as it is written */
	enum letter_field_kind kind;
	enum letter_role role;
	enum letter_control control; /* not a field of the mail */
	bool many;                   /* may stand in the letter more than once */
	unsigned order;              /* where it stands in the mail; equal ones as in the letter */
};
/* Never NULL: unknown names are free text. */
const struct letter_known *letter_field_known(struct span name);

/* The known name that an unknown one was probably meant to be, or NULL. */
const char *letter_field_nearest(struct span name);

/* What a field comes to for one mail. */
struct letter_field_value {
	struct span text;               /* all kinds but addresses */
	const struct address_list *list; /* addresses; in the job's arena, or the letter's */
	bool empty;                     /* nothing to write */
	bool null_path;                 /* Return-Path: <> */
};
int letter_field_render(const struct letter_field *f, struct letter_job *job, struct letter_field_value *out,
			struct err *e);
/* Writes it, encoded and folded. e gets the place in the letter. */
int letter_field_write(const struct letter_field *f, const struct letter_field_value *v, struct mime_out *o,
		       struct err *e);
/* For people: decoded, on one line. p is NULL when memory ran out. */
struct span letter_field_shown(const struct letter_field_value *v, struct arena *a);

bool letter_is_date(struct span s); /* as RFC 5322 3.3 writes one */
/* "<left@right>" without blanks. */
bool letter_is_message_id(struct span s);

#endif
