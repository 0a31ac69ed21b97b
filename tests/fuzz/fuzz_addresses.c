/* fuzz_addresses.c - any text as addresses: what is understood is written again, and understood the
 * same again. */
#include <stdint.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "engine/model/address.h"
#include "templates/mime/mime_header.h"
#include "templates/mime/mime_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA = 32 << 20 };

static struct arena a;

static void check_path(const struct address *x)
{
	struct address again;
	struct err e = { 0 };

	MUST(x->path.n > 0 && x->path.n <= ADDRESS_PATH_MAX && utf8_valid(x->path));
	for (size_t i = 0; i < x->path.n; i++)
		MUST((unsigned char)x->path.p[i] >= ' ' && x->path.p[i] != 127);
	MUST(address_parse(x->path, &a, &again, &e) == 0);
	MUST(span_eq(again.path, x->path) && span_eq(again.local, x->local) && address_same(&again, x));
}

/* The list as a field, unfolded, read again. */
static void check_written(const struct address_list *list)
{
	struct address_list again = { 0 };
	struct err e = { 0 };
	struct mime_out o;
	struct span field;
	char *p;
	size_t n = 0, at;

	for (uint32_t i = 0; i < list->n; i++)
		if (list->items[i].name.n > 0 && mime_header_bad(list->items[i].name, &at))
			return;
	mime_out_init(&o, &a);
	if (list->n == 0 || list->n_empty_groups > 0 || mime_header_addresses(&o, SPAN("To"), list, &e) < 0)
		return;
	field = span_skip(mime_out_flat(&o, &a), 3);
	p = arena_take(&a, field.n);
	MUST(p);
	for (size_t i = 0; i < field.n; i++)
		if (field.p[i] != '\r' && field.p[i] != '\n')
			p[n++] = field.p[i];
	MUST(address_parse_list(span_of(p, n), &a, &again, &e) == 0 && again.n == list->n);
	for (uint32_t i = 0; i < again.n; i++)
		MUST(span_eq(again.items[i].path, list->items[i].path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct address_list list = { 0 };
	struct address one;
	struct err e = { 0 };

	if (!a.chunk_bytes)
		arena_init(&a, 1 << 16, ARENA);
	arena_reset(&a);
	if (address_parse(span_of(data, size), &a, &one, &e) == 0)
		check_path(&one);
	if (address_parse_list(span_of(data, size), &a, &list, &e) < 0)
		return 0;
	for (uint32_t i = 0; i < list.n; i++)
		check_path(&list.items[i]);
	check_written(&list);
	return 0;
}
