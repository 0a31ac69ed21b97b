/* preview_page.h - the pages of a preview: one for each message, a list, an index.
 *
 * Pages work from file://, load nothing from elsewhere and run only the scripts written here. */
#ifndef ENGINE_CLI_PREVIEW_PAGE_H
#define ENGINE_CLI_PREVIEW_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"

struct buf;
struct err;
struct letter_view;

enum { PREVIEW_LIST_ITEMS = 500 }; /* messages in one file of the list */

struct preview_item { /* one message as the list shows it */
	uint64_t page;    /* 1, 2, ... */
	uint64_t row, line;
	struct span to, subject;
	struct span problem; /* why it cannot be sent; else empty */
	const char *eml;     /* file beneath eml/; NULL with a problem */
};

/* What stands between the navigation and the end of a message's page. v is NULL for a problem. */
void preview_message(struct buf *out, const struct preview_item *item, const struct letter_view *v);
/* The whole page around it. */
int preview_page(struct buf *out, const struct preview_item *item, bool has_next, struct span message,
		 struct err *e);

/* list/000001.js: first, then each item, then last. */
void preview_list_begin(struct buf *out, uint64_t number);
void preview_list_item(struct buf *out, const struct preview_item *item);
void preview_list_end(struct buf *out);

/* index.html. title names letter and list. */
int preview_index(struct buf *out, struct span title, uint64_t items, struct err *e);

#endif
