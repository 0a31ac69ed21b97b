/* test_liquid_render.c - rendering: what the sink gets, how names are found, and no heap. */
#include "tests/unit/liquid_kit.h"

#include "engine/base/mem.h"

static const struct span names[] = { { "name", 4 }, { "html", 4 }, { "plan", 4 } };
static const struct span cells[] = { { "Ann", 3 }, { "<", 1 }, { "pro", 3 } };
static const struct columns columns = { .n = 3, .names = names };
static const struct row row = { .number = 1, .line = 2, .n_cells = 3, .cells = cells };
static const struct liquid_input input = { .row = &row, .now_ms = 1790000000000 };

static int load(void *ctx, struct span name, struct span *text, const char **path, struct err *e)
{
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "greet", "Hi {{ who }}{% assign mark = '!' %}{{ mark }}" },
		{ "sub/card", "[{{ card }}]" },
		{ "row", "{{ forloop.index }}{{ row.x }}{% if forloop.last %}.{% endif %}" },
		{ "down", "{{ n }}{% if n > 0 %}{% assign m = n | minus: 1 %}{% render 'down', n: m %}{% endif %}" },
		{ "column", "{{ name }}" },
		{ "stop", "a{% break %}b" },
	};

	(void)ctx;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (span_eq(name, span_str(files[i].name))) {
			*text = span_str(files[i].text);
			*path = files[i].name;
			return 0;
		}
	return err_set(e, ERR_INPUT, "no such file");
}

/* ---- the sink ---- */

struct recorder {
	struct liquid_sink sink;
	char log[512];
	int stop_at; /* fails at this call; -1 never */
};

static int recorded(struct recorder *r, const char *what, struct span s, struct err *e)
{
	size_t n = strlen(r->log);

	if (r->stop_at-- == 0)
		return err_set(e, ERR_LIMIT, "the sink says no");
	snprintf(r->log + n, sizeof r->log - n, "%s%.*s|", what, SPAN_ARG(s));
	return 0;
}

static int on_bits(struct liquid_sink *self, const struct text_bit *bits, uint32_t n, struct err *e)
{
	struct recorder *r = (struct recorder *)self;

	assert_true(n > 0);
	for (uint32_t i = 0; i < n; i++) {
		char what[16] = "=";

		if (bits[i].piece >= 0)
			snprintf(what, sizeof what, "%d:", (int)bits[i].piece);
		if (recorded(r, what, bits[i].bytes, e) < 0)
			return -1;
	}
	return 0;
}

static void sink_gets_pieces_and_values(void **state)
{
	const struct liquid_options opt = { .columns = &columns, .html = true };
	static struct kit k;
	struct liquid_program *p;
	struct recorder r;

	(void)state;
	kit_open(&k);
	assert_int_equal(liquid_compile(&p, SPAN("Dear {{ name }},{% comment %}c{% endcomment %} ok {{ html }}{% if plan %}!{% endif %}"),
					&opt, NULL, &k.e), 0);
	assert_false(liquid_is_fixed(p));
	assert_int_equal(liquid_n_pieces(p), 3);
	assert_true(span_eq(liquid_piece(p, 1), SPAN(", ok ")));
	bool used[3] = { false, false, false };

	liquid_used_columns(p, used);
	assert_true(used[0] && used[1] && used[2]);
	r = (struct recorder){ .sink = { on_bits }, .stop_at = -1 };
	assert_int_equal(liquid_render(p, k.scratch, &k.memory, &input, &r.sink, &k.e), 0);
	assert_string_equal(r.log, "0:Dear |=Ann|1:, ok |=&lt;|2:!|");
	for (int stop = 0; stop < 5; stop++) {
		r = (struct recorder){ .sink = { on_bits }, .stop_at = stop };
		memset(&k.e, 0, sizeof k.e);
		assert_int_equal(liquid_render(p, k.scratch, &k.memory, &input, &r.sink, &k.e), -1);
		assert_string_equal(k.e.text, "the sink says no");
	}
	liquid_free(&p);
	kit_close(&k);
}

/* A cell without anything to escape goes to the sink as it lies in the row. */
static int same_bytes(struct liquid_sink *self, const struct text_bit *bits, uint32_t n, struct err *e)
{
	(void)self, (void)e;
	assert_int_equal(n, 1);
	assert_int_equal(bits[0].piece, -1);
	assert_ptr_equal(bits[0].bytes.p, cells[0].p);
	return 0;
}

static void cells_are_not_copied(void **state)
{
	const struct liquid_options opt = { .columns = &columns, .html = true };
	static struct kit k;
	struct liquid_program *p;
	struct liquid_sink sink = { same_bytes };

	(void)state;
	kit_open(&k);
	assert_int_equal(liquid_compile(&p, SPAN("{{ name }}"), &opt, NULL, &k.e), 0);
	assert_int_equal(liquid_render(p, k.scratch, &k.memory, &input, &sink, &k.e), 0);
	assert_int_equal(k.memory.used_bytes, 0);
	liquid_free(&p);
	kit_close(&k);
}

static void fixed_programs(void **state)
{
	static const struct {
		const char *source;
		bool fixed;
		uint32_t pieces;
	} cases[] = {
		{ "", true, 0 },
		{ "plain", true, 1 },
		{ "a{% comment %}b{% endcomment %}c{% raw %}{{ d }}{% endraw %}e{%# f %}", true, 1 },
		{ "{{ name }}", false, 0 },
		{ "a{% if true %}b{% endif %}", false, 2 },
	};
	const struct liquid_options opt = { .columns = &columns };
	struct liquid_program *p;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(liquid_compile(&p, span_str(cases[i].source), &opt, NULL, &e), 0);
		assert_int_equal(liquid_is_fixed(p), cases[i].fixed);
		assert_int_equal(liquid_n_pieces(p), cases[i].pieces);
		liquid_free(&p);
	}
	assert_int_equal(liquid_compile(&p, SPAN("a{%# x %}b"), &opt, NULL, &e), 0);
	assert_true(span_eq(liquid_piece(p, 0), SPAN("ab")));
	liquid_free(&p);
}

/* ---- names, loops, partials ---- */

static int shout(struct arena *a, bool html, struct value in, const struct value *args, unsigned n_args,
		 struct value *out, struct err *e)
{
	(void)a, (void)html, (void)args, (void)n_args;
	if (in.kind == VALUE_NIL)
		return err_set(e, ERR_INPUT, "nothing to shout");
	*out = value_text(SPAN("LOUD"));
	return 0;
}

static void templates(void **state)
{
	static const struct {
		const char *source, *out;
	} cases[] = {
		{ "{{ sender }} {{ link }} {{ name }}", "ACME http://x Ann" },
		{ "{{ Name }}", "Ann" },
		{ "{% assign name = 'Bob' %}{{ name }}", "Bob" },
		{ "{{ name }}{% assign name = 'Bob' %}{{ name }}", "AnnBob" },
		{ "{% assign name = nil %}{{ name }}|", "|" },
		{ "{% if false %}{% assign name = 'Bob' %}{% endif %}{{ name }}", "Ann" },
		{ "{% for name in (1..2) %}{{ name }}{% assign name = 'x' %}{% endfor %}{{ name }}", "12x" },
		{ "{% assign k = 'name' %}{{ [k] }} {{ ['plan'] }} {{ [sender] }}|", "Ann pro |" },
		{ "{% for i in (1..3) %}{{ forloop.index }}{{ forloop.rindex0 }}{{ forloop.first }},{% endfor %}",
		  "12true,21false,30false," },
		{ "{% for i in (1..3) reversed %}{{ i }}{% endfor %}", "321" },
		{ "{% for i in (1..9) limit: 2 offset: 3 %}{{ i }}{% endfor %}{% for i in (1..9) offset: continue %}{{ i }}{% endfor %}",
		  "456789" },
		{ "{% for i in (1..9) %}{% for j in (1..9) %}{% if j == 2 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}"
		  "{% if i == 2 %}{% break %}{% endif %}{% endfor %}",
		  "11 21 " },
		{ "{% for i in (1..3) %}{% capture c %}{{ i }}{% if i == 2 %}{% continue %}{% endif %}{% endcapture %}<{{ c }}>{% "
		  "endfor %}{{ c }}",
		  "<1><3>3" },
		{ "{% for i in (1..3) %}{{ forloop.parentloop.index }}{% for j in (1..2) %}{{ forloop.parentloop.index }}{% endfor "
		  "%}{% endfor %}",
		  "112233" },
		{ "{% for i in (1..2) %}{% assign f = forloop %}{{ f.index }}{% endfor %}{{ f.index }}|", "12|" },
		{ "{% for i in (1..2) %}{{ forloop.name }}{% endfor %}", "i-(1..2)i-(1..2)" },
		{ "{% increment name %}{% increment n %}{% increment n %}{{ n }}{% decrement n %}", "00121" },
		{ "{% include 'greet', who: name %}{{ mark }}", "Hi Ann!!" },
		{ "{% include 'sub/card' with plan %}{% include 'sub/card' for (1..2) %}", "[pro][1][2]" },
		{ "{% assign l = '1,2' | split: ',' %}{% include 'sub/card' for l %}", "[1][2]" },
		{ "{% for i in (1..3) %}{{ i }}{% include 'stop' %}{% endfor %}", "1a" },
		{ "{% for i in (1..2) %}{{ i }}{% render 'stop' %}{% endfor %}", "1a2a" },
		{ "{% render 'column' %}", "Ann" },
		{ "{% render 'down', n: 3 %}", "3210" },
		{ "{% assign l = 'a,b' | split: ',' %}{% render 'row' for l %}", "12." },
		{ "{{ name | shout }}", "LOUD" },
		{ "a{% break %}b", "a" },
		{ "{% unless name == 'Ann' %}1{% elsif plan == 'pro' %}2{% else %}3{% endunless %}", "2" },
		{ " {% if true %}\n {% assign x = 1 %}\n{% endif %} ", "  " },
		{ "a \n{%- if true -%} b {%- endif -%} \nc", "abc" },
		{ "a {{- name -}} b", "aAnnb" },
		{ "{% liquid\n for i in (1..2)\n  echo i\n endfor\n%}", "12" },
		{ "{% case plan %}{% when 'pro' %}a{% when 'pro', 'x' %}b{% else %}c{% endcase %}", "ab" },
		{ "{% for i in (1..4) %}{% cycle 'a', 'b' %}{% endfor %}", "abab" },
		{ "{% for i in (1..4) %}{% ifchanged %}{{ i | divided_by: 2 }}{% endifchanged %}{% endfor %}", "012" },
	};
	static const struct member globals[] = { { { "sender", 6 }, { .kind = VALUE_TEXT, .n = 4, .text = "ACME" } },
						 { { "name", 4 }, { .kind = VALUE_TEXT, .n = 6, .text = "global" } } };
	static const struct span specials[] = { { "link", 4 }, { "plan", 4 } };
	const struct value values[] = { value_text(SPAN("http://x")), value_text(SPAN("special")) };
	static const struct liquid_filter filters[] = { { { "shout", 5 }, 0, 0, shout } };
	const struct liquid_options opt = { .columns = &columns, .globals = globals, .n_globals = 2, .specials = specials,
					    .n_specials = 2, .filters = filters, .n_filters = 1, .loader = { load, NULL } };
	struct liquid_input in = input;
	static struct kit k;
	int wrong = 0;

	(void)state;
	in.specials = values;
	kit_open(&k);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *got = kit_render(&k, cases[i].source, &opt, &in);

		if (!got || strcmp(got, cases[i].out) != 0) {
			print_error("%s\n  got:    %s\n  wanted: %s\n  %s%s\n", cases[i].source, got ? got : "an error", cases[i].out,
				    k.found, k.e.text);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
	kit_close(&k);
}

static void rows_of_json(void **state)
{
	static const struct member order[] = { { { "sku", 3 }, { .kind = VALUE_TEXT, .n = 2, .text = "A1" } } };
	static const struct value lines[] = { { .kind = VALUE_OBJECT, .n = 1, .members = order } };
	static const struct member members[] = { { { "name", 4 }, { .kind = VALUE_TEXT, .n = 3, .text = "Eve" } },
						 { { "age", 3 }, { .kind = VALUE_INT, .i = 34 } },
						 { { "lines", 5 }, { .kind = VALUE_ARRAY, .n = 1, .items = lines } } };
	static const struct columns open = { .n = 1, .names = names, .open = true };
	const struct row r = { .n_cells = 1, .cells = cells, .object = { .kind = VALUE_OBJECT, .n = 3, .members = members } };
	const struct liquid_options opt = { .columns = &open };
	const struct liquid_input in = { .row = &r };
	static struct kit k;

	(void)state;
	kit_open(&k);
	assert_string_equal(kit_render(&k, "{{ name }} {{ age | plus: 1 }} {% for l in lines %}{{ l.sku }}{% endfor %}{{ none }}|",
				       &opt, &in),
			    "Eve 35 A1|");
	kit_close(&k);
}

struct heard {
	struct liquid_empty watch;
	char text[1000];
};

static void hear(struct liquid_empty *self, struct span name, const char *path, uint64_t line, uint64_t at)
{
	struct heard *h = (struct heard *)(void *)self;
	size_t n = strlen(h->text);

	(void)path;
	snprintf(h->text + n, sizeof h->text - n, "%.*s %d:%d|", SPAN_ARG(name), (int)line, (int)at);
}

static void empty_values_are_told(void **state)
{
	static const struct {
		const char *source, *heard;
	} cases[] = {
		{ "{{ name }}{{ none }}{{ none | upcase }}{{ none | default: 'x' }}{% if none %}{% endif %}", "none 1:14|none 1:24|" },
		{ "{% for l in lines %}{{ l.sku }},{{ l.skuu }}\n{% endfor %}", "l.skuu 1:36|l.sku 1:24|l.skuu 1:36|" },
		{ "{% for l in lines %}{{ l.a | default: 1 }}{{ l.b | append: 'x' }}{{ l.c | strip }}{% endfor %}", "l.c 1:69|l.c 1:69|" },
		{ "{{ lines[0].sku }}{{ lines[1].sku }}{{ lines[9].sku.x }}{{ lines.size }}{{ lines['x'].y }}",
		  "lines[1].sku 1:22|lines[9].sku.x 1:40|" },
		{ "{% assign f = lines | first %}{{ f.sku }}{{ f.no }}{{ f }}", "f.no 1:45|" },
		{ "{% for l in lines %}{{ forloop.parentloop.index }}{{ forloop.index }}{% endfor %}", "" },
		{ "{{ none.a.b }}", "none.a.b 1:4|" },
	};
	static const struct span columns_here[] = { { "name", 4 }, { "none", 4 }, { "lines", 5 } };
	static const struct span cells_here[] = { { "Ann", 3 }, { "", 0 }, { "", 0 } };
	static const struct member one[] = { { { "sku", 3 }, { .kind = VALUE_TEXT, .n = 2, .text = "A1" } } };
	static const struct member two[] = { { { "sku", 3 }, { .kind = VALUE_TEXT, .n = 0, .text = "" } } };
	static const struct value lines[] = { { .kind = VALUE_OBJECT, .n = 1, .members = one },
					      { .kind = VALUE_OBJECT, .n = 1, .members = two } };
	static const struct member members[] = { { { "lines", 5 }, { .kind = VALUE_ARRAY, .n = 2, .items = lines } } };
	static const struct columns here = { .n = 3, .names = columns_here, .objects = true };
	const struct row r = { .n_cells = 3, .cells = cells_here, .object = { .kind = VALUE_OBJECT, .n = 1, .members = members } };
	const struct liquid_options opt = { .columns = &here };
	struct heard heard = { .watch.printed = hear };
	const struct liquid_input in = { .row = &r, .empty = &heard.watch };
	static struct kit k;

	(void)state;
	kit_open(&k);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		heard.text[0] = '\0';
		assert_non_null(kit_render(&k, cases[i].source, &opt, &in));
		assert_string_equal(heard.text, cases[i].heard);
	}
	kit_close(&k);
}

/* `rows` of a group: members are found as columns are, and a misspelt one where it can be seen. */
static void rows_of_a_group(void **state)
{
	static const struct span list[] = { { "First Name", 10 }, { "price", 5 }, { "name", 4 } };
	static const struct member one[] = { { { "First Name", 10 }, { .kind = VALUE_CELL, .n = 3, .text = "Ann" } },
					     { { "price", 5 }, { .kind = VALUE_CELL, .n = 2, .text = "10" } },
					     { { "name", 4 }, { .kind = VALUE_CELL, .n = 0, .text = "" } } };
	static const struct member two[] = { { { "First Name", 10 }, { .kind = VALUE_CELL, .n = 3, .text = "Bob" } },
					     { { "price", 5 }, { .kind = VALUE_CELL, .n = 1, .text = "9" } },
					     { { "name", 4 }, { .kind = VALUE_CELL, .n = 1, .text = "x" } } };
	static const struct value items[] = { { .kind = VALUE_OBJECT, .n = 3, .members = one },
					      { .kind = VALUE_OBJECT, .n = 3, .members = two } };
	static const struct row_member other = { 2, 3 };
	static const struct row_group group = { .n_others = 1, .others = &other,
						.rows = { .kind = VALUE_ARRAY, .n = 2, .items = items } };
	static const struct columns grouped = { .n = 3, .names = list, .grouped = true };
	const struct row r = { .n_cells = 3, .cells = cells, .group = &group };
	static const struct {
		const char *source, *text, *found; /* text NULL: a mistake */
	} tries[] = {
		{ "{% for r in rows %}{{ r.firstname }} {{ r.Price }}{% unless r.name %}-{% endunless %};{% endfor %}", "Ann 10-;Bob 9;", "" },
		{ "{{ rows.size }}{{ rows.first.firstname }}{{ rows[1].price }}{{ rows.last['First Name'] }}", "2Ann9Bob", "" },
		{ "{% for r in rows reversed %}{{ r['price'] }}{{ r.size }}{% if r.price < 10 %}<{% endif %}{% endfor %}", "93<103", "" },
		{ "{{ rows | sum: 'price' }} {{ rows | map: 'First Name' | join: '+' }}", "19 Ann+Bob", "" },
		{ "{% tablerow r in rows %}{{ r.price }}{% endtablerow %}", "<tr class=\"row1\">\n<td class=\"col1\">10</td><td class=\"col2\">9</td></tr>\n", "" },
		{ "{{ ['rows'] | size }}{% assign rows = 'x' %}{{ rows }}", "2x", "" },
		{ "{% assign r = 'x' %}{{ r.none }}{% for r in rows %}{% for rows in (1..2) %}{{ rows.none }}{% endfor %}{% endfor %}|", "|", "" },
		{ "{% for r in rows %}{{ r.pirce }}{% endfor %}", NULL, "1:24: there is no column 'pirce'; did you mean 'price'?\n" },
		{ "{{ rows[0].nam }}{{ rows.last.frstname }}", NULL, "1:11: there is no column 'nam'; did you mean 'name'?\n"
		  "1:30: there is no column 'frstname'; did you mean 'First Name'? It is written without its spaces, or as ['First Name']\n" },
	};
	const struct liquid_options opt = { .columns = &grouped };
	const struct liquid_input in = { .row = &r };

	(void)state;
	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		static struct kit k;
		const char *text;

		kit_open(&k);
		text = kit_render(&k, tries[i].source, &opt, &in);
		if (tries[i].text)
			assert_string_equal(text ? text : k.found, tries[i].text);
		else
			assert_null(text);
		assert_string_equal(k.found, tries[i].found);
		kit_close(&k);
	}
}

static void conditions(void **state)
{
	static const struct {
		const char *source;
		int rc;
	} cases[] = { { "plan == 'pro' and name contains 'A'", 1 }, { "plan == 'free'", 0 }, { "name > 5", -1 }, { "html", 1 } };
	const struct liquid_options opt = { .columns = &columns };
	static struct kit k;
	struct liquid_program *p;

	(void)state;
	kit_open(&k);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(liquid_compile_condition(&p, span_str(cases[i].source), &opt, &k.sink, &k.e), 0);
		assert_int_equal(liquid_test(p, k.scratch, &k.memory, &input, &k.e), cases[i].rc);
		liquid_free(&p);
	}
	assert_int_equal(liquid_compile_condition(&p, SPAN("plam == 1"), &opt, &k.sink, &k.e), -1);
	assert_null(p);
	assert_int_equal(liquid_compile_condition(&p, SPAN("plan =="), &opt, &k.sink, &k.e), -1);
	kit_close(&k);
}

/* ---- memory ---- */

static void rendering_leaves_the_heap_alone(void **state)
{
	const struct liquid_options opt = { .columns = &columns, .html = true, .loader = { load, NULL } };
	const char *source = "{{ name | append: html | upcase }}{% for i in (1..20) %}{% render 'down', n: 5 %}{% capture c %}{{ i }}"
			     "{% cycle 'a': 1, 2 %}{% endcapture %}{{ c }}{% endfor %}{{ 'now' | date: '%c', 'UTC' }}"
			     "<a href=\"{{ name }}{{ html }}\">{{ 1234.5 | money: 'EUR' }}{{ 5 | number: 2 }}</a>"
			     "{% for i in (1..99) %}{% assign s = s | append: i | prepend: '.' %}{% endfor %}{{ s | md5 }}"
			     "{{ name | hmac_sha1: s }}{{ 1 | pluralize: 'a', 'b' }}";
	static struct kit k;
	struct liquid_program *p;
	struct recorder r;
	uint64_t before = 0;

	(void)state;
	kit_open(&k);
	assert_int_equal(liquid_compile(&p, span_str(source), &opt, NULL, &k.e), 0);
	for (int i = 0; i < 5; i++) {
		arena_reset(&k.memory);
		r = (struct recorder){ .sink = { on_bits }, .stop_at = -1 };
		if (i == 1)
			before = mem_count();
		assert_int_equal(liquid_render(p, k.scratch, &k.memory, &input, &r.sink, &k.e), 0);
	}
#ifndef ARENA_REAL_MALLOC
	assert_int_equal(mem_count(), before);
#else
	(void)before;
#endif
	liquid_free(&p);
	kit_close(&k);
}

static void rendering_survives_no_memory(void **state)
{
	const struct liquid_options opt = { .columns = &columns, .html = true, .loader = { load, NULL } };
	const char *source = "{{ name | append: html | upcase }}{{ 'b,a' | split: ',' | sort | reverse | uniq | join: '+' | replace: '+', '-' }}"
			     "{% for i in (1..3) %}{% render 'down', n: 2 %}{% capture c %}{{ i | times: 1.5 | round }}{% endcapture %}"
			     "{{ c }}{% cycle 'a': 1, 2 %}{% endfor %}{{ 'now' | date: '%c' | truncate: 5 | base64_encode | json }}";
	struct liquid_program *p;
	struct err e = { 0 };
	bool done = false;

	(void)state;
	assert_int_equal(liquid_compile(&p, span_str(source), &opt, NULL, &e), 0);
	for (long n = 0; n < 3000 && !done; n++) {
		struct liquid_scratch *scratch = NULL;
		struct liquid_text_sink sink;
		struct arena a;

		memset(&e, 0, sizeof e);
		arena_init(&a, 64, 1 << 20);
		mem_fail_after(n);
		if (liquid_scratch_new(&scratch, &e) == 0) {
			liquid_text_sink_init(&sink, &a);
			done = liquid_render(p, scratch, &a, &input, &sink.sink, &e) == 0;
		}
		mem_fail_after(-1);
		assert_true(done || e.kind == ERR_NOMEM || e.kind == ERR_INPUT);
		liquid_scratch_free(&scratch);
		arena_release(&a);
	}
	assert_true(done);
	liquid_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sink_gets_pieces_and_values),
		cmocka_unit_test(cells_are_not_copied),
		cmocka_unit_test(fixed_programs),
		cmocka_unit_test(templates),
		cmocka_unit_test(rows_of_json),
		cmocka_unit_test(empty_values_are_told),
		cmocka_unit_test(rows_of_a_group), cmocka_unit_test(conditions),
		cmocka_unit_test(rendering_leaves_the_heap_alone),
		cmocka_unit_test(rendering_survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
