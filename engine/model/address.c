/* address.c - entries of the address parser: one address, and lists.
 *
 *     list    = [ item ] *( "," [ item ] )
 *     item    = mailbox / words ":" [ mailbox ] *( "," [ mailbox ] ) ";"
 *
 * Mailboxes are address_mailbox.c, words address_lex.c, what stands beside the @ address_local.c
 * and address_domain.c. Held by tests/unit/test_model_address*.c. */
#include "engine/model/address.h"

#include "engine/base/err.h"
#include "engine/model/address_mailbox.h"
#include "engine/model/address_parts.h"

enum { ITEMS_FIRST = 8 };

/* ---- one address ---- */

/* The address that stands at byte `from` of text, and nothing behind it. */
static int parse_one(struct span text, size_t from, struct arena *a, struct address *out, struct err *e)
{
	struct mailbox_parser p;
	struct mailbox_words w;

	if (mailbox_open(&p, text, from, false, a, e) < 0)
		return -1;
	if (p.t.kind == ADDRESS_END)
		return err_set(e, ERR_INPUT, "the address is empty");
	if (mailbox_take_words(&p, &w) < 0)
		return -1;
	if (mailbox_on(&p, ':'))
		return mailbox_fail(&p, p.t.from, "has a ':'; one address is wanted here, not a group");
	if (mailbox_parse(&p, &w, out) < 0)
		return -1;
	if (mailbox_on(&p, ','))
		return mailbox_fail(&p, p.t.from, "has a comma; one address is wanted here");
	if (mailbox_on(&p, ';'))
		return mailbox_fail(&p, p.t.from, "has a ';'; one address is wanted here");
	return 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* s with its percent signs decoded, NULL bytes when memory ran out. */
static struct span percent_decoded(struct span s, struct arena *a)
{
	char *p = arena_take(a, s.n);
	size_t n = 0;

	for (size_t i = 0; p && i < s.n; i++) {
		int high = i + 2 < s.n && s.p[i] == '%' ? hex(s.p[i + 1]) : -1;
		int low = high < 0 ? -1 : hex(s.p[i + 2]);

		if (low < 0) {
			p[n++] = s.p[i];
		} else {
			p[n++] = (char)(high * 16 + low);
			i += 2;
		}
	}
	return span_of(p, n);
}

/* "mailto:" stands at byte `from`. Its "?subject=..." (RFC 6068) says nothing about the address. */
static int parse_mailto(struct span text, size_t from, struct arena *a, struct address *out, struct err *e)
{
	text.n = from + span_find(span_skip(text, from), '?');
	from += SPAN("mailto:").n;
	if (span_find(text, '%') < text.n) {
		text = percent_decoded(span_skip(text, from), a);
		from = 0;
		if (!text.p)
			return err_nomem(e, "an address");
	}
	return parse_one(text, from, a, out, e);
}

/* Bytes at the beginning (or end) of s of a space of the kinds that come along when an address is
 * copied; 0 when there is none. Line breaks are not among them: they are refused. */
static size_t space_at(struct span s, bool (*has)(struct span s, struct span with))
{
	static const struct span spaces[] = {
		{ " ", 1 },
		{ "\t", 1 },
		{ "\xc2\xa0", 2 },     /* no-break space */
		{ "\xe2\x80\x8b", 3 }, /* zero-width space */
		{ "\xef\xbb\xbf", 3 }, /* byte order mark */
		{ "\xe3\x80\x80", 3 }, /* ideographic space */
	};

	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
		if (has(s, spaces[i]))
			return spaces[i].n;
	return 0;
}

int address_parse(struct span text, struct arena *a, struct address *out, struct err *e)
{
	size_t from = 0, n;

	*out = (struct address){ .utf8 = false };
	int plain = address_plain(text, a, out);

	if (plain)
		return plain < 0 ? err_nomem(e, "an address") : 0;
	while ((n = space_at(text, span_ends)) > 0)
		text.n -= n;
	while ((n = space_at(span_skip(text, from), span_begins)) > 0)
		from += n;
	if (span_case_begins(span_skip(text, from), SPAN("mailto:")))
		return parse_mailto(text, from, a, out, e);
	return parse_one(text, from, a, out, e);
}

/* ---- lists ---- */

static int add_address(struct mailbox_parser *p, struct address_list *list, const struct address *x)
{
	struct address *more = list->items;

	if (list->n == ADDRESS_LIST_MAX)
		return err_set(p->e, ERR_INPUT, "more than %d addresses in one header", ADDRESS_LIST_MAX);
	if (list->n == 0 || (list->n >= ITEMS_FIRST && !(list->n & (list->n - 1))))
		more = arena_grow(p->a, more, list->n * sizeof *more,
				  (list->n ? 2 * list->n : ITEMS_FIRST) * sizeof *more);
	if (!more)
		return err_nomem(p->e, "an address");
	list->items = more;
	list->items[list->n++] = *x;
	return 0;
}

static int add_empty_group(struct mailbox_parser *p, struct address_list *list, struct span name)
{
	struct span *more = list->empty_groups;
	uint32_t n = list->n_empty_groups;

	if (n == ADDRESS_LIST_MAX)
		return err_set(p->e, ERR_INPUT, "more than %d groups in one header", ADDRESS_LIST_MAX);
	if (n == 0 || (n >= ITEMS_FIRST && !(n & (n - 1))))
		more = arena_grow(p->a, more, n * sizeof *more, (n ? 2 * n : ITEMS_FIRST) * sizeof *more);
	if (!more)
		return err_nomem(p->e, "an address");
	list->empty_groups = more;
	list->empty_groups[list->n_empty_groups++] = name;
	return 0;
}

/* A mailbox and its place in the list; group is empty outside of one. */
static int parse_member(struct mailbox_parser *p, const struct mailbox_words *w, struct span group,
			struct address_list *list)
{
	struct address x = { .group = group };

	if (mailbox_on(p, ':'))
		return mailbox_fail(p, p->t.from, "has a group inside of a group");
	return mailbox_parse(p, w, &x) < 0 ? -1 : add_address(p, list, &x);
}

/* p->t stands on ':'; ends on the token behind ';'. */
static int parse_group(struct mailbox_parser *p, const struct mailbox_words *name, struct address_list *list)
{
	uint32_t before = list->n;
	struct span group;
	struct mailbox_words w;

	if (name->n == 0)
		return mailbox_fail(p, p->t.from, "has a ':' without the name of a group before it");
	if (mailbox_name(p, name, &group) < 0 || mailbox_next(p) < 0)
		return -1;
	if (group.n == 0)
		return mailbox_fail(p, name->from, "has a group without a name");
	while (!mailbox_on(p, ';')) {
		if (p->t.kind == ADDRESS_END) {
			p->item = name->from;
			return mailbox_fail(p, name->from, "begins a group that no ';' ends");
		}
		if (!mailbox_on(p, ',')) {
			p->item = p->t.from;
			if (mailbox_take_words(p, &w) < 0 || parse_member(p, &w, group, list) < 0)
				return -1;
		}
		if (mailbox_on(p, ',') && mailbox_next(p) < 0)
			return -1;
	}
	if (list->n == before && add_empty_group(p, list, group) < 0)
		return -1;
	if (mailbox_next(p) < 0)
		return -1;
	if (p->t.kind == ADDRESS_END || mailbox_on(p, ','))
		return 0;
	return mailbox_fail(p, p->t.from, "goes on behind the group without a comma");
}

int address_parse_list(struct span text, struct arena *a, struct address_list *out, struct err *e)
{
	static const struct span no_group = { NULL, 0 };
	struct mailbox_parser p;
	struct mailbox_words w;

	*out = (struct address_list){ .n = 0 };
	if (mailbox_open(&p, text, 0, true, a, e) < 0)
		return -1;
	while (p.t.kind != ADDRESS_END) {
		if (mailbox_on(&p, ',')) {
			if (mailbox_next(&p) < 0)
				return -1;
			continue;
		}
		p.item = p.t.from;
		if (mailbox_take_words(&p, &w) < 0)
			return -1;
		if ((mailbox_on(&p, ':') ? parse_group(&p, &w, out) : parse_member(&p, &w, no_group, out)) < 0)
			return -1;
		if (mailbox_on(&p, ';'))
			return mailbox_fail(&p, p.t.from, "has a ';'; addresses are parted by commas");
	}
	return 0;
}

bool address_same(const struct address *x, const struct address *y)
{
	return span_case_eq(x->domain, y->domain) && span_case_eq(x->local, y->local);
}
