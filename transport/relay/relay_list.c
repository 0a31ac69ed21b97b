/* relay_list.c - the pool's lists of links: on or off in constant time, no allocation. */
#include "engine/base/must.h"
#include "transport/relay/relay_parts.h"

void relay_list_take_off(struct relay_pool *p, enum relay_list_kind kind, struct relay_link *l)
{
	struct relay_list *list = &p->lists[kind];
	struct relay_node *node = &l->nodes[kind];

	MUST(node->on);
	if (node->before)
		node->before->nodes[kind].after = node->after;
	else
		list->first = node->after;
	if (node->after)
		node->after->nodes[kind].before = node->before;
	else
		list->last = node->before;
	*node = (struct relay_node){ NULL, NULL, false };
	list->n--;
}

void relay_list_put_on(struct relay_pool *p, enum relay_list_kind kind, struct relay_link *l, bool in_front)
{
	struct relay_list *list = &p->lists[kind];
	struct relay_node *node = &l->nodes[kind];

	MUST(!node->on);
	node->on = true;
	node->before = in_front ? NULL : list->last;
	node->after = in_front ? list->first : NULL;
	if (node->before)
		node->before->nodes[kind].after = l;
	else
		list->first = l;
	if (node->after)
		node->after->nodes[kind].before = l;
	else
		list->last = l;
	list->n++;
}
