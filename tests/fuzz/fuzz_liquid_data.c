/* fuzz_liquid_data.c - any values through every filter, operator and loop of the language.
 *
 * The first two bytes choose a template and whether it escapes; the rest is read as the values of the
 * names a, b and c. In an HTML program no "<" of a plain value may come out of a plain print. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "templates/liquid/filters.h"
#include "templates/liquid/liquid.h"
#include "templates/liquid/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 20000, OUTPUT = 1 << 18, ARENA = 32 << 20, DEPTH_MAX = 4, TEMPLATES_MAX = 512, SOURCE_MAX = 160 };

static const struct filter *const tables[] = { filters_text, filters_html,   filters_code,  filters_list,
					       filters_pick, filters_number, filters_money, filters_date };
static const char *const plain[] = {
	"{{ a }}",
	"{% if a == b %}{{ c }}{% endif %}{% if a contains b %}1{% endif %}",
	"{% if a < b %}1{% elsif a >= c %}2{% endif %}",
	"{% for x in a limit: b offset: c %}{{ x }}{{ forloop.index }}{% else %}0{% endfor %}",
	"{% for x in a reversed %}{{ x[0] }}{{ x.first }}{{ x.last }}{{ x.size }}{% endfor %}",
	"{% for x in (a..b) %}{{ x }}{% endfor %}{{ (a..c) | size }}",
	"{% tablerow x in a cols: b limit: c %}{{ x }}{{ tablerowloop.col }}{% endtablerow %}",
	"{{ a[b] }}{{ a[b][c] }}{{ [a] }}{{ a.first }}{{ a.last }}{{ a.size }}{{ a.k }}",
	"{% case a %}{% when b %}1{% when c, b %}2{% else %}3{% endcase %}",
	"{% cycle a: b, c %}{% cycle b, c %}{% ifchanged %}{{ a }}{% endifchanged %}",
	"{% capture d %}{{ a }}{% endcapture %}{{ d | append: b | prepend: c }}",
	"{% assign d = a | split: b %}{{ d | join: c }}{{ d | sort | uniq | reverse | size }}",
	"{{ a | map: b | where: b, c | sort: b | sum: b }}",
	"<a href=\"{{ a }}\" src={{ b }} action='x{{ c }}'>{{ a }}</a>",
	"<script>{{ a | json }}</script><b title=\"{{ b }}\">",
};

static struct liquid_program *programs[TEMPLATES_MAX][2];
static uint32_t n_programs;
static struct liquid_scratch *scratch;
static struct arena values, row;

static void add(const char *source)
{
	static const struct span specials[] = { { "a", 1 }, { "b", 1 }, { "c", 1 } };
	struct err e = { 0 };

	MUST(n_programs < TEMPLATES_MAX);
	for (int html = 0; html < 2; html++) {
		const struct liquid_options opt = { .path = "t", .html = html, .lax = true, .specials = specials,
						    .n_specials = 3, .limits = { 30, STEPS, OUTPUT } };

		MUST(liquid_compile(&programs[n_programs][html], span_str(source), &opt, NULL, &e) == 0);
	}
	n_programs++;
}

/* Every filter of the tables, with as few and as many arguments as it takes. */
static void add_filter(const struct filter *f)
{
	static const char *const args[] = { "", ": b", ": b, c", ": b, c, a", ": b, c, a, b" };
	char source[SOURCE_MAX];

	for (unsigned n = f->min_args; n <= f->max_args; n++) {
		snprintf(source, sizeof source, "{{ a | %.*s%s }}", SPAN_ARG(f->name), args[n]);
		add(source);
	}
	if (!f->keyword)
		return;
	snprintf(source, sizeof source, "{{ a | %.*s%s%s%s: c }}", SPAN_ARG(f->name), args[f->max_args],
		 f->max_args ? ", " : ": ", f->keyword);
	add(source);
}

static void begin(void)
{
	struct err e = { 0 };

	MUST(liquid_scratch_new(&scratch, &e) == 0);
	arena_init(&values, 1 << 16, ARENA);
	arena_init(&row, 1 << 16, ARENA);
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
		add(plain[i]);
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		for (const struct filter *f = tables[i]; f->name.n; f++)
			add_filter(f);
}

static struct span take_bytes(struct span *in)
{
	size_t n = in->n ? (unsigned char)span_take(in) : 0;
	struct span s;

	n = n < 200 ? n : (n - 199) * 64;
	s = span_sub(*in, 0, n);
	*in = span_skip(*in, n);
	return s;
}

static struct value read_value(struct span *in, int depth);

static struct value read_list(struct span *in, bool object, int depth)
{
	uint32_t n = in->n ? (unsigned char)span_take(in) % 16 : 0;
	struct value *items = arena_array(&values, n, sizeof *items);
	struct member *members = arena_array(&values, n, sizeof *members);

	MUST(items && members);
	for (uint32_t i = 0; i < n; i++) {
		members[i].key = object ? take_bytes(in) : (struct span){ NULL, 0 };
		members[i].value = items[i] = depth < DEPTH_MAX ? read_value(in, depth + 1) : VALUE_OF_NIL;
	}
	if (object)
		return (struct value){ .kind = VALUE_OBJECT, .n = n, .members = members };
	return (struct value){ .kind = VALUE_ARRAY, .n = n, .items = items };
}

static struct value read_value(struct span *in, int depth)
{
	struct value v = VALUE_OF_NIL;
	struct span s;

	switch (in->n ? (unsigned char)span_take(in) % 10 : 0) {
	case 1:
		return value_bool(in->n && span_take(in) & 1);
	case 2:
		s = span_sub(*in, 0, sizeof v.i);
		*in = span_skip(*in, s.n);
		v = value_int(0);
		if (s.n)
			memcpy(&v.i, s.p, s.n);
		return v;
	case 3:
		return value_int(in->n ? span_take(in) : 0);
	case 4:
	case 5:
		return value_text(take_bytes(in));
	case 6:
		return value_cell(take_bytes(in));
	case 7:
		s = take_bytes(in);
		if (!number_like(s) || number_parse(&values, s, &v) < 0)
			return value_text(s);
		return v;
	case 8:
		return read_list(in, false, depth);
	case 9:
		return read_list(in, true, depth);
	default:
		return VALUE_OF_NIL;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct value abc[3];
	struct liquid_input in = { .specials = abc, .now_ms = 1795412408000 };
	struct liquid_text_sink sink;
	struct err e = { 0 };

	if (!scratch)
		begin();
	if (size < 2)
		return 0;
	const struct liquid_program *p = programs[(data[0] | (data[1] & 0x7f) << 8) % n_programs][data[1] >> 7];
	struct span rest = span_of(data + 2, size - 2);

	arena_reset(&values);
	arena_reset(&row);
	for (int i = 0; i < 3; i++)
		abc[i] = read_value(&rest, 0);
	liquid_text_sink_init(&sink, &row);
	int rc = liquid_render(p, scratch, &row, &in, &sink.sink, &e);

	MUST(rc == 0 || e.kind == ERR_NOMEM || (e.kind == ERR_INPUT && e.line > 0));
	if (data[1] >> 7 && rc == 0 && p == programs[0][1])
		MUST(span_find(span_of(sink.p, sink.n), '<') == sink.n);
	return 0;
}
