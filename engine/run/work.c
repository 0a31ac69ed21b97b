/* work.c - blocks of rows with their state. */
#include "engine/run/work.h"

#include <string.h>

#include "engine/base/mem.h"

int work_new(struct work **out, uint32_t capacity)
{
	struct work *w = mem_new(sizeof *w);

	if (!w)
		return -1;
	w->note.kind = NOTE_HOME;
	w->capacity = capacity;
	w->items = mem_array(capacity, sizeof *w->items);
	if (!w->items || row_block_new(&w->rows, capacity) < 0) {
		work_free(&w);
		return -1;
	}
	*out = w;
	return 0;
}

void work_free(struct work **w)
{
	if (!*w)
		return;
	row_block_free(&(*w)->rows);
	mem_free((*w)->items);
	mem_free((*w)->copies);
	mem_free(*w);
	*w = NULL;
}

int work_add_copies(struct work *w, struct work_item *item, const struct duplicate *copies, uint32_t n)
{
	if (w->n_copies + n > w->copies_room) {
		uint32_t room = 2 * w->copies_room + n;
		struct duplicate *more = mem_grow(w->copies, room * sizeof *more);

		if (!more)
			return -1;
		w->copies = more;
		w->copies_room = room;
	}
	memcpy(w->copies + w->n_copies, copies, n * sizeof *copies);
	item->copies = w->n_copies;
	item->n_copies = n;
	w->n_copies += n;
	return 0;
}

void work_reset(struct work *w)
{
	memset(w->items, 0, w->rows->n * sizeof *w->items);
	row_block_reset(w->rows);
	w->n_copies = 0;
	w->next = 0;
	w->open = 0;
	w->after = NULL;
}
