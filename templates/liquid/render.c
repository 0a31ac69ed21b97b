/* render.c - a program and a row into bytes.
 *
 * One loop over the instructions. What most letters are made of, fixed pieces and the cells of columns,
 * is only gathered for the sink: no copy, and an escape only where the cell has something to escape.
 *
 * Invariants, held by tests/unit/test_liquid_render.c and test_liquid_limits.c:
 *  1. Once the scratch has grown to what a program needs, nothing here touches the heap.
 *  2. Every instruction is a step, so is every item that a filter makes: no template runs for ever.
 *  3. A value that came from outside is never read as template text. */
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "templates/liquid/escape.h"
#include "templates/liquid/machine.h"

enum { STEP_BYTES = 64 }; /* of a text that a filter or a comparison looks at: one step */

/* ---- instructions that need more than a line ---- */

static int make_range(struct machine *m, struct value *first, struct value last)
{
	struct range *r = arena_take(m->arena, sizeof *r);

	if (!r)
		return machine_no_memory(m);
	r->lo = value_bound(m->arena, *first);
	r->hi = value_bound(m->arena, last);
	*first = (struct value){ .kind = VALUE_RANGE, .range = r };
	return 0;
}

/* Long texts take steps as items do, so that no loop over them runs for ever. */
static int take_steps(struct machine *m, const struct op *op, struct value v)
{
	uint64_t n = value_is_text(v) ? v.n / STEP_BYTES : 0;

	if (n > m->steps)
		return machine_too_long(m, op);
	m->steps -= n;
	return 0;
}

static const char *kind_word(struct value v)
{
	return value_is_text(v) ? "the text" : "the number";
}

static int compare(struct machine *m, const struct op *op, struct value *left, struct value right)
{
	bool yes = false, ok;
	int order;

	if (take_steps(m, op, *left) < 0)
		return -1;
	switch ((enum comparison)op->n) {
	case COMPARE_EQ:
	case COMPARE_NE:
		yes = value_equal(m->arena, *left, right) == (op->n == COMPARE_EQ);
		break;
	case COMPARE_CONTAINS:
		yes = value_contains(m->arena, *left, right);
		break;
	default:
		order = value_order(m->arena, *left, right);
		if (order == 3)
			return machine_fail(m, op, "cannot compare %s '%.*s' with %s '%.*s'", kind_word(*left),
					    SPAN_ARG(span_sub(value_shown(m->arena, *left, &ok), 0, 60)), kind_word(right),
					    SPAN_ARG(span_sub(value_shown(m->arena, right, &ok), 0, 60)));
		yes = order != 2 && ((op->n == COMPARE_LT && order < 0) || (op->n == COMPARE_GT && order > 0) ||
				     (op->n == COMPARE_LE && order <= 0) || (op->n == COMPARE_GE && order >= 0));
	}
	*left = value_bool(yes);
	return 0;
}

static int filter(struct machine *m, const struct op *op)
{
	const struct call_site *site = (const struct call_site *)m->p->calls.items + op->a;
	struct value *args, out = VALUE_OF_NIL, in;
	int rc;

	m->n_stack -= op->n;
	args = m->s->stack + m->n_stack;
	in = args[-1];
	if (in.kind == VALUE_EMPTY || in.kind == VALUE_BLANK)
		in = value_text(SPAN(""));
	rc = site->own ? site->own->apply(&m->filters, in, args, op->n, &out)
		       : site->foreign->apply(m->arena, m->p->html, in, args, op->n, &out, m->e);
	args[-1] = out;
	if (rc < 0)
		return machine_place(m, op);
	return take_steps(m, op, in) < 0 || take_steps(m, op, out) < 0 ? -1 : 0;
}

static void set_slot(struct machine *m, uint32_t slot, struct value v)
{
	if (v.kind == VALUE_EMPTY || v.kind == VALUE_BLANK)
		v = value_text(SPAN(""));
	*machine_slot(m, slot) = v;
}

static int end_capture(struct machine *m, const struct op *op)
{
	struct text *t = &m->s->captures[--m->n_captures];
	struct value v = value_text(text_span(t));

	v.safe = m->p->html;
	if (op->code == OP_IF_CHANGED) {
		struct value *last = machine_slot(m, op->a);

		if (last->kind == VALUE_TEXT && span_eq(value_span(*last), value_span(v)))
			return 0;
		*last = v;
		if ((op->n & IN_LINK) && machine_link_value(m, op, v) < 0)
			return -1;
		return machine_write(m, op, value_span(v));
	}
	*machine_slot(m, op->a) = v;
	return 0;
}

static void clear_slots(struct machine *m, uint32_t n)
{
	m->slots = m->n_slots;
	m->n_slots += n;
	for (uint32_t i = 0; i < n; i++)
		machine_slot(m, i)->kind = VALUE_UNSET;
}

static int call_part(struct machine *m, const struct op *op, uint32_t back)
{
	const struct part *part = (const struct part *)m->p->parts.items + op->a;

	if (m->n_frames >= m->p->limits.nesting)
		return machine_fail(m, op, "more than %u partials inside each other", (unsigned)m->p->limits.nesting);
	if (machine_reserve(m, m->p->stack, part->n_slots, m->p->most_loops, m->p->most_captures) < 0)
		return -1;
	m->s->frames[m->n_frames++] = (struct running_frame){ back, m->slots, m->n_loops };
	clear_slots(m, part->n_slots);
	m->n_stack -= part->n_args;
	for (uint32_t i = 0; i < part->n_args; i++)
		set_slot(m, part->args[i], m->s->stack[m->n_stack + i]);
	return 0;
}

static uint32_t leave_part(struct machine *m)
{
	const struct running_frame *f = &m->s->frames[--m->n_frames];

	m->n_slots = m->slots;
	m->slots = f->slots;
	m->n_loops = f->loops;
	return f->back;
}

static void count(struct machine *m, const struct op *op)
{
	if (!value_true(m->s->stack[--m->n_stack]))
		return;
	machine_slot(m, op->a)->i++;
	machine_slot(m, op->b)->i++;
}

/* Does the machine stay on its way past this instruction? Else it goes to op->b. */
static bool goes_on(struct machine *m, const struct op *op)
{
	struct value *top = m->s->stack + m->n_stack - 1, *slot;
	bool yes;

	switch ((enum op_code)op->code) {
	case OP_JUMP_FALSE:
		m->n_stack--;
		return value_true(*top);
	case OP_AND:
	case OP_OR:
		yes = value_true(*top);
		if (yes == (op->code == OP_OR)) {
			*top = value_bool(yes);
			return false;
		}
		m->n_stack--;
		return true;
	case OP_COUNTDOWN:
		slot = machine_slot(m, op->a);
		return slot->i-- > 0;
	case OP_JUMP_COUNTED:
		return machine_slot(m, op->a)->i == 0;
	case OP_SLOT_OR:
		slot = machine_slot(m, op->a);
		if (slot->kind == VALUE_UNSET)
			return true;
		m->s->stack[m->n_stack++] = *slot;
		return false;
	case OP_FIELD:
		if (!m->in->row || !value_find(m->in->row->object,
					       value_span(((const struct value *)m->p->constants.items)[op->a]), top + 1))
			return true;
		m->n_stack++;
		return false;
	default:
		return false; /* OP_JUMP */
	}
}

/* Instructions that only work on the stack and the slots. */
static int work(struct machine *m, const struct op *op)
{
	struct value *stack = m->s->stack, *top = stack + m->n_stack - 1;
	struct value v;

	switch ((enum op_code)op->code) {
	case OP_PUSH:
		stack[m->n_stack++] = ((const struct value *)m->p->constants.items)[op->a];
		return 0;
	case OP_COLUMN:
		stack[m->n_stack++] = machine_column(m, op->a);
		return 0;
	case OP_SPECIAL:
		stack[m->n_stack++] = m->in->specials[op->a];
		return 0;
	case OP_ROWS:
		stack[m->n_stack++] = machine_rows(m);
		return 0;
	case OP_SLOT:
		v = *machine_slot(m, op->a);
		stack[m->n_stack++] = v.kind == VALUE_UNSET ? VALUE_OF_NIL : v;
		return 0;
	case OP_NAMED:
		*top = value_is_text(*top) ? machine_named(m, op, value_span(*top)) : VALUE_OF_NIL;
		return 0;
	case OP_MEMBER:
		*top = machine_member(m, op, *top);
		return 0;
	case OP_INDEX:
		m->n_stack--;
		top[-1] = machine_index(m, top[-1], *top);
		return 0;
	case OP_RANGE:
		m->n_stack--;
		return make_range(m, top - 1, *top);
	case OP_COMPARE:
		m->n_stack--;
		return compare(m, op, top - 1, *top);
	case OP_SET:
		m->n_stack--;
		set_slot(m, op->a, *top);
		return 0;
	case OP_COUNT:
		count(m, op);
		return 0;
	default:
		MUST(!"an instruction that is known");
		return -1;
	}
}

/* What most letters print most: fixed pieces, and cells as they are. Returns the first instruction from op on that
 * is another, or has more to do. */
static const struct op *gather_plain(struct machine *m, const struct op *op)
{
	const struct span *pieces = m->p->pieces.items, *cells = m->n_cells > 0 ? m->in->row->cells : NULL;
	struct text_bit *from = m->s->gathered + m->n_gathered, *to = from;
	uint32_t left = GATHERED_MAX - 1 - m->n_gathered, n_cells = m->n_cells;
	const struct text_bit *end = from + (left < m->steps ? left : m->steps);
	uint64_t bytes = m->bytes;
	bool html = m->p->html;

	for (; to < end; op++, to++) {
		struct span s;

		if (op->code == OP_PIECE) {
			s = pieces[op->a];
			to->piece = (int32_t)op->a;
		} else {
			if (op->code != OP_PRINT_COLUMN || op->a >= n_cells || (op->n & IN_LINK))
				break;
			s = cells[op->a];
			if (s.n == 0 || (html && escape_find(s) < s.n))
				break;
			to->piece = -1;
		}
		if (s.n > bytes)
			break;
		to->bytes = s;
		bytes -= s.n;
	}
	m->n_gathered += (uint32_t)(to - from);
	m->steps -= (uint64_t)(to - from);
	m->bytes = bytes;
	return op;
}

static int print_piece(struct machine *m, const struct op *op)
{
	struct span s = ((const struct span *)m->p->pieces.items)[op->a];

	return m->n_captures ? machine_write(m, op, s) : machine_gather(m, op, s, (int32_t)op->a);
}

/* Runs from op to the end. 0, or -1 with m->e. */
static int run(struct machine *m, const struct op *op)
{
	const struct op *ops = m->p->ops.items;
	int rc = 0;

	for (;; op++) {
		if (m->steps-- == 0)
			return machine_too_long(m, op);
		switch ((enum op_code)op->code) {
		case OP_PIECE:
			rc = print_piece(m, op);
			op = rc < 0 || m->n_captures ? op : gather_plain(m, op + 1) - 1;
			break;
		case OP_PRINT_COLUMN:
			rc = machine_print_watched(m, op, op->a + 1, machine_column(m, op->a));
			op = rc < 0 || m->n_captures ? op : gather_plain(m, op + 1) - 1;
			break;
		case OP_PRINT:
			rc = machine_print_watched(m, op, op->a, m->s->stack[--m->n_stack]);
			break;
		case OP_FILTER:
			rc = filter(m, op);
			break;
		case OP_JUMP:
		case OP_JUMP_FALSE:
		case OP_AND:
		case OP_OR:
		case OP_COUNTDOWN:
		case OP_JUMP_COUNTED:
		case OP_SLOT_OR:
		case OP_FIELD:
			if (!goes_on(m, op))
				op = ops + op->b - 1;
			break;
		case OP_FOR:
		case OP_NEXT:
			rc = op->code == OP_FOR ? machine_loop(m, op) : machine_next(m, op);
			if (rc == 0)
				op = ops + op->b - 1;
			break;
		case OP_END_LOOP:
			m->n_loops--;
			break;
		case OP_CELL_BEGIN:
			rc = machine_cell_begin(m, op);
			break;
		case OP_CELL_END:
			rc = machine_cell_end(m, op);
			break;
		case OP_TABLE_END:
			rc = machine_write(m, op, SPAN("</tr>\n"));
			break;
		case OP_CAPTURE:
			text_begin(&m->s->captures[m->n_captures++], m->arena);
			break;
		case OP_CAPTURED:
		case OP_IF_CHANGED:
			rc = end_capture(m, op);
			break;
		case OP_CYCLE:
			rc = machine_cycle(m, op);
			break;
		case OP_INCREMENT:
		case OP_DECREMENT:
			rc = machine_counter(m, op);
			break;
		case OP_LINK_BEGIN:
			machine_link_begin(m, op);
			break;
		case OP_LINK_TEXT:
			rc = machine_link_text(m, op);
			break;
		case OP_CALL:
			rc = call_part(m, op, (uint32_t)(op - ops));
			op = ops + ((const struct part *)m->p->parts.items)[op->a].entry - 1;
			break;
		case OP_RETURN:
			op = ops + leave_part(m);
			break;
		case OP_END:
			return 0;
		default:
			rc = work(m, op);
		}
		if (rc < 0)
			return -1;
	}
}

/* Only where nobody asks for it: it is large, and a header is rendered in less than it takes to clear it. */
static struct err *err_unread(struct err *e)
{
	*e = (struct err){ 0 };
	return e;
}

/* Enough for gather_plain(). */
static void begin(struct machine *m, const struct liquid_program *p, struct liquid_scratch *s,
		  const struct liquid_input *in, struct liquid_sink *to, struct err *e)
{
	m->p = p;
	m->s = s;
	m->in = in;
	m->to = to;
	m->e = e;
	m->steps = p->limits.steps;
	m->bytes = p->limits.output_bytes;
	m->n_cells = in->row && in->row->object.kind != VALUE_OBJECT && !p->markdown ? in->row->n_cells : 0;
	m->n_gathered = 0;
}

/* All else: what a template wants that has more in it. */
static int start(struct machine *m, struct arena *a)
{
	const struct liquid_program *p = m->p;

	m->arena = a;
	m->filters = (struct filter_run){ .arena = a, .html = p->html, .now_ms = m->in->now_ms,
					  .zone_minutes = m->in->zone_minutes, .zones = &p->zones,
					  .steps = &m->steps, .e = m->e };
	m->n_stack = m->n_slots = m->n_loops = m->n_frames = m->n_captures = m->slots = 0;
	m->link = (struct link){ 0 }; /* a way past the begin of a link can lead to what prints into it */
	if (machine_reserve(m, p->stack + 1, p->n_slots, p->most_loops, p->most_captures) < 0)
		return -1;
	m->s->stack[m->n_stack++] = VALUE_OF_NIL; /* so that there always is a top */
	clear_slots(m, p->n_slots);
	return 0;
}

int liquid_render(const struct liquid_program *p, struct liquid_scratch *s, struct arena *a,
		  const struct liquid_input *in, struct liquid_sink *to, struct err *e)
{
	struct machine m;
	struct err unread;
	const struct op *op;
	int rc = 0;

	MUST(!p->condition);
	begin(&m, p, s, in, to, e ? e : err_unread(&unread));
	op = gather_plain(&m, p->ops.items);
	if (op->code != OP_END || m.steps == 0)
		rc = start(&m, a) < 0 ? -1 : run(&m, op);
	return machine_flush(&m) < 0 ? -1 : rc; /* what stands before a mistake has a say first */
}

int liquid_test(const struct liquid_program *p, struct liquid_scratch *s, struct arena *a,
		const struct liquid_input *in, struct err *e)
{
	struct machine m;
	struct err unread;

	MUST(p->condition);
	begin(&m, p, s, in, NULL, e ? e : err_unread(&unread));
	if (start(&m, a) < 0 || run(&m, p->ops.items) < 0)
		return -1;
	MUST(m.n_gathered == 0); /* a condition prints nothing */
	return value_true(s->stack[m.n_stack - 1]);
}
