/* preview_page.c - static pages, each with a content security policy that names its own script by
 * hash, so that no other script can run, wherever it comes from.
 *
 *  1. All text of rows and letters passes html_text() or html_json(); the HTML part passes
 *     preview_frame().
 *  2. index.html and each list file have a bounded size, however many messages there are: the
 *     index loads the parts of the list that it shows, or that a search wants, as scripts, because
 *     a page from file:// may read other files in no other way.
 * Held by tests/system/test_cli_preview.py. */
#include "engine/cli/preview_page.h"

#include "engine/base/buf.h"
#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/cli/html.h"
#include "engine/cli/preview_frame.h"
#include "engine/cli/preview_text.h"
#include "engine/cli/say.h"
#include "templates/letter/letter.h"

static void put_hash(struct buf *out, const char *script)
{
	unsigned char hash[SHA256_SIZE];

	if (digest_sha256(span_str(script), hash) < 0) {
		out->failed = true;
		return;
	}
	buf_add_str(out, "'sha256-");
	html_base64(out, span_of(hash, sizeof hash));
	buf_add_char(out, '\'');
}

static void put_head(struct buf *out, struct span title, const char *script, const char *more_sources,
		     const char *more_rules, const char *style)
{
	buf_add_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
			 "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; script-src ");
	put_hash(out, script);
	buf_addf(out, "%s%s\">\n", more_sources, more_rules);
	buf_add_str(out, "<meta http-equiv=\"x-dns-prefetch-control\" content=\"off\">\n"
			 "<meta name=\"referrer\" content=\"no-referrer\">\n"
			 "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
	html_text(out, title);
	buf_addf(out, "</title>\n<style>%s</style>\n</head>\n", style);
}

static void put_headers(struct buf *out, const struct letter_view *v)
{
	buf_add_str(out, "<table class=\"headers\">\n");
	for (uint32_t i = 0; i < v->n_headers; i++) {
		buf_add_str(out, "<tr><th>");
		html_text(out, v->headers[i].name);
		buf_add_str(out, "</th><td>");
		html_text(out, v->headers[i].value);
		buf_add_str(out, "</td></tr>\n");
	}
	buf_add_str(out, "</table>\n");
}

static void put_bodies(struct buf *out, const struct letter_view *v)
{
	buf_add_str(out, "<div class=\"bodies\">\n");
	if (v->has_html)
		buf_add_str(out, "<input type=\"radio\" name=\"body\" id=\"as-html\" checked>"
				 "<label for=\"as-html\">HTML</label>\n");
	if (v->has_text)
		buf_addf(out, "<input type=\"radio\" name=\"body\" id=\"as-text\"%s>"
			      "<label for=\"as-text\">Text</label>\n", v->has_html ? "" : " checked");
	if (v->has_html) {
		buf_add_str(out, "<iframe class=\"html\" title=\"HTML part\" sandbox=\"\" "
				 "referrerpolicy=\"no-referrer\" srcdoc=\"");
		preview_frame(out, v);
		buf_add_str(out, "\"></iframe>\n");
	}
	if (v->has_text) {
		/* The line break after <pre> is dropped by the parser, one of the text's own is not. */
		buf_add_str(out, "<pre class=\"text\">\n");
		html_text(out, v->text);
		buf_add_str(out, "</pre>\n");
	}
	buf_add_str(out, "</div>\n");
}

static void put_parts(struct buf *out, const struct letter_view *v)
{
	char size[SAY_SIZE];

	if (v->n_parts == 0)
		return;
	buf_add_str(out, "<h2>Attachments</h2>\n<table class=\"parts\">\n");
	for (uint32_t i = 0; i < v->n_parts; i++) {
		const struct letter_view_part *p = &v->parts[i];

		buf_add_str(out, "<tr><td>");
		html_text(out, p->name.n ? p->name : SPAN("(no name)"));
		buf_add_str(out, "</td><td>");
		html_text(out, p->type);
		buf_addf(out, "</td><td>%s</td><td>%s</td></tr>\n", say_bytes(p->data.n, size),
			 p->cid.n ? "inline" : "");
	}
	buf_add_str(out, "</table>\n");
}

void preview_message(struct buf *out, const struct preview_item *item, const struct letter_view *v)
{
	if (!v) {
		buf_add_str(out, "<p class=\"problem\">This row cannot be sent: ");
		html_text(out, item->problem);
		buf_add_str(out, "</p>\n");
		return;
	}
	put_headers(out, v);
	put_bodies(out, v);
	put_parts(out, v);
}

static void put_navigation(struct buf *out, const struct preview_item *item, bool has_next)
{
	buf_add_str(out, "<nav>");
	if (item->page > 1)
		buf_addf(out, "<a class=\"step\" id=\"previous\" href=\"%06llu.html\">&larr; previous</a> ",
			 (unsigned long long)item->page - 1);
	if (has_next)
		buf_addf(out, "<a class=\"step\" id=\"next\" href=\"%06llu.html\">next &rarr;</a> ",
			 (unsigned long long)item->page + 1);
	buf_add_str(out, "<a class=\"step\" href=\"../index.html\">all messages</a> ");
	buf_addf(out, "<span>row %llu, line %llu", (unsigned long long)item->row, (unsigned long long)item->line);
	buf_add_str(out, "</span>");
	if (item->eml) {
		buf_add_str(out, " <a href=\"../eml/");
		html_text(out, span_str(item->eml)); /* made of letters that a URL takes as they are */
		buf_add_str(out, "\">the message as it is sent (.eml)</a>");
	}
	buf_add_str(out, "</nav>\n");
}

int preview_page(struct buf *out, const struct preview_item *item, bool has_next, struct span message,
		 struct err *e)
{
	put_head(out, item->problem.n ? SPAN("Cannot be sent") : item->subject, preview_message_script, "", "",
		 preview_message_style);
	buf_addf(out, "<body data-page=\"%llu\">\n", (unsigned long long)item->page);
	put_navigation(out, item, has_next);
	buf_add(out, message);
	buf_addf(out, "<script>%s</script>\n</body>\n</html>\n", preview_message_script);
	return out->failed ? err_nomem(e, "a page of the preview") : 0;
}

void preview_list_begin(struct buf *out, uint64_t number)
{
	buf_addf(out, "lettershopList(%llu,[", (unsigned long long)number);
}

void preview_list_item(struct buf *out, const struct preview_item *item)
{
	if (out->n && out->p[out->n - 1] != '[')
		buf_add_str(out, ",\n");
	buf_addf(out, "[%llu,", (unsigned long long)item->line);
	html_json(out, item->to);
	buf_add_char(out, ',');
	html_json(out, item->subject);
	buf_add_char(out, ',');
	html_json(out, item->problem);
	buf_add_char(out, ']');
}

void preview_list_end(struct buf *out)
{
	buf_add_str(out, "])\n");
}

int preview_index(struct buf *out, struct span title, uint64_t items, struct err *e)
{
	char count[SAY_SIZE];

	put_head(out, title, preview_index_script, " 'self' file:", "; frame-src 'self' file:", preview_index_style);
	buf_addf(out, "<body data-items=\"%llu\" data-part=\"%d\">\n<header>\n<h1>", (unsigned long long)items,
		 PREVIEW_LIST_ITEMS);
	html_text(out, title);
	buf_addf(out, "</h1>\n<span>%s</span>\n", say_many(items, "message", "messages", count));
	buf_add_str(out, preview_index_body);
	buf_addf(out, "<script>%s</script>\n</body>\n</html>\n", preview_index_script);
	return out->failed ? err_nomem(e, "the preview's index") : 0;
}
