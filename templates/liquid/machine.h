/* machine.h - one render under way, and the scratch that lasts. Private to the room. */
#ifndef TEMPLATES_LIQUID_MACHINE_H
#define TEMPLATES_LIQUID_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "templates/liquid/program.h"
#include "templates/liquid/values.h"

struct running_loop {
	const struct loop_site *site;
	struct value over;
	int64_t from, length, index; /* of the items of over; index is the item we are at */
	int64_t parent;              /* number of the for around it, -1 none */
	int64_t cols, col, row;      /* tablerow, from 1 */
	enum drop_kind drop;
};

struct running_frame {
	uint32_t back;  /* where the caller goes on */
	uint32_t slots; /* where the frame's slots begin */
	uint32_t loops;
};

struct cycle_state { /* of named cycles */
	struct cycle_state *next;
	struct value name;
	uint32_t at;
};

enum { GATHERED_MAX = 64 };

struct liquid_scratch {
	struct text_bit gathered[GATHERED_MAX]; /* for the sink */
	struct value *stack, *slots;
	struct running_loop *loops;
	struct running_frame *frames;
	struct text *captures;
	uint32_t cap_stack, cap_slots, cap_loops, cap_frames, cap_captures;
};

struct machine {
	const struct liquid_program *p;
	struct liquid_scratch *s;
	struct arena *arena;
	const struct liquid_input *in;
	struct liquid_sink *to;
	struct err *e;
	struct filter_run filters;
	uint64_t steps, bytes; /* left */
	uint32_t n_cells;      /* columns whose cells are printed as they are, or escaped for HTML */
	uint32_t n_gathered;
	uint32_t n_stack, n_slots, n_loops, n_frames, n_captures; /* in use */
	uint32_t slots;        /* where this frame's begin */
	struct link link;      /* the one that is being written */
};

/* 0, or -1 with e: room for so many more of each. */
int machine_reserve(struct machine *m, uint32_t stack, uint32_t slots, uint32_t loops, uint32_t captures);
/* -1 with e, which names the place of op. */
int machine_fail(struct machine *m, const struct op *op, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int machine_too_long(struct machine *m, const struct op *op); /* too many steps */
int machine_no_memory(struct machine *m);
/* Adds the place of op to m->e. */
int machine_place(struct machine *m, const struct op *op);
int machine_too_much(struct machine *m, const struct op *op); /* output */
/* Gives the sink what has gathered. */
int machine_flush(struct machine *m);
/* Bytes as they are; 0 or -1. */
int machine_write(struct machine *m, const struct op *op, struct span s);
int machine_print(struct machine *m, const struct op *op, struct value v);
/* The same, of what the template prints: watched as in OP_PRINT. */
int machine_print_watched(struct machine *m, const struct op *op, uint32_t watched, struct value v);

/* What is printed into a link. 0, or -1: of a scheme that is not sent. */
void machine_link_begin(struct machine *m, const struct op *op);
int machine_link_text(struct machine *m, const struct op *op);
int machine_link_value(struct machine *m, const struct op *op, struct value v);

/* OP_FOR: 1 the loop runs, 0 there is nothing, -1. */
int machine_loop(struct machine *m, const struct op *op);
/* OP_NEXT: 1 its variable is set, 0 the loop is over and left, -1. */
int machine_next(struct machine *m, const struct op *op);
int machine_cell_begin(struct machine *m, const struct op *op);
int machine_cell_end(struct machine *m, const struct op *op);
/* A member of forloop or tablerowloop. */
struct value machine_drop(const struct machine *m, struct value drop, struct span name);
int machine_cycle(struct machine *m, const struct op *op);
int machine_counter(struct machine *m, const struct op *op);
/* The value of a name found when rendering. */
struct value machine_named(const struct machine *m, const struct op *op, struct span name);
struct value machine_column(const struct machine *m, uint32_t column);
struct value machine_rows(const struct machine *m); /* nil: the row is no group */
struct value machine_member(struct machine *m, const struct op *op, struct value v);
struct value machine_index(struct machine *m, struct value v, struct value key);

/* Bytes, not empty, for the sink. */
static inline int machine_gather(struct machine *m, const struct op *op, struct span s, int32_t piece)
{
	if (s.n > m->bytes)
		return machine_too_much(m, op);
	m->bytes -= s.n;
	m->s->gathered[m->n_gathered++] = (struct text_bit){ s, piece };
	return m->n_gathered == GATHERED_MAX ? machine_flush(m) : 0;
}

static inline struct value *machine_slot(const struct machine *m, uint32_t slot)
{
	return &m->s->slots[m->slots + slot];
}

#endif
