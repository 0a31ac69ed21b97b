/* letter.h - a letter file becomes a message program; letter + row = mail (front door).
 *
 * A letter file has the form of a message: header lines, an empty line, a body; all of it is
 * Liquid. It is compiled once, with its files, and is const from then on. */
#ifndef TEMPLATES_LETTER_LETTER_H
#define TEMPLATES_LETTER_LETTER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"
#include "engine/model/mail.h"
#include "engine/model/row.h"

struct err;
struct finding_sink;
struct letter;      /* compiled; shared by all threads */
struct letter_desk; /* what one thread needs to write letters: scratch, buffers; reused */

struct letter_dkim {         /* one key to sign with */
	const char *key, *selector;
	const char *domain;  /* NULL: of the From */
	const char *canon;   /* NULL: relaxed/relaxed */
};

struct letter_smime {        /* S/MIME; cert NULL: none */
	const char *cert;
	const char *key;     /* NULL: in the certificate's file */
};

/* How mails are made, beyond what the letter itself says. All borrowed for the letter's life. */
struct letter_ways {
	const struct letter_dkim *dkim;
	uint32_t n_dkim;
	bool bulk;           /* as "Bulk: yes" */
	const char *charset; /* as "Charset:"; NULL: the letter's, else UTF-8 */
	struct letter_smime smime;
	uint64_t max_nesting, max_steps, max_output; /* of each template of a row; 0: the language's defaults */
};

struct letter_options {
	const char *path;              /* the letter file; its folder holds attachments and partials */
	const struct columns *columns; /* of the list; borrowed for the letter's life */
	const struct member *vars;     /* --var, borrowed likewise */
	uint32_t n_vars;
	const char *address_column;    /* NULL: "email" where the letter has no To */
	const char *envelope_from;     /* a template; NULL: address of Sender, else of From */
	uint64_t max_message_bytes;    /* 0: 50 MiB */
	unsigned char seed[16];        /* of the campaign: Message-IDs and boundaries come from it */
	struct letter_ways ways;
};

/* Reports every mistake of letter, columns and fixed attachments. 0; -1 with e (ERR_INPUT: the
 * first finding; ERR_SYS; ERR_NOMEM). */
int letter_open(struct letter **out, const struct letter_options *opt, struct finding_sink *findings, struct err *e);
void letter_free(struct letter **l);
/* SHA-256 over the letter, its partials, its fixed files and vars: the campaign's identity. */
void letter_digest(const struct letter *l, unsigned char out[32]);

int letter_desk_new(struct letter_desk **out, const struct letter *l, struct err *e);
/* Told of every empty value that letter_write() prints at this desk (struct liquid_empty); NULL ends it. */
struct liquid_empty;
void letter_desk_watch(struct letter_desk *d, struct liquid_empty *watch);
void letter_desk_free(struct letter_desk **d);

/* Writes the mail of one row. Its bytes live in a and in the letter: reset a only when the mail
 * has been given back. wall_ms is the mail's recorded time: same seed, row and time, same bytes.
 * out->ticket is left alone. After the first rows no heap is touched but for signatures.
 *  0; -1 with e: ERR_INPUT (this row cannot be a mail; place is the letter's), ERR_NOMEM, ERR_SYS. */
int letter_write(const struct letter *l, struct letter_desk *d, struct arena *a, const struct row *r,
		 int64_t wall_ms, struct mail *out, struct err *e);

/* Of a row that letter_write() refused with ERR_INPUT: tells what is wrong with it, the first mistake of each
 * field, body and file; perhaps none, when only the whole is (its size). out: recipients and needs as far as
 * they are known, no content. 0; -1 with e, of another kind. */
struct letter_teller {
	void (*tell)(struct letter_teller *self, const struct err *why);
};
int letter_mistakes(const struct letter *l, struct letter_desk *d, struct arena *a, const struct row *r,
		    int64_t wall_ms, struct letter_teller *to, struct mail *out, struct err *e);

/* The Message-ID that letter_write() gives to that row, with < >; lives in a or in the letter. Empty
 * when the letter writes its own with values of the row. { NULL, 0 }: no memory. */
struct span letter_message_id(const struct letter *l, struct arena *a, uint64_t row);

/* The column whose cell is the To of every mail; -1: the letter makes it otherwise. */
int letter_to_column(const struct letter *l);
/* The column from which the last address of each To comes, as its text shows, and with it a domain of the mail;
 * -1: the text does not show it. */
int letter_domain_column(const struct letter *l);

/* The same mail as a person sees it, for preview pages: decoded, before transfer encoding. All of
 * it lives in a and in the letter. */
struct letter_view_part {
	struct span type; /* "image/png" */
	struct span name; /* file name, UTF-8; may be empty */
	struct span cid;  /* without < >; empty when it is no inline part */
	struct span data; /* decoded octets */
};
struct letter_view_header {
	struct span name, value; /* UTF-8, unfolded, encoded words not used */
};
struct letter_view {
	const struct letter_view_header *headers; /* as they are sent, in order */
	uint32_t n_headers;
	bool has_text, has_html;
	struct span text, html; /* UTF-8 with \n */
	const struct letter_view_part *parts; /* attachments and inline parts */
	uint32_t n_parts;
};
int letter_view(const struct letter *l, struct letter_desk *d, struct arena *a, const struct row *r,
		int64_t wall_ms, struct letter_view *out, struct err *e);

#endif
