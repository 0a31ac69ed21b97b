/* book_xml.c - XML through expat: the only file that includes <expat.h>.
 *
 *  1. Memory: all that expat holds at a time is counted, and HELD_MAX is the most. A tag or a name
 *     without end meets that bound; text comes in pieces and is not held.
 *  2. A document type is refused, so there is no entity to expand and nothing to fetch.
 * Held by tests/unit/test_rows_lists.c. */
#include "engine/rows/book_xml.h"

#include <expat.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/rows/book_zip.h"

enum { PIECE = 64 << 10, HELD_MAX = 32 << 20, ALIGNMENT = 16 };

struct reading {
	XML_Parser parser;
	const struct book_xml *events;
	void *ctx;
	struct err *e;
	unsigned depth;
	int rc;         /* 1 enough, -1 failed */
	bool said;      /* e is filled */
	const char *refused;
};

/* ---- memory ---- */

static _Thread_local size_t held;
static _Thread_local bool over_held;

static void *grow(void *old, size_t size)
{
	char *from = old ? (char *)old - ALIGNMENT : NULL;
	size_t had = from ? *(size_t *)(void *)from : 0;
	char *p;

	if (size > HELD_MAX || held - had + size > HELD_MAX) {
		over_held = true;
		return NULL;
	}
	p = mem_grow(from, size + ALIGNMENT);
	if (!p)
		return NULL;
	*(size_t *)(void *)p = size;
	held += size - had;
	return p + ALIGNMENT;
}

static void *take(size_t size)
{
	return grow(NULL, size);
}

static void give_back(void *p)
{
	if (!p)
		return;
	held -= *(size_t *)(void *)((char *)p - ALIGNMENT);
	mem_free((char *)p - ALIGNMENT);
}

/* ---- events ---- */

static const char *local(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon ? colon + 1 : name;
}

static void end_with(struct reading *r, int rc)
{
	if (rc == 0 || r->rc != 0)
		return;
	r->rc = rc;
	r->said = rc < 0;
	XML_StopParser(r->parser, XML_FALSE);
}

static void refuse(struct reading *r, const char *why)
{
	if (r->rc != 0)
		return;
	r->refused = why;
	r->rc = -1;
	XML_StopParser(r->parser, XML_FALSE);
}

static void XMLCALL on_open(void *ctx, const char *name, const char **attributes)
{
	struct reading *r = ctx;

	if (r->rc != 0)
		return;
	if (++r->depth > BOOK_DEPTH_MAX)
		refuse(r, "its elements stand too deep in one another");
	else if (r->events->open)
		end_with(r, r->events->open(r->ctx, local(name), attributes, r->e));
}

static void XMLCALL on_close(void *ctx, const char *name)
{
	struct reading *r = ctx;

	if (r->rc != 0)
		return;
	r->depth--;
	if (r->events->close)
		end_with(r, r->events->close(r->ctx, local(name), r->e));
}

static void XMLCALL on_text(void *ctx, const char *p, int n)
{
	struct reading *r = ctx;

	if (r->rc == 0 && r->events->text)
		end_with(r, r->events->text(r->ctx, span_of(p, (size_t)n), r->e));
}

static void XMLCALL on_doctype(void *ctx, const char *name, const char *system_id, const char *public_id, int internal)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)internal;
	refuse(ctx, "it has a document type, which no workbook has");
}

/* ---- reading ---- */

static int wrong(const struct reading *r, const char *part, struct err *e)
{
	enum XML_Error code = XML_GetErrorCode(r->parser);

	if (r->said)
		return -1;
	if (code == XML_ERROR_NO_MEMORY && !over_held)
		return err_nomem(e, "reading a workbook");
	err_set(e, ERR_INPUT, "the workbook's part %s cannot be read: %s (its line %llu)", part,
		r->refused ? r->refused : over_held ? "a tag of it has no end" : XML_ErrorString(code),
		(unsigned long long)XML_GetCurrentLineNumber(r->parser));
	return err_hint(e, "open it in the office program and save it again, without a password");
}

/* What nobody needs is unpacked all the same: only at its end is the part's checksum compared. */
static int drain(struct reading *r, struct book_part *part, struct err *e)
{
	char *p = mem_grow(NULL, PIECE);
	ssize_t got;

	if (!p) {
		r->said = true;
		return err_nomem(e, "reading a workbook");
	}
	while ((got = book_part_read(part, p, PIECE, e)) > 0)
		;
	mem_free(p);
	r->said = got < 0;
	return got < 0 ? -1 : 0;
}

static int feed(struct reading *r, struct book_part *part, struct err *e)
{
	ssize_t got = 1;

	while (got > 0) {
		void *to = XML_GetBuffer(r->parser, PIECE);

		if (!to)
			return -1;
		got = book_part_read(part, to, PIECE, e);
		if (got < 0) {
			r->said = true;
			return -1;
		}
		if (XML_ParseBuffer(r->parser, (int)got, got == 0) != XML_STATUS_OK)
			return r->rc == 1 ? drain(r, part, e) : -1;
	}
	return 0;
}

int book_xml_read(struct book_zip *z, const char *name, const struct book_xml *events, void *ctx, struct err *e)
{
	static const XML_Memory_Handling_Suite memory = { take, grow, give_back };
	struct reading r = { .events = events, .ctx = ctx, .e = e };
	struct book_part *part;
	int rc;

	if (book_part_open(&part, z, name, e) < 0)
		return -1;
	held = 0;
	over_held = false;
	r.parser = XML_ParserCreate_MM(NULL, &memory, NULL);
	if (!r.parser) {
		book_part_close(&part);
		return err_nomem(e, "reading a workbook");
	}
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_open, on_close);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	rc = feed(&r, part, e);
	if (rc < 0)
		wrong(&r, name, e);
	XML_ParserFree(r.parser);
	book_part_close(&part);
	return rc;
}

const char *book_xml_attribute(const char **attributes, const char *name)
{
	for (; attributes[0]; attributes += 2)
		if (strcmp(attributes[0], name) == 0)
			return attributes[1];
	return NULL;
}
