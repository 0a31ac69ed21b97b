/* letter_structure.c - the tree of parts and the message program made of it.
 *
 *     mixed( alternative( text, related( HTML, inline files ) ), attachments )
 *
 * A level with one child is dropped (RFC 2046 5.1.4, 2387). The program is a flat list: runs of
 * fixed octets, and between them what each mail fills in; a letter in another charset than UTF-8 has
 * two, the second for mails with a value that does not fit. Header fields stand before the first
 * octet of the body, so that a signature can be put in front of the list and take its hashes over
 * the same spans. */
#include "templates/letter/letter_structure.h"

#include <stdio.h>

#include "templates/letter/letter_compile.h"
#include "templates/mime/mime_out.h"

enum {
	DATA_LONG = 4096,  /* octets: a program step of its own, not copied again */
	BOUNDARY_MOST = 70, /* RFC 2046 5.1.1 */
	SIGNED_BOUNDARY = 1 << 20 /* number of the boundary around all others */
};

struct letter_node *letter_node_new(struct letter_compile *c, enum letter_node_kind kind)
{
	struct letter_node *n = arena_zero(&c->l->memory, sizeof *n);

	if (n)
		n->kind = kind;
	else
		err_nomem(c->e, "the letter");
	return n;
}

void letter_node_append(struct letter_node *multi, struct letter_node *child)
{
	struct letter_node **at = &multi->first;

	while (*at)
		at = &(*at)->next;
	*at = child;
}

/* ---- the tree ---- */

static struct letter_node *multi(struct letter_compile *c, struct span subtype, struct letter_node *first)
{
	struct letter_node *n = letter_node_new(c, NODE_MULTI);

	if (!n)
		return NULL;
	n->subtype = subtype;
	n->first = first;
	return n;
}

/* node with the files of one kind behind it; node itself when there are none. */
static struct letter_node *with_files(struct letter_compile *c, struct letter_node *node, struct span subtype,
				      bool inline_ones)
{
	struct letter_node *outer = NULL;

	for (uint32_t i = 0; i < c->l->n_files; i++) {
		struct letter_node *n;

		if (c->l->files[i]->is_inline != inline_ones)
			continue;
		if (!outer && node->kind == NODE_MULTI && span_eq(node->subtype, subtype))
			outer = node;
		if (!outer)
			outer = multi(c, subtype, node);
		n = outer ? letter_node_new(c, NODE_FILE) : NULL;
		if (!n)
			return NULL;
		n->file = c->l->files[i];
		letter_node_append(outer, n);
	}
	return outer ? outer : node;
}

static struct letter_node *body_node(struct letter_compile *c, const struct letter_body *b)
{
	struct letter_node *n = letter_node_new(c, NODE_BODY);

	if (n)
		n->body = b;
	return n;
}

/* As MIMEMultipart would: the outermost level is of the kind the letter asks for. Forms of one text
 * stay what they are, inside it. */
static struct letter_node *as_asked(struct letter_compile *c, struct letter_node *root)
{
	if (!root || c->subtype.n == 0)
		return root;
	if (root->kind != NODE_MULTI || (span_eq(root->subtype, SPAN("alternative")) && !span_case_eq(c->subtype, root->subtype)))
		root = multi(c, c->subtype, root);
	if (!root)
		return NULL;
	root->subtype = c->subtype;
	root->boundary = c->boundary;
	return root;
}

/* The bodies of a letter that is not written in parts: text, HTML with its pictures, invitation. */
static struct letter_node *build_bodies(struct letter_compile *c)
{
	const struct letter *l = c->l;
	uint32_t n = l->n_bodies - l->has_calendar;
	struct letter_node *all = multi(c, SPAN("alternative"), NULL), *main = body_node(c, l->bodies[n - 1]);

	if (main)
		main = with_files(c, main, l->bodies[n - 1]->html ? SPAN("related") : SPAN("mixed"), true);
	if (!all || !main)
		return NULL;
	for (uint32_t i = 0; i < l->n_bodies; i++) {
		struct letter_node *node = i + 1 == n ? main : body_node(c, l->bodies[i]);

		if (!node)
			return NULL;
		letter_node_append(all, node);
	}
	return l->n_bodies == 1 ? main : all;
}

static struct letter_node *build(struct letter_compile *c)
{
	struct letter_node *root = c->root;

	if (root) {
		root = with_files(c, root, SPAN("related"), true);
		return as_asked(c, root ? with_files(c, root, SPAN("mixed"), false) : NULL);
	}
	root = build_bodies(c);
	return as_asked(c, root ? with_files(c, root, SPAN("mixed"), false) : NULL);
}

/* ---- the program ---- */

struct builder {
	struct letter_compile *c;
	struct letter_program *program;
	bool other;              /* in the letter's charset */
	struct arena scratch;
	struct mime_out pending; /* fixed octets not yet in a step */
	unsigned boundaries;
	uint64_t size;           /* of all fixed octets */
};

static struct letter_op *new_op(struct builder *b, enum letter_op_kind kind)
{
	struct letter_program *p = b->program;

	if (p->n == p->cap) {
		uint32_t cap = p->cap ? p->cap * 2 : 32;
		struct letter_op *ops = arena_grow(&b->c->l->memory, p->ops, p->cap * sizeof *ops, cap * sizeof *ops);

		if (!ops)
			return NULL;
		p->ops = ops;
		p->cap = cap;
	}
	p->ops[p->n] = (struct letter_op){ .kind = kind };
	return &p->ops[p->n++];
}

static int no_memory(struct builder *b)
{
	return err_nomem(b->c->e, "the letter");
}

static int flush(struct builder *b)
{
	struct letter_op *op;

	if (mime_out_size(&b->pending) == 0)
		return 0;
	op = new_op(b, OP_FIXED);
	if (!op)
		return no_memory(b);
	op->fixed = mime_out_flat(&b->pending, &b->c->l->memory);
	b->size += op->fixed.n;
	arena_reset(&b->scratch);
	mime_out_init(&b->pending, &b->scratch);
	return op->fixed.p ? 0 : no_memory(b);
}

static int fixed(struct builder *b, struct span s)
{
	return mime_out_copy(&b->pending, s) < 0 ? no_memory(b) : 0;
}

/* Long content that lives as long as the letter. */
static int fixed_data(struct builder *b, struct span s)
{
	struct letter_op *op;

	if (s.n < DATA_LONG)
		return fixed(b, s);
	if (flush(b) < 0)
		return -1;
	op = new_op(b, OP_FIXED);
	if (!op)
		return no_memory(b);
	op->fixed = s;
	b->size += s.n;
	return 0;
}

static struct letter_op *step(struct builder *b, enum letter_op_kind kind)
{
	struct letter_op *op = flush(b) < 0 ? NULL : new_op(b, kind);

	if (!op)
		no_memory(b);
	return op;
}

static int emit_fields(struct builder *b)
{
	const struct letter *l = b->c->l;

	for (uint32_t i = 0; i < l->n_fields; i++) {
		const struct letter_field *f = l->fields[i];
		struct letter_op *op;

		if (f->kind == FIELD_MIME)
			continue;
		if (f->fixed) {
			if (fixed(b, b->other ? f->other_bytes : f->bytes) < 0)
				return -1;
			continue;
		}
		op = step(b, f->kind == FIELD_DATE ? OP_DATE : f->kind == FIELD_MESSAGE_ID ? OP_MESSAGE_ID : OP_FIELD);
		if (!op)
			return -1;
		op->field = f;
	}
	return fixed(b, SPAN("MIME-Version: 1.0\r\n"));
}

static int emit_body(struct builder *b, const struct letter_node *n)
{
	const struct letter_skeleton *k = b->other ? &n->body->other : &n->body->utf8;
	struct letter_op *op;

	if (fixed(b, k->type_field) < 0 || fixed(b, SPAN("Content-Transfer-Encoding: ")) < 0 ||
	    fixed(b, mime_encoding_name(k->encoding)) < 0 || fixed(b, SPAN("\r\n")) < 0 ||
	    fixed(b, n->fields) < 0 || fixed(b, SPAN("\r\n")) < 0)
		return -1;
	if (n->body->text.fixed)
		return fixed_data(b, k->bytes);
	op = step(b, OP_BODY);
	if (!op)
		return -1;
	op->body = n->body;
	return 0;
}

static int emit_file(struct builder *b, struct letter_file *f, struct span delimiter)
{
	struct letter_op *op;
	int ok;

	if (f->text.fixed) {
		b->c->l->needs |= f->needs;
		return fixed(b, delimiter) < 0 || fixed(b, f->head) < 0 ? -1 : fixed_data(b, f->data);
	}
	f->delimiter = arena_copy(&b->c->l->memory, delimiter, &ok);
	op = ok ? step(b, OP_FILE) : NULL;
	if (!op)
		return no_memory(b);
	op->file = f;
	return 0;
}

static int emit(struct builder *b, const struct letter_node *n);

static struct span boundary_line(char *line, size_t size, const char *before, const char *boundary, const char *after)
{
	int n = snprintf(line, size, "%s--%s%s\r\n", before, boundary, after);

	return span_of(line, (size_t)n);
}

static struct span root_type(const struct letter_node *related)
{
	const struct letter_node *first = related->first;

	return first->kind == NODE_BODY ? first->body->type : SPAN("multipart/alternative");
}

static int emit_multi_head(struct builder *b, const struct letter_node *n, const char *boundary)
{
	struct span related = SPAN("related"), type = { NULL, 0 };

	if (span_eq(n->subtype, related))
		type = root_type(n);
	if (fixed(b, SPAN("Content-Type: multipart/")) < 0 || fixed(b, n->subtype) < 0 ||
	    fixed(b, type.n ? SPAN("; type=\"") : SPAN("")) < 0 || fixed(b, type) < 0 ||
	    fixed(b, type.n ? SPAN("\";\r\n boundary=\"") : SPAN(";\r\n boundary=\"")) < 0 ||
	    fixed(b, span_str(boundary)) < 0)
		return -1;
	return fixed(b, SPAN("\"\r\n")) < 0 || fixed(b, n->fields) < 0 ? -1 : fixed(b, SPAN("\r\n"));
}

static int emit_multi(struct builder *b, const struct letter_node *n)
{
	char boundary[BOUNDARY_MOST + 1], line[BOUNDARY_MOST + 16];

	mime_boundary(&b->c->l->seed, b->boundaries++, boundary);
	if (n->boundary.n > 0 && n->boundary.n <= BOUNDARY_MOST)
		snprintf(boundary, sizeof boundary, "%.*s", SPAN_ARG(n->boundary));
	if (emit_multi_head(b, n, boundary) < 0)
		return -1;
	for (const struct letter_node *child = n->first; child; child = child->next) {
		struct span delimiter = boundary_line(line, sizeof line, child == n->first ? "" : "\r\n", boundary, "");

		if (child->kind == NODE_FILE) {
			if (emit_file(b, child->file, delimiter) < 0)
				return -1;
		} else if (fixed(b, delimiter) < 0 || emit(b, child) < 0) {
			return -1;
		}
	}
	return fixed(b, boundary_line(line, sizeof line, "\r\n", boundary, "--"));
}

static int emit(struct builder *b, const struct letter_node *n)
{
	switch (n->kind) {
	case NODE_BODY:
		return emit_body(b, n);
	case NODE_RAW:
		return fixed(b, n->fields) < 0 || fixed(b, SPAN("\r\n")) < 0 ? -1 : fixed_data(b, n->data);
	case NODE_MULTI:
		return emit_multi(b, n);
	case NODE_FILE:
		break; /* always inside a multipart: emit_multi() */
	}
	return -1;
}

/* What stands between the signed part and the signature. */
static int signature_head(struct builder *b, struct span delimiter, struct span *out)
{
	struct mime_out o;

	mime_out_init(&o, &b->c->l->memory);
	if (mime_out_copy(&o, delimiter) < 0 ||
	    mime_out_copy(&o, SPAN("Content-Type: application/pkcs7-signature; name=smime.p7s\r\n"
				   "Content-Transfer-Encoding: base64\r\n"
				   "Content-Disposition: attachment; filename=smime.p7s\r\n\r\n")) < 0)
		return no_memory(b);
	*out = mime_out_flat(&o, &b->c->l->memory);
	return out->p ? 0 : no_memory(b);
}

/* multipart/signed (RFC 8551 3.5.3): the whole, then its signature. */
static int emit_signed(struct builder *b, const struct letter_node *root)
{
	char boundary[MIME_BOUNDARY_SIZE], line[BOUNDARY_MOST + 16];
	struct letter_op *end;
	struct span head;

	mime_boundary(&b->c->l->seed, SIGNED_BOUNDARY, boundary);
	if (fixed(b, SPAN("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n"
			  " micalg=sha-256; boundary=\"")) < 0 ||
	    fixed(b, span_str(boundary)) < 0 || fixed(b, SPAN("\"\r\n\r\n")) < 0 ||
	    fixed(b, boundary_line(line, sizeof line, "", boundary, "")) < 0 || !step(b, OP_SIGNED_BEGIN) ||
	    emit(b, root) < 0 || signature_head(b, boundary_line(line, sizeof line, "\r\n", boundary, ""), &head) < 0)
		return -1;
	end = step(b, OP_SIGNED_END);
	if (!end)
		return -1;
	end->fixed = head;
	return fixed(b, boundary_line(line, sizeof line, "\r\n", boundary, "--"));
}

static int show_type(struct letter_compile *c, const struct letter_node *root)
{
	struct letter *l = c->l;
	struct letter_field *f = arena_zero(&l->memory, sizeof *f);
	struct mime_out o;

	if (!f || letter_push_field(c, f) < 0)
		return err_nomem(c->e, "the letter");
	mime_out_init(&o, &l->memory);
	if (root->kind == NODE_BODY ? mime_out_copy(&o, root->body->type) < 0
				    : mime_out_copy(&o, SPAN("multipart/")) < 0 || mime_out_copy(&o, root->subtype) < 0)
		return err_nomem(c->e, "the letter");
	*f = (struct letter_field){ .name = SPAN("Content-Type"), .kind = FIELD_MIME };
	f->shown = mime_out_flat(&o, &l->memory);
	return f->shown.p ? 0 : err_nomem(c->e, "the letter");
}

static int write_program(struct letter_compile *c, struct letter_program *p, bool other, const struct letter_node *root)
{
	struct builder b = { .c = c, .program = p, .other = other };
	int rc;

	arena_init(&b.scratch, 1 << 14, SIZE_MAX / 2);
	mime_out_init(&b.pending, &b.scratch);
	rc = emit_fields(&b) < 0 || (c->l->smime ? emit_signed(&b, root) : emit(&b, root)) < 0 || flush(&b) < 0 ? -1 : 0;
	arena_release(&b.scratch);
	if (rc == 0 && b.size > c->l->opt.max_message_bytes)
		letter_mistake(c, "message too long", 0, 0, "attach less, or raise the limit",
			       "what is the same in all mails has %llu bytes, more than the %llu allowed",
			       (unsigned long long)b.size, (unsigned long long)c->l->opt.max_message_bytes);
	return rc;
}

int letter_compile_structure(struct letter_compile *c)
{
	struct letter *l = c->l;
	struct letter_node *root = build(c);

	if (!root)
		return -1;
	letter_drop_charset(c);
	if (write_program(c, &l->utf8, false, root) < 0 || (l->charset && write_program(c, &l->other, true, root) < 0))
		return -1;
	return show_type(c, root);
}
