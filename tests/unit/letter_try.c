/* letter_try.c - see letter_try.h. */
#include "tests/unit/letter_try.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const int64_t when_ms = 1700000000000;

static void give_up(const char *what)
{
	perror(what);
	abort();
}

static void on_finding(struct finding_sink *self, const struct finding *f)
{
	struct letter_try *t = (struct letter_try *)(void *)self;
	size_t n = strlen(t->findings);

	snprintf(t->findings + n, sizeof t->findings - n, "%llu:%llu: %s\n", (unsigned long long)f->line,
		 (unsigned long long)f->column, f->text);
}

void try_begin(struct letter_try *t, const char *columns)
{
	struct span rest = span_str(columns);

	memset(t, 0, sizeof *t);
	snprintf(t->folder, sizeof t->folder, "/tmp/letter-try-XXXXXX");
	if (!mkdtemp(t->folder))
		give_up(t->folder);
	t->sink.report = on_finding;
	while (rest.n > 0)
		t->names[t->columns.n++] = span_cut(&rest, ',');
	t->columns.names = t->names;
	t->row = (struct row){ .number = 7, .line = 8, .n_cells = t->columns.n, .cells = t->cells };
	memcpy(t->opt.seed, "0123456789abcde", 16);
	arena_init(&t->a, 1 << 16, 1 << 28);
}

static void close_letter(struct letter_try *t)
{
	letter_desk_free(&t->d);
	letter_free(&t->l);
}

void try_end(struct letter_try *t)
{
	DIR *dir = opendir(t->folder);
	struct dirent *entry;

	close_letter(t);
	arena_release(&t->a);
	while (dir && (entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(t->folder);
}

static void path_of(const struct letter_try *t, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", t->folder, name);
}

void try_file(struct letter_try *t, const char *name, const void *bytes, size_t n)
{
	char path[256];
	FILE *f;

	path_of(t, name, path, sizeof path);
	f = fopen(path, "w");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
		give_up(path);
}

int try_open(struct letter_try *t, const char *source)
{
	char path[256];

	close_letter(t);
	try_file(t, "letter.eml", source, strlen(source));
	path_of(t, "letter.eml", path, sizeof path);
	t->opt.path = path;
	t->opt.columns = &t->columns;
	t->findings[0] = '\0';
	t->e = (struct err){ 0 };
	t->sink.errors = t->sink.warnings = 0;
	if (letter_open(&t->l, &t->opt, &t->sink, &t->e) < 0)
		return -1;
	return letter_desk_new(&t->d, t->l, &t->e);
}

static void set_cells(struct letter_try *t, const char *const *cells)
{
	for (uint32_t i = 0; i < t->columns.n; i++)
		t->cells[i] = span_str(cells && cells[i] ? cells[i] : "");
	arena_reset(&t->a);
	t->m = (struct mail){ 0 };
	t->e = (struct err){ 0 };
}

int try_write(struct letter_try *t, const char *const *cells)
{
	set_cells(t, cells);
	return letter_write(t->l, t->d, &t->a, &t->row, when_ms, &t->m, &t->e);
}

int try_view(struct letter_try *t, const char *const *cells, struct letter_view *out)
{
	set_cells(t, cells);
	return letter_view(t->l, t->d, &t->a, &t->row, when_ms, out, &t->e);
}

struct span try_message(struct letter_try *t)
{
	char *p = arena_take(&t->a, t->m.size + 1);
	size_t n = 0;

	if (!p)
		abort();
	for (uint32_t i = 0; i < t->m.n_content; i++) {
		memcpy(p + n, t->m.content[i].p, t->m.content[i].n);
		n += t->m.content[i].n;
	}
	p[n] = '\0';
	return span_of(p, n);
}

int try_has(struct letter_try *t, const char *text)
{
	struct span m = try_message(t);

	return span_search(m, span_str(text)) < m.n || strstr(t->findings, text) != NULL;
}

void try_open_ok(struct letter_try *t, const char *source)
{
	if (try_open(t, source) < 0)
		fail_msg("%s\n%s", t->e.text, t->findings);
}

void try_write_ok(struct letter_try *t, const char *const *cells)
{
	if (try_write(t, cells) < 0)
		fail_msg("%s", t->e.text);
}

void try_must_have(struct letter_try *t, const char *text)
{
	if (!try_has(t, text))
		fail_msg("no <%s> in\n%s\n%s", text, try_message(t).p, t->findings);
}
