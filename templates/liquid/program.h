/* program.h - a compiled template: instructions in an array, everything they name in tables.
 *
 * Private to the room. All of it lies in the program's arena and is const once compiled. */
#ifndef TEMPLATES_LIQUID_PROGRAM_H
#define TEMPLATES_LIQUID_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "templates/liquid/filters.h"
#include "templates/liquid/link.h"
#include "templates/liquid/liquid.h"
#include "templates/liquid/source.h"
#include "templates/liquid/zone.h"

/* The instructions. "push" and "pop" are of the value stack; a slot is a variable of the frame. */
enum op_code { /* the first three are the most frequent */
	OP_END,         /* the render is over */
	OP_PIECE,       /* print fixed piece a */
	OP_PRINT_COLUMN, /* print the cell of column a: push and print in one */
	OP_PRINT,       /* pop, print; a: what to call it when it is empty: 0 nothing, 1 + the column it was made of,
	                 * or 1 + number of columns + the constant that names the member */
	OP_PUSH,        /* constant a */
	OP_COLUMN,      /* cell of column a */
	OP_FIELD,       /* when the row's object has a member named by constant a push it and jump to b */
	OP_SPECIAL,     /* special a */
	OP_ROWS,        /* the rows of the row's group */
	OP_SLOT,        /* slot a; nil when it is unset */
	OP_SLOT_OR,     /* when slot a is set push it and jump to b */
	OP_NAMED,       /* pop a name, push what it names, looked for in scope a */
	OP_MEMBER,      /* pop a value, push its member named by constant a; n is an enum command */
	OP_INDEX,       /* pop a key, pop a value, push its item */
	OP_RANGE,       /* pop the last, pop the first */
	OP_COMPARE,     /* pop right, pop left, push whether; n is an enum comparison */
	OP_FILTER,      /* filter call a: pop n arguments, pop the input, push */
	OP_SET,         /* pop into slot a */
	OP_JUMP,        /* to b */
	OP_JUMP_FALSE,  /* pop, to b unless it is true */
	OP_AND,         /* leave false and jump to b when the top is not true, else pop */
	OP_OR,          /* leave true and jump to b when the top is true, else pop */
	OP_COUNT,       /* pop; when true slots a and b are one more */
	OP_COUNTDOWN,   /* jump to b when slot a is 0, else make it one less */
	OP_JUMP_COUNTED, /* jump to b when slot a is not 0 */
	OP_FOR,         /* loop a: pop offset, limit, collection as it says; to b when there is nothing */
	OP_NEXT,        /* loop a: sets its variable; after the last item ends the loop and jumps to b */
	OP_END_LOOP,    /* leave the innermost loop */
	OP_CELL_BEGIN,  /* tablerow: <td ...>, and the row before it */
	OP_CELL_END,    /* </td>, and unless n is 1 the end of the row */
	OP_TABLE_END,   /* </tr> */
	OP_CAPTURE,     /* output goes to memory */
	OP_CAPTURED,    /* back again, the text into slot a */
	OP_IF_CHANGED,  /* back again, printed when it differs from slot a */
	OP_CYCLE,       /* pop b items, and the name with CYCLE_NAMED; print the next one; state in slot a */
	OP_INCREMENT,   /* print slot a, then one more */
	OP_DECREMENT,   /* one less, then print */
	OP_LINK_BEGIN,  /* a link is written from here on, it began as link a */
	OP_LINK_TEXT,   /* constant a, fixed text, is a part of it */
	OP_CALL,        /* part a: pop its n arguments into the slots of a new frame */
	OP_RETURN
};

/* In n of the instructions that print. IN_LINK: what is printed goes on with the link. */
enum { CYCLE_NAMED = 1, IN_LINK = 2 };
enum command { COMMAND_NONE, COMMAND_SIZE, COMMAND_FIRST, COMMAND_LAST };
enum comparison { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_GT, COMPARE_LE, COMPARE_GE, COMPARE_CONTAINS };

struct op {
	uint8_t code, n;
	uint16_t source;
	uint32_t a, b;
	uint32_t at; /* byte of the source, for messages */
};

struct call_site {
	const struct filter *own;           /* one of these two */
	const struct liquid_filter *foreign;
};

enum loop_flags {
	LOOP_LIMIT = 1,
	LOOP_OFFSET = 2,
	LOOP_CONTINUE = 4,  /* offset: continue */
	LOOP_REVERSED = 8,
	LOOP_TABLE = 16,    /* tablerow */
	LOOP_COLS = 32,
	LOOP_WITH = 64,     /* of include: an array item by item, anything else once */
	LOOP_HIDDEN = 128   /* no parent of others */
};

struct loop_site {
	struct span name;   /* "item-items" */
	uint32_t variable;  /* slot of the item */
	uint32_t loop_slot; /* slot of forloop or tablerowloop */
	uint32_t offset;    /* slot that remembers where this name's last loop ended */
	uint8_t flags;
};

/* VALUE_DROP: i is the loop's number in the scratch, n its kind. */
enum drop_kind { DROP_FORLOOP, DROP_TABLEROW };
/* Of a slot that was never set; only ever in slots. */
enum { VALUE_UNSET = 255 };

enum { PROGRAM_OPS_MAX = 1 << 20, PROGRAM_NODES_MAX = 1 << 22 };

struct part { /* a rendered partial: called, with slots of its own */
	uint32_t entry, n_slots, n_args;
	const uint32_t *args; /* slots of the arguments, in the order they are pushed */
};

struct scope_name { /* what OP_NAMED sees */
	struct span name;
	uint32_t slot;
};
struct scope {
	const struct scope_name *names;
	uint32_t n;
};

struct table { /* an array that grows while compiling; then only its pointer and count matter */
	void *items;
	uint32_t n, cap;
};

struct liquid_program {
	struct arena memory;
	bool html, markdown, fixed, condition;
	const struct columns *columns;
	const struct member *globals;
	uint32_t n_globals, n_specials;
	const struct span *specials;
	struct liquid_limits limits;
	bool *used_columns;

	struct table ops;       /* struct op */
	struct table constants; /* struct value */
	struct table pieces;    /* struct span */
	struct table calls;     /* struct call_site */
	struct table loops;     /* struct loop_site */
	struct table parts;     /* struct part */
	struct table scopes;    /* struct scope */
	struct table links;     /* struct link */
	struct zones zones;     /* that date is given */
	struct source *sources; /* in the order of their numbers */
	uint32_t n_sources;
	uint32_t n_slots;       /* of the outermost frame */
	uint32_t stack;         /* the most values one frame has on the stack */
	uint32_t most_loops, most_captures; /* inside each other, in one frame */
};

/* For messages: it looks through the list. */
static inline const struct source *program_source(const struct liquid_program *p, uint16_t number)
{
	const struct source *s = p->sources;

	while (s->number != number)
		s = s->next;
	return s;
}

#endif
