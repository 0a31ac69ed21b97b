/* liquid.h - the template language: source -> program -> bytes (front door of the room).
 *
 * A program is compiled once and is const from then on: any number of threads render it, each
 * with a scratch of its own. Rendering allocates from the caller's arena only; after the first
 * row it does not touch the heap. Output goes to a sink as fixed pieces of the source, known by
 * number at compile time, and as values, many at a time: a sink can hold each fixed piece in encoded form and so
 * only works on what fills the holes. */
#ifndef TEMPLATES_LIQUID_LIQUID_H
#define TEMPLATES_LIQUID_LIQUID_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"
#include "engine/model/row.h"
#include "engine/model/text_bit.h"
#include "engine/model/value.h"

struct err;
struct finding_sink;
struct liquid_program;
struct liquid_scratch;

/* A filter that another room brings along. Results live in a. 0, or -1 with e (ERR_INPUT: the
 * value cannot be filtered). html tells whether the program escapes. */
struct liquid_filter {
	struct span name;
	unsigned min_args, max_args;
	int (*apply)(struct arena *a, bool html, struct value in, const struct value *args, unsigned n_args,
		     struct value *out, struct err *e);
};

/* Text of a partial: 0 with *text (kept by the loader until compile ends) and *path for error
 * messages; -1 with e. */
struct liquid_loader {
	int (*load)(void *ctx, struct span name, struct span *text, const char **path, struct err *e);
	void *ctx;
};

struct liquid_limits { /* 0: the default */
	uint32_t nesting;      /* blocks and partials inside each other: 100 */
	uint64_t steps;        /* instructions a render: 10 million */
	uint64_t output_bytes; /* 64 MiB */
};

struct liquid_options {
	const char *path;              /* named in findings */
	uint64_t first_line, first_column; /* where source begins in that file; 1, 1 */
	bool html;                     /* escape values that are not safe */
	bool markdown;                 /* with html: the text is Markdown, values are escaped for it */
	const struct columns *columns; /* names of the list; NULL: none. With columns->open an unknown
	                                * name is a member of the row's object, or nil */
	const struct member *globals;  /* the run's variables; a column of the same name wins */
	uint32_t n_globals;
	const struct span *specials;   /* names whose values come with each render; columns win */
	uint32_t n_specials;
	bool lax;                      /* an unknown name is nil, not a finding (command `render`) */
	const struct liquid_filter *filters;
	uint32_t n_filters;
	struct liquid_loader loader;   /* load NULL: partials are a finding */
	struct liquid_limits limits;
};

/* Reports every mistake to findings. 0; -1 with e when there was one (ERR_INPUT: the first of
 * them) or memory ran out. The program keeps copies of what it needs of source; columns, globals
 * and filters stay borrowed for its life. */
int liquid_compile(struct liquid_program **out, struct span source, const struct liquid_options *opt,
		   struct finding_sink *findings, struct err *e);
void liquid_free(struct liquid_program **p);

/* Fixed pieces, in no promised order of output; valid while the program lives. */
uint32_t liquid_n_pieces(const struct liquid_program *p);
struct span liquid_piece(const struct liquid_program *p, uint32_t piece);
/* True when every render gives the same bytes: no value, no branch. Then piece 0, if there is
 * one, is all of it. */
bool liquid_is_fixed(const struct liquid_program *p);
/* The program in steps, each one fixed piece or the cell of one column, escaped where all values are: how many, when
 * it is nothing but at most n of those; else 0. */
struct liquid_step {
	bool is_piece;
	uint32_t number;
};
uint32_t liquid_steps(const struct liquid_program *p, struct liquid_step *out, uint32_t n);
/* Marks in used[columns.n] each column that the program names. */
void liquid_used_columns(const struct liquid_program *p, bool *used);

/* Told when the value of a column or of a member (`line.item`), or what filters made of it, is printed and is
 * empty, and the template has no `default` for it. name is as in the list, or of a member as in the template;
 * path and name are borrowed for the program's life. */
struct liquid_empty {
	void (*printed)(struct liquid_empty *self, struct span name, const char *path, uint64_t line, uint64_t at);
};

struct liquid_input {
	const struct row *row;        /* may be NULL when there are no columns */
	const struct value *specials; /* n_specials of the options */
	int64_t now_ms;               /* what "now" is: wall clock */
	int zone_minutes;             /* of dates that name no zone */
	struct liquid_empty *empty;   /* NULL: nobody wants to know */
};

/* Gets the n bits that come next, when many have gathered and at the end. Values are already escaped where they
 * must be; they are borrowed from the row, the program, or the arena: valid until those go. 0 to go on, -1 to stop
 * the render with the error set by the sink (in e). */
struct liquid_sink {
	int (*write)(struct liquid_sink *self, const struct text_bit *bits, uint32_t n, struct err *e);
};

/* A sink that appends everything to an arena as one piece of text. */
struct liquid_text_sink {
	struct liquid_sink sink; /* first member */
	struct arena *arena;
	char *p;
	size_t n, cap;
};
void liquid_text_sink_init(struct liquid_text_sink *s, struct arena *a);

/* Room for variables and loops of one render at a time; one thread's. Grows to what the programs
 * need and stays. */
int liquid_scratch_new(struct liquid_scratch **out, struct err *e);
void liquid_scratch_free(struct liquid_scratch **s);

/* 0; -1 with e: ERR_INPUT (the value or a limit made this row impossible; path, line and column
 * are of the template), ERR_NOMEM (arena), or what the sink said. */
int liquid_render(const struct liquid_program *p, struct liquid_scratch *s, struct arena *a,
		  const struct liquid_input *in, struct liquid_sink *to, struct err *e);

/* v with every cell in it that looks like a number as that number, however deep: for data whose
 * decimals came as cells. 0, or -1 with e: memory. */
int liquid_typed(struct arena *a, struct value v, struct value *out, struct err *e);

/* A condition alone, `plan == "pro" and age > 30`: compiles to a program whose only use is
 * liquid_test(): 1 true, 0 false, -1 with e. */
int liquid_compile_condition(struct liquid_program **out, struct span source, const struct liquid_options *opt,
			     struct finding_sink *findings, struct err *e);
int liquid_test(const struct liquid_program *p, struct liquid_scratch *s, struct arena *a,
		const struct liquid_input *in, struct err *e);

#endif
