/* letter_parts.h - what a compiled letter is made of. Inner header of the room.
 *
 * Built once by letter_open(), then const. All of it lives in letter.memory, but for the Liquid
 * programs, which letter.programs lists. */
#ifndef TEMPLATES_LETTER_LETTER_PARTS_H
#define TEMPLATES_LETTER_LETTER_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/clock.h"
#include "engine/base/span.h"
#include "engine/model/address.h"
#include "engine/model/row.h"
#include "templates/letter/letter.h"
#include "templates/liquid/liquid.h"
#include "templates/mime/mime_charset.h"
#include "templates/mime/mime_id.h"
#include "templates/mime/mime_qp.h"
#include "templates/mime/mime_text.h"

/* ---- a template of the letter, or a column in its place ---- */

enum { LETTER_STEPS_MOST = 8 };

struct letter_mailbox { /* "{{ name }} <{{ address }}>": 1 + column; name 0: none, address 0: it is something else */
	uint32_t name, address;
};

struct letter_text {
	const char *path;      /* of the file it stands in */
	uint64_t line, column; /* where it begins there */
	struct liquid_program *program; /* NULL: the value of a column, by index or by name */
	uint32_t index;        /* of the column; UINT32_MAX: a member of the row's object */
	struct span name;      /* of the column */
	struct span *pieces;   /* of program, unfolded */
	struct liquid_step steps[LETTER_STEPS_MOST]; /* of program, when it is nothing but these; n_steps 0: it is more */
	uint32_t n_steps;
	struct letter_mailbox mailbox;
	bool fixed;            /* the same in all mails: */
	struct span value;     /* this, trimmed */
};

/* ---- header fields ---- */

enum letter_field_kind {
	FIELD_TEXT,      /* free text: encoded words */
	FIELD_PLAIN,     /* structured: ASCII */
	FIELD_PHRASE_ID, /* List-Id */
	FIELD_ADDRESSES,
	FIELD_DATE,      /* the mail's recorded time */
	FIELD_MESSAGE_ID, /* made from seed and row */
	FIELD_MIME       /* MIME-Version, Content-Type: written with the body, listed for the view */
};

/* Fields that the envelope needs. */
enum letter_role { ROLE_FROM, ROLE_SENDER, ROLE_TO, ROLE_CC, ROLE_BCC, ROLE_RETURN_PATH, ROLE_COUNT, ROLE_NONE };

struct letter_field {
	struct span name;
	enum letter_field_kind kind;
	enum letter_role role;
	unsigned order;           /* where it stands in the mail */
	bool control;             /* never leaves: Bcc, Return-Path */
	struct letter_text *texts; /* more than one: addresses of a field that the letter has twice */
	uint32_t n_texts;
	bool fixed;
	struct span bytes;         /* fixed: encoded and folded, with CRLF */
	struct span other_bytes;   /* the same in the letter's charset */
	struct span shown;         /* fixed: for people */
	struct address_list list;  /* fixed addresses */
	bool null_path;            /* fixed: Return-Path: <> */
};

/* ---- bodies and files ---- */

struct letter_files {
	struct letter_file *const *items;
	uint32_t n;
};

enum letter_form {
	FORM_OWN,      /* as the template gives it */
	FORM_MARKDOWN, /* the template gives Markdown, the body is HTML */
	FORM_PLAIN,    /* the template gives HTML, the body is its text */
	FORM_CALENDAR  /* values are iCalendar's text, long lines are folded */
};

struct letter_skeleton {               /* a body's fixed text in one charset */
	struct span type_field;        /* Content-Type with its parameters and CRLF */
	enum mime_encoding encoding;
	struct span bytes;             /* fixed: encoded */
	struct mime_qp_piece *encoded; /* quoted-printable with holes: by number of the piece */
	struct span *replaced;         /* fixed pieces with their cid: names completed, by number */
};

struct letter_mould_step {
	bool is_value;
	uint32_t column;
	struct span fixed;
};
struct letter_mould { /* n 0: none */
	const struct letter_mould_step *steps;
	uint32_t n;
	uint32_t *columns;   /* all of them, each once */
	const bool *in_link; /* is it in the text of a link? */
	uint32_t n_columns;
};

struct letter_body {
	bool html;                     /* the body, not the template */
	enum letter_form form;
	struct letter_files files;     /* that HTML may name */
	struct letter_text text;
	struct letter_mould mould;     /* of FORM_PLAIN */
	struct span type;              /* "text/plain" */
	struct span params;            /* "; key=value", beside charset */
	struct letter_skeleton utf8, other; /* in UTF-8, in the letter's charset */
};

struct letter_file_name { /* "path; type=...; name=..." as it was rendered */
	struct span path, type, name, cid, charset, encoding;
	bool is_inline;
	bool old_name; /* for programs that know RFC 2047 and not RFC 2231 */
};

struct letter_file {
	struct letter_text text;
	bool is_inline;
	struct letter_file_name fixed_name; /* when text.fixed, or what of an Inline is fixed: cid */
	struct span shown_cid;   /* as HTML names it */
	struct span content_id;  /* complete, without < > */
	struct span src;         /* as a picture's src names it; empty: it is none */
	struct span head, data;  /* fixed: header fields with the empty line; encoded content */
	struct span octets;      /* fixed: as read */
	struct span delimiter;   /* before the part, for a file that is read for each mail */
	unsigned needs;          /* enum mail_needs */
};

/* ---- the message program ---- */

enum letter_op_kind {
	OP_FIXED, OP_FIELD, OP_DATE, OP_MESSAGE_ID, OP_BODY, OP_FILE,
	OP_SIGNED_BEGIN, /* what S/MIME signs stands between these two; */
	OP_SIGNED_END    /* fixed and the signature come behind it */
};
struct letter_op {
	enum letter_op_kind kind;
	union {
		struct span fixed;
		const struct letter_field *field;
		const struct letter_body *body;
		const struct letter_file *file;
	};
};

struct dkim_desk;
struct dkim_signer;
struct smime_signer;

struct letter_program {
	struct letter_op *ops;
	uint32_t n, cap;
};

struct letter {
	struct arena memory;
	struct letter_options opt; /* pointers of it borrowed, path copied */
	const char *path;
	int folder;                /* of the letter, for files beneath it; -1 */
	struct liquid_program **programs;
	uint32_t n_programs, cap_programs;
	struct mime_seed seed;

	struct letter_field **fields; /* those that leave, in the order they do */
	uint32_t n_fields;
	struct letter_field *role[ROLE_COUNT];
	struct letter_text *envelope_from; /* NULL: no option */
	bool check_column;                 /* the To must have the row's address_column */
	struct letter_text address_column;
	int domain_column;                 /* letter_domain_column() */
	bool own_message_id;
	struct span fixed_message_id;      /* the letter's own, when all mails have the same; else empty */
	struct span id_domain;             /* of Message-IDs */
	struct span from_domain;           /* as far as it is the same in all mails; else empty */
	struct dkim_signer **signers;
	uint32_t n_signers;
	struct smime_signer *smime;        /* NULL: none */
	bool bulk;

	struct letter_body **bodies;       /* text first */
	uint32_t n_bodies;
	bool has_calendar;                 /* the last body is an invitation */
	bool uses_token;
	struct letter_file **files;
	uint32_t n_files;

	const struct mime_charset *charset; /* NULL: UTF-8 only */
	struct letter_program utf8, other;  /* the message in UTF-8, and in that charset */
	unsigned needs;                    /* of the fixed parts */
	unsigned char digest[32];
};

struct letter_desk {
	struct liquid_scratch *scratch;
	struct dkim_desk *dkim;            /* NULL: nobody signs */
	struct arena work;                 /* of a conversion; empty between two */
	struct mime_converter *converter;  /* NULL: UTF-8 only */
	struct liquid_empty *watch;        /* NULL: nobody wants to know */
	int64_t second;                    /* that date was made for */
	int zone_minutes;
	struct span date, date_line;       /* of line */
	char line[sizeof "Date: " + CLOCK_RFC5322_SIZE + 2];
};

/* One mail under way. */
struct letter_job {
	const struct letter *l;
	struct letter_desk *d;
	struct arena *a;
	const struct row *row;
	char token[MIME_ID_SIZE];     /* what specials[1] is */
	struct value specials[2];
	struct liquid_input input;
	const struct address_list *lists[ROLE_COUNT]; /* NULL: not there, or not yet */
	bool null_path;               /* Return-Path: <> */
	struct span message_id;
	unsigned needs;
	struct mime_converter *converter; /* into the charset that is being written; NULL: UTF-8 */
	bool misfit;                  /* a value did not fit into it */
	uint64_t signed_from;         /* octet where S/MIME begins to sign */
};

enum { LETTER_SPECIALS = 2 };
extern const struct span letter_specials[LETTER_SPECIALS]; /* names: row, token */

#endif
