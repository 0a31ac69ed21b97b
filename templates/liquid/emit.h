/* emit.h - what the files that write instructions share. Private to the room.
 *
 * A frame is the set of variables of one template text and all it includes; a rendered partial
 * has a frame of its own. Within a frame names are resolved when compiling: loop variables and
 * arguments of an include by where they stand, assigned ones by name. */
#ifndef TEMPLATES_LIQUID_EMIT_H
#define TEMPLATES_LIQUID_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "templates/liquid/markup.h"
#include "templates/liquid/names.h"
#include "templates/liquid/parse.h"

struct frame {
	struct names assigned; /* name -> slot */
	struct names counters; /* of increment and decrement */
	struct names offsets;  /* of loops, by their name */
	struct names cycles;   /* by their text */
	uint32_t n_slots;
	uint32_t named_cycles, changed; /* slots, + 1; 0 not yet there */
};

struct local { /* a name that is known in a part of the text only */
	const struct local *outer;
	struct span name;
	uint32_t slot;
	bool of_rows; /* a row of the group: its members are the columns */
};

struct label { /* a place ahead; jumps to it are chained through op.b */
	uint32_t chain; /* 1 + the last of them */
};

struct open_loop {
	struct open_loop *outer;
	struct label leave, again;
	uint32_t loops;    /* running around it */
	const struct open_capture *captures; /* open around it */
};

struct open_capture {
	const struct open_capture *outer;
	enum op_code end;
	uint32_t slot;
	uint8_t how; /* of the end */
};

struct wanted_part { /* a partial and the names it is given */
	struct wanted_part *next;
	const struct partial *partial;
	const struct span *names;
	uint32_t n_names, index;
	struct markup markup; /* where it is called */
};

struct ways { /* that part here and meet again */
	struct markup before, merged;
	bool any;
};

struct emit {
	struct compile *c;
	struct liquid_program *p;
	struct frame *frame;
	const struct local *locals;
	struct open_loop *loop;
	const struct open_capture *capture;
	struct label *out;        /* the end of the frame */
	uint32_t stack, loops, captures; /* in use where we are */
	uint32_t depth, nodes, passes;
	struct span *pending;     /* literal text not yet written: pieces that follow each other are one */
	uint32_t n_pending, cap_pending;
	struct place pending_at;
	struct wanted_part *parts, **parts_tail;
	struct markup markup;     /* where in HTML we are */
};

/* One instruction; its index. stack is by how much it changes the value stack. */
uint32_t emit_op(struct emit *m, struct place at, enum op_code code, uint8_t n, uint32_t a, int stack);
/* The expression is `rows`, all rows of the group. */
bool emit_is_rows(const struct emit *m, const struct expr *x);
void emit_text(struct emit *m, struct place at, struct span text);
void emit_flush(struct emit *m);
uint32_t emit_here(struct emit *m); /* index of the next instruction, for jumps back */
void emit_jump(struct emit *m, struct place at, enum op_code code, uint32_t a, int stack, struct label *to);
void emit_jump_back(struct emit *m, struct place at, uint32_t to);
void emit_label(struct emit *m, struct label *l);
uint32_t emit_constant(struct emit *m, struct value v);
uint32_t emit_slot(struct emit *m); /* a new one */
/* The slot of that name in a map of the frame, made if it is new. */
uint32_t emit_named_slot(struct emit *m, struct names *map, struct span name);
void emit_too_large(struct emit *m, struct place at);

/* Leaves the value on the stack. */
void emit_expr(struct emit *m, const struct expr *x);
void emit_chain(struct emit *m, const struct chain *chain);
void emit_cond(struct emit *m, const struct cond *cond);
/* Is there anything of that name here? Reports nothing. */
bool emit_knows(const struct emit *m, struct span name);

/* Fixed text, and then whatever is no text, as parts of the markup. */
void emit_link_text(struct emit *m, struct place at, struct span text);
void emit_link_hole(struct emit *m, const struct node *n);
/* Does what is printed here go on with a link that the render follows? */
bool emit_link_open(const struct emit *m);
/* Around ways of which one is gone: emit_way() after each of them, also after one that is empty. */
void emit_ways_begin(struct emit *m, struct ways *w);
void emit_way(struct emit *m, struct ways *w, struct place at);
void emit_ways_end(struct emit *m, struct ways *w);

void emit_body(struct emit *m, const struct body *body, bool blank);
void emit_node(struct emit *m, const struct node *n);
void emit_loop(struct emit *m, const struct node *n);
void emit_include(struct emit *m, const struct node *n);
void emit_render(struct emit *m, const struct node *n);
/* Finds the names that the body assigns, with the bodies it includes. */
void emit_collect(struct emit *m, const struct body *body);

#endif
