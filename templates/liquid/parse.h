/* parse.h - a template as a tree, and what all of compiling shares.
 *
 * Private to the room. The tree lies in a work arena that is gone when compiling ends; texts in it
 * point into the sources, which stay. */
#ifndef TEMPLATES_LIQUID_PARSE_H
#define TEMPLATES_LIQUID_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "templates/liquid/lex.h"
#include "templates/liquid/program.h"
#include "templates/liquid/scan.h"

/* ---- the tree ---- */

struct step { /* .name or [key] behind an expression */
	struct step *next;
	struct place at;
	struct span name; /* when key is NULL */
	struct expr *key;
};

enum expr_kind { EXPR_LITERAL, EXPR_NAME, EXPR_NAMED_BY, EXPR_RANGE };

struct expr {
	enum expr_kind kind;
	struct place at;
	struct value literal;
	struct span name;
	struct expr *first, *last; /* range; first alone: the name's expression */
	struct step *steps;
};

struct arg {
	struct arg *next;
	struct span name; /* of a named one, else empty */
	struct place at;
	struct expr *value;
};

struct call { /* one filter */
	struct call *next;
	struct place at;
	const struct filter *own;
	const struct liquid_filter *foreign;
	struct arg *args;
	unsigned n_args; /* without the named one */
};

struct chain { /* an expression and its filters */
	struct expr *base; /* NULL: nothing at all, {{ }} */
	struct call *calls;
};

enum relation { RELATION_NONE, RELATION_AND, RELATION_OR };

struct cond { /* comparisons, each bound to the next: right to left */
	struct cond *next;
	struct place at;
	struct expr *left, *right; /* right NULL: is left true */
	enum comparison op;
	enum relation relation; /* to next */
};

struct body {
	struct node *first, *last;
	bool full; /* has something that may print: its white space stays */
};

struct branch { /* of if, unless, case */
	struct branch *next;
	struct place at;
	struct cond *cond;   /* if: NULL is else */
	struct arg *values;  /* when: NULL is else */
	struct body body;
};

enum node_kind {
	NODE_TEXT, NODE_OUTPUT, NODE_ASSIGN, NODE_CAPTURE, NODE_IF, NODE_CASE, NODE_FOR, NODE_TABLEROW,
	NODE_BREAK, NODE_CONTINUE, NODE_CYCLE, NODE_INCREMENT, NODE_DECREMENT, NODE_IFCHANGED,
	NODE_INCLUDE, NODE_RENDER
};

struct node {
	struct node *next;
	enum node_kind kind;
	struct place at;
	bool negated;       /* unless */
	bool blank;         /* a block that prints nothing but white space */
	struct span text;   /* text; name of a variable or counter; a cycle's own name */
	struct chain chain; /* output, assign; case: what is compared */
	struct branch *branches;
	struct body body, otherwise;
	/* for, tablerow, include, render */
	struct expr *over, *limit, *offset, *cols;
	struct span loop_name, alias;
	bool reversed, from_last, each; /* each: "for", not "with" */
	struct arg *args;   /* of a partial; items of a cycle */
	struct expr *name;  /* of a cycle */
	struct partial *partial;
};

struct partial {
	struct partial *next;
	struct span name;
	struct body body;
	uint32_t seen; /* pass that looked at it last */
	bool missing; /* was reported, compile nothing */
};

/* ---- the work ---- */

struct block { /* one that is open, for messages; on the C stack */
	const struct block *outer;
	struct span name;
	struct place at;
	bool wall; /* of a liquid tag or a partial: what is outside cannot be closed from within */
};

struct compile {
	struct liquid_program *program;
	const struct liquid_options *opt;
	struct arena work;
	struct finding_sink *findings;
	struct err *e;
	unsigned long mistakes;
	bool no_memory;
	bool stopped;      /* too deep or too large: nothing more is said */
	/* parsing */
	struct scan scan;
	struct lex lex;
	const struct block *open;
	uint32_t depth, most_depth;
	bool trim;         /* the tag read last ended with -%}: white space behind it goes */
	bool holding;      /* held is a tag that an outer block must see again */
	struct token held;
	struct partial *partials;
};

/* Zeroed, from the work arena; NULL sets no_memory. */
void *compile_new(struct compile *c, size_t size);
/* One more in a table of the program; NULL sets no_memory. */
void *compile_push(struct compile *c, struct table *t, size_t size);
void compile_mistake(struct compile *c, struct place at, const char *kind, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* The file of text that is copied into the program; NULL sets no_memory. */
const struct source *compile_source(struct compile *c, struct span text, const char *path);

/* Expressions read from c->lex. NULL after a mistake that was reported. */
struct expr *parse_expr(struct compile *c);
bool parse_chain(struct compile *c, struct chain *out);
struct cond *parse_cond(struct compile *c);
/* "name: value, name: value"; trailing comma allowed. */
bool parse_named_args(struct compile *c, struct arg **out);
/* Reports what is left in c->lex, if anything. */
bool parse_end(struct compile *c, const char *where);
void parse_unexpected(struct compile *c, const char *wanted);
void parse_markup(struct compile *c, const struct token *t);
/* "here or in [brackets] 'text'": steps over a name that can be assigned. */
bool parse_target(struct compile *c, struct span *out);

/* Statements of an open block. True with the tag that stopped it in *stop: its own end, or one of
 * stops ("else elsif"). False when it is never closed, which was reported. */
bool parse_body(struct compile *c, const char *stops, struct body *into, struct token *stop);
/* Around the bodies of a block; open says false when it would be too deep, which was reported. */
bool block_open(struct compile *c, struct block *b, const struct token *t);
void block_close(struct compile *c, struct block *b);
struct place token_place(const struct compile *c, const struct token *t);
/* A whole template. */
void parse_template(struct compile *c, const struct source *source, struct body *into);
void body_add(struct body *b, struct node *n);
struct node *node_new(struct compile *c, enum node_kind kind, const struct token *t);
/* NULL after a mistake that was reported, or when memory ran out. */
struct partial *parse_partial(struct compile *c, struct span name, struct place at);

/* The tags of other mail tools: in fixed text, and in an output that is none of ours (true: it was one,
 * and reported). */
void foreign_text(struct compile *c, struct span text);
bool foreign_output(struct compile *c, const struct token *t);

struct tag {
	struct span name;
	void (*parse)(struct compile *c, const struct token *t, struct body *into);
};
extern const struct tag tags_simple[], tags_block[]; /* ended by an empty name */
/* The tags of a liquid tag, a line each. */
void parse_lines(struct compile *c, const struct token *liquid, struct body *into);
void never_closed(struct compile *c, struct span name, struct place at);
/* Instructions for the tree. */
void emit_program(struct compile *c, const struct body *body);
void emit_condition(struct compile *c, const struct cond *cond);

#endif
