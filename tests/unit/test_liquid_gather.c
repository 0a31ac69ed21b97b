/* test_liquid_gather.c - fixed pieces and cells, which have a way of their own to the sink: that it is the same. */
#include "tests/unit/liquid_kit.h"

enum { PAIRS_MOST = 200 };

static const struct span names[] = { { "a", 1 }, { "b", 1 } };
static const struct columns columns = { .n = 2, .names = names };

/* ---- the quick way and the long one ---- */

/* What {{ a }} and {{ b }} come to, and what a filter that changes nothing makes of them. */
static void check_cells(struct kit *k, const struct liquid_program *quick, const struct liquid_program *slow,
			const struct span cells[2])
{
	const struct row row = { .number = 1, .n_cells = 2, .cells = cells };
	const struct liquid_input input = { .row = &row };
	struct liquid_text_sink got[2];

	arena_reset(&k->memory);
	for (int i = 0; i < 2; i++) {
		liquid_text_sink_init(&got[i], &k->memory);
		assert_int_equal(liquid_render(i ? slow : quick, k->scratch, &k->memory, &input, &got[i].sink, &k->e), 0);
	}
	assert_true(span_eq(span_of(got[0].p, got[0].n), span_of(got[1].p, got[1].n)));
}

static void cells_are_as_behind_a_filter(void **state)
{
	static struct kit k;
	char text[8];

	(void)state;
	kit_open(&k);
	for (int form = 0; form < 3; form++) {
		const struct liquid_options opt = { .columns = &columns, .html = form > 0, .markdown = form > 1 };
		struct liquid_program *quick, *slow;

		assert_int_equal(liquid_compile(&quick, SPAN("{{ a }}|{{ b }}"), &opt, NULL, &k.e), 0);
		assert_int_equal(liquid_compile(&slow, SPAN("{{ a | append: '' }}|{{ b | append: '' }}"), &opt, NULL, &k.e), 0);
		for (size_t n = 0; n <= sizeof text; n++) {
			for (size_t at = 0; at < n || at == 0; at++) {
				for (int c = 0; c < 256; c++) {
					memset(text, 'm', n);
					if (at < n)
						text[at] = (char)c;
					check_cells(&k, quick, slow, (struct span[]){ { text, n }, { "b", 1 } });
					check_cells(&k, quick, slow, (struct span[]){ { "a<", 2 }, { text, n } });
				}
			}
		}
		liquid_free(&quick);
		liquid_free(&slow);
	}
	kit_close(&k);
}

/* ---- many of them, and the limits ---- */

struct collector {
	struct liquid_sink sink;
	char text[PAIRS_MOST * 4];
	size_t n;
	int calls, stop_at; /* fails at this call; -1 never */
};

static int collect(struct liquid_sink *self, const struct text_bit *bits, uint32_t n, struct err *e)
{
	struct collector *c = (struct collector *)self;

	if (c->calls++ == c->stop_at)
		return err_set(e, ERR_LIMIT, "the sink says no");
	assert_true(n > 0);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(bits[i].bytes.n > 0);
		assert_int_equal(bits[i].piece < 0, bits[i].bytes.p[0] == 'v');
		assert_true(c->n + bits[i].bytes.n <= sizeof c->text);
		memcpy(c->text + c->n, bits[i].bytes.p, bits[i].bytes.n);
		c->n += bits[i].bytes.n;
	}
	return 0;
}

static int render(struct kit *k, const char *source, struct liquid_limits limits, struct collector *c, int stop_at)
{
	static const struct span cells[] = { { "v1", 2 }, { "", 0 } };
	static const struct row row = { .number = 1, .n_cells = 2, .cells = cells };
	static const struct liquid_input input = { .row = &row };
	const struct liquid_options opt = { .columns = &columns, .limits = limits };
	struct liquid_program *p;
	int rc;

	memset(&k->e, 0, sizeof k->e);
	assert_int_equal(liquid_compile(&p, span_str(source), &opt, NULL, &k->e), 0);
	*c = (struct collector){ .sink = { collect }, .stop_at = stop_at };
	rc = liquid_render(p, k->scratch, &k->memory, &input, &c->sink, &k->e);
	liquid_free(&p);
	arena_reset(&k->memory);
	return rc;
}

static void any_number_comes_whole(void **state)
{
	static char source[PAIRS_MOST * 9 + 1], want[PAIRS_MOST * 4 + 1];
	static const struct liquid_limits none = { 0 };
	static struct kit k;
	struct collector c;

	(void)state;
	kit_open(&k);
	for (size_t n = 0; n <= PAIRS_MOST; n++) {
		source[n * 9] = want[n * 4] = '\0';
		assert_int_equal(render(&k, source, none, &c, -1), 0);
		assert_int_equal(c.n, n * 4);
		assert_memory_equal(c.text, want, c.n);
		assert_int_equal(c.calls > 0, n > 0);
		for (int i = 0, calls = c.calls; i < calls; i++) {
			assert_int_equal(render(&k, source, none, &c, i), -1);
			assert_string_equal(k.e.text, "the sink says no");
		}
		if (n < PAIRS_MOST) {
			memcpy(source + n * 9, "pp{{ a }}", 9);
			memcpy(want + n * 4, "ppv1", 4);
		}
	}
	kit_close(&k);
}

/* Each limit to the byte and to the instruction; bodies of loops come by the same way. */
static void limits_hold(void **state)
{
	static const struct {
		const char *source;
		uint64_t bytes, steps; /* that it takes */
	} cases[] = {
		{ "pp{{ a }}q{{ b }}{{ a }}", 7, 6 },
		{ "{{ a }}", 2, 2 },
		{ "pp", 2, 2 },
		{ "{% capture c %}pp{{ a }}{% endcapture %}q", 5, 6 },
	};
	static struct kit k;
	struct collector c;

	(void)state;
	kit_open(&k);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (uint64_t most = 1; most < 10; most++) {
			int rc = render(&k, cases[i].source, (struct liquid_limits){ .output_bytes = most }, &c, -1);

			assert_int_equal(rc, most < cases[i].bytes ? -1 : 0);
			assert_true(rc == 0 || strstr(k.e.text, "bytes"));
			rc = render(&k, cases[i].source, (struct liquid_limits){ .steps = most }, &c, -1);
			assert_int_equal(rc, most < cases[i].steps ? -1 : 0);
			assert_true(rc == 0 || strstr(k.e.text, "steps"));
		}
	}
	kit_close(&k);
}

/* The first mistake is the one that is told, whichever side finds it. */
static void the_first_mistake_is_told(void **state)
{
	static const char source[] = "pp{{ a }}{{ 1 | divided_by: 0 }}";
	static const struct liquid_limits none = { 0 };
	static struct kit k;
	struct collector c;

	(void)state;
	kit_open(&k);
	assert_int_equal(render(&k, source, none, &c, 0), -1);
	assert_string_equal(k.e.text, "the sink says no");
	assert_int_equal(render(&k, source, none, &c, -1), -1);
	assert_int_equal(k.e.kind, ERR_INPUT);
	assert_int_equal(c.n, 4);
	kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_as_behind_a_filter),
		cmocka_unit_test(any_number_comes_whole),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(the_first_mistake_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
