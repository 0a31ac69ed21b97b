/* letter_compile.h - a letter under construction. Inner header of the room.
 *
 * Steps report to c->watch.sink and go on, so that the user sees all mistakes at once; they return
 * -1 with c->e only when nothing more can be done (no memory, the system refused). One thread. */
#ifndef TEMPLATES_LETTER_LETTER_COMPILE_H
#define TEMPLATES_LETTER_LETTER_COMPILE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "engine/model/finding.h"
#include "templates/letter/letter_field.h"
#include "templates/letter/letter_parts.h"
#include "templates/letter/letter_source.h"

struct digest;

/* Passes findings on and remembers the first error of them. */
struct letter_watch {
	struct finding_sink sink; /* first member */
	struct finding_sink *to;  /* may be NULL */
	struct err first;
};

struct letter_node; /* letter_structure.h */

struct letter_compile {
	struct letter *l;
	struct letter_watch watch;
	struct err *e;
	struct digest *digest;
	struct letter_source source;
	uint32_t cap_fields, cap_bodies, cap_files;
	const struct letter_header *type, *html, *text, *bulk, *calendar, *multipart; /* control headers; NULL: absent */
	const struct letter_header *charset;            /* control header; NULL: absent */
	struct mime_converter *converter;               /* into l->charset; NULL: UTF-8 only */
	bool misfit;                                    /* the letter's own text does not fit into it */
	struct span subtype, boundary;                  /* of Multipart: empty: as it comes */
	bool no_text;                                   /* Text-Body: none */
	struct span *images;                            /* local pictures that bodies name */
	uint32_t n_images;
	struct letter_node *root;                       /* of a letter that is written in parts */
};

/* A mistake at a place of the letter; kind groups alike ones. */
void letter_mistake(struct letter_compile *c, const char *kind, uint64_t line, uint64_t column, const char *hint,
		    const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* The same for what does not stop the letter. */
void letter_warning(struct letter_compile *c, const char *kind, const char *path, uint64_t line, uint64_t column,
		    const char *hint, const char *fmt, ...) __attribute__((format(printf, 7, 8)));
/* "folder/name" of a name that the letter gives. NULL: no memory. */
const char *letter_beside(struct letter *l, struct span name);
/* The value of a control header, or an empty one with a mistake reported when it takes values from
 * the list. -1: no memory. */
int letter_fixed_value(struct letter_compile *c, const struct letter_header *h, struct span *out);
/* Adds name and content to the digest of the letter. */
void letter_digest_add(struct letter_compile *c, const char *name, struct span content);
/* A file of the letter's, clean text, checked to be UTF-8: *path gets its name for messages. 0; 1
 * a mistake was reported; -1. */
int letter_read_text(struct letter_compile *c, struct span name, const struct letter_header *from, struct span *text,
		     const char **path);
enum letter_escape { ESCAPE_NONE, ESCAPE_HTML, ESCAPE_MARKDOWN };
/* Compiles source; t->program is NULL afterwards when it has mistakes, which are reported. */
int letter_compile_program(struct letter_compile *c, struct letter_text *t, struct span source,
			   enum letter_escape escape);
/* The same for a header's value: unfolded, checked, with t->fixed and t->value. */
int letter_compile_text(struct letter_compile *c, struct letter_text *t, struct span source, const char *path,
			uint64_t line, uint64_t column, struct span name);
/* A zeroed text with its place. */
struct letter_text *letter_compile_value(struct letter_compile *c, const struct letter_header *h);

/* ---- the steps ---- */

int letter_compile_fields(struct letter_compile *c); /* letter_compile_fields.c */
int letter_choose_charset(struct letter_compile *c); /* letter_charset.c */
void letter_drop_charset(struct letter_compile *c); /* when the letter's own text does not fit */
int letter_add_bulk(struct letter_compile *c); /* fields of a letter to many: letter_bulk.c */
void letter_check_bulk(struct letter_compile *c); /* its text */
int letter_compile_parts(struct letter_compile *c); /* bodies: letter_compile_parts.c */
int letter_compile_files(struct letter_compile *c); /* letter_compile_files.c */
int letter_compile_signers(struct letter_compile *c); /* letter_compile_sign.c */
void letter_advise(struct letter_compile *c); /* what was probably not meant: letter_advice.c */
int letter_compile_structure(struct letter_compile *c); /* letter_structure.c */

/* ---- what steps share ---- */

int letter_push_field(struct letter_compile *c, struct letter_field *f); /* -1: no memory */
/* One more field, as if the letter had it. source lives as long as the letter. */
int letter_add_header(struct letter_compile *c, const char *name, struct span source);
/* Where a body's source stands and what it is. */
struct letter_body_source {
	struct span text;
	const char *path;
	uint64_t line;
	struct span type;   /* "text/html" */
	struct span params; /* "; key=value" of a Content-Type beside charset; may be empty */
};
/* Compiles one more body of the letter, HTML where the source is Markdown; NULL: no memory (c->e). */
struct letter_body *letter_compile_body(struct letter_compile *c, const struct letter_body_source *src);
/* The text of a Markdown source as it stands; NULL: no memory. */
struct letter_body *letter_compile_twin(struct letter_compile *c, const struct letter_body_source *src);
/* The type and parameters of a Content-Type; reports a charset or type that cannot be written.
 * out->type is "" then. boundary may be NULL. */
int letter_read_type(struct letter_compile *c, struct span value, uint64_t line, uint64_t column,
		     struct letter_body_source *out, struct span *boundary);
/* Parts of a letter whose Content-Type is multipart: c->root. letter_multipart.c */
int letter_compile_multipart(struct letter_compile *c, struct span subtype, struct span boundary, struct span body,
			     uint64_t line);

#endif
