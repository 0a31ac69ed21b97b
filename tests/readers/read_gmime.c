/* read_gmime.c - messages as GMime reads them, strictly. Paths on standard input; a JSON line each.
 *
 * What GMime warns of is a defect. A program of tests only: it stops at the first surprise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gmime/gmime.h>
#include <jansson.h>

static json_t *defects;

static void note_warning(gint64 offset, GMimeParserWarning code, const gchar *item, gpointer data)
{
	(void)data;
	json_array_append_new(defects, json_sprintf("%lld: %d %s", (long long)offset, (int)code, item ? item : ""));
}

static GMimeParserOptions *strictly(void)
{
	GMimeParserOptions *o = g_mime_parser_options_new();

	g_mime_parser_options_set_address_compliance_mode(o, GMIME_RFC_COMPLIANCE_STRICT);
	g_mime_parser_options_set_parameter_compliance_mode(o, GMIME_RFC_COMPLIANCE_STRICT);
	g_mime_parser_options_set_rfc2047_compliance_mode(o, GMIME_RFC_COMPLIANCE_STRICT);
	g_mime_parser_options_set_warning_callback(o, note_warning, NULL);
	return o;
}

/* NULL for none; what is no UTF-8 is a text of its own. */
static json_t *text_or_null(const char *s)
{
	json_t *j = s ? json_string(s) : json_null();

	return j ? j : json_string("(not UTF-8)");
}

static json_t *lower_case(char *s)
{
	char *low = g_ascii_strdown(s, -1);
	json_t *j = json_string(low);

	g_free(low);
	g_free(s);
	return j;
}

/* ---- parts ---- */

static json_t *hex(const GByteArray *b)
{
	GString *s = g_string_new(NULL);
	json_t *j;

	for (guint i = 0; i < b->len; i++)
		g_string_append_printf(s, "%02x", b->data[i]);
	j = json_string(s->str);
	g_string_free(s, TRUE);
	return j;
}

static void put_octets(json_t *out, GMimePart *part)
{
	GMimeStream *s = g_mime_stream_mem_new();
	GByteArray *b = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(s));
	char *sum;

	g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(part), s);
	sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, b->data, b->len);
	json_object_set_new(out, "sha256", json_string(sum));
	json_object_set_new(out, "size", json_integer(b->len));
	g_free(sum);
	g_object_unref(s);
}

static void put_message(json_t *out, GMimeMessagePart *part)
{
	GMimeStream *s = g_mime_stream_mem_new();

	g_mime_object_write_to_stream(GMIME_OBJECT(g_mime_message_part_get_message(part)), NULL, s);
	json_object_set_new(out, "bytes", hex(g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(s))));
	g_object_unref(s);
}

static json_t *leaf(GMimeObject *part)
{
	GMimeContentDisposition *d = g_mime_object_get_content_disposition(part);
	GMimeContentType *type = g_mime_object_get_content_type(part);
	json_t *out = json_object();

	json_object_set_new(out, "type", lower_case(g_mime_content_type_get_mime_type(type)));
	json_object_set_new(out, "disposition", d ? lower_case(g_strdup(g_mime_content_disposition_get_disposition(d))) : json_null());
	json_object_set_new(out, "name", text_or_null(d ? g_mime_object_get_content_disposition_parameter(part, "filename") : NULL));
	json_object_set_new(out, "cid", text_or_null(g_mime_object_get_content_id(part)));
	json_object_set_new(out, "method", text_or_null(g_mime_content_type_get_parameter(type, "method")));
	if (GMIME_IS_MESSAGE_PART(part)) {
		put_message(out, GMIME_MESSAGE_PART(part));
	} else if (GMIME_IS_TEXT_PART(part) && !d) {
		char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(part));

		json_object_set_new(out, "text", text_or_null(text));
		g_free(text);
	} else {
		put_octets(out, GMIME_PART(part));
	}
	return out;
}

static void put_leaves(json_t *list, GMimeObject *part)
{
	if (!GMIME_IS_MULTIPART(part)) {
		json_array_append_new(list, leaf(part));
		return;
	}
	for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(part)); i++)
		put_leaves(list, g_mime_multipart_get_part(GMIME_MULTIPART(part), i));
}

static json_t *shape(GMimeObject *part)
{
	GMimeContentType *type = g_mime_object_get_content_type(part);
	json_t *out;

	if (!GMIME_IS_MULTIPART(part))
		return lower_case(g_mime_content_type_get_mime_type(type));
	out = json_array();
	json_array_append_new(out, lower_case(g_strdup(g_mime_content_type_get_media_subtype(type))));
	for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(part)); i++)
		json_array_append_new(out, shape(g_mime_multipart_get_part(GMIME_MULTIPART(part), i)));
	return out;
}

/* ---- addresses ---- */

static void put_mailboxes(json_t *out, InternetAddressList *list)
{
	for (int i = 0; list && i < internet_address_list_length(list); i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_GROUP(a)) {
			put_mailboxes(out, internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a)));
			continue;
		}
		json_t *pair = json_array();
		const char *name = internet_address_get_name(a);

		json_array_append_new(pair, text_or_null(name ? name : ""));
		json_array_append_new(pair, text_or_null(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(a))));
		json_array_append_new(out, pair);
	}
}

static json_t *empty_groups(InternetAddressList *list)
{
	json_t *out = json_array();

	for (int i = 0; list && i < internet_address_list_length(list); i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_GROUP(a) &&
		    internet_address_list_length(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a))) == 0)
			json_array_append_new(out, text_or_null(internet_address_get_name(a)));
	}
	return out;
}

static json_t *addresses(GMimeMessage *m)
{
	static const struct { const char *field; GMimeAddressType type; } fields[] = {
		{ "From", GMIME_ADDRESS_TYPE_FROM }, { "Sender", GMIME_ADDRESS_TYPE_SENDER }, { "To", GMIME_ADDRESS_TYPE_TO },
		{ "Cc", GMIME_ADDRESS_TYPE_CC }, { "Bcc", GMIME_ADDRESS_TYPE_BCC }, { "Reply-To", GMIME_ADDRESS_TYPE_REPLY_TO },
	};
	json_t *out = json_object();

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		json_t *list = json_array();

		put_mailboxes(list, g_mime_message_get_addresses(m, fields[i].type));
		json_object_set_new(out, fields[i].field, list);
	}
	return out;
}

/* ---- a message ---- */

static json_t *read_message(GMimeMessage *m)
{
	const char *subject = g_mime_message_get_subject(m), *note = g_mime_object_get_header(GMIME_OBJECT(m), "X-Note");
	GMimeObject *body = g_mime_message_get_mime_part(m);
	json_t *out = json_object(), *parts = json_array();

	put_leaves(parts, body);
	json_object_set_new(out, "shape", shape(body));
	json_object_set_new(out, "parts", parts);
	json_object_set_new(out, "subject", text_or_null(subject ? subject : ""));
	json_object_set_new(out, "note", text_or_null(note ? note : ""));
	json_object_set_new(out, "date", json_boolean(g_mime_message_get_date(m) != NULL));
	json_object_set_new(out, "addresses", addresses(m));
	json_object_set_new(out, "groups", empty_groups(g_mime_message_get_addresses(m, GMIME_ADDRESS_TYPE_TO)));
	return out;
}

static void read_one(const char *path, GMimeParserOptions *o)
{
	GMimeStream *s = g_mime_stream_file_open(path, "r", NULL);
	GMimeParser *p = s ? g_mime_parser_new_with_stream(s) : NULL;
	GMimeMessage *m = p ? g_mime_parser_construct_message(p, o) : NULL;
	json_t *out;

	if (!m) {
		fprintf(stderr, "read_gmime: cannot read '%s'\n", path);
		exit(2);
	}
	out = read_message(m);
	json_object_set(out, "defects", defects);
	json_dumpf(out, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(out);
	g_object_unref(m);
	g_object_unref(p);
	g_object_unref(s);
}

int main(void)
{
	GMimeParserOptions *o;
	char path[4096];

	g_mime_init();
	o = strictly();
	while (fgets(path, sizeof path, stdin)) {
		path[strcspn(path, "\n")] = '\0';
		defects = json_array();
		read_one(path, o);
		json_decref(defects);
	}
	g_mime_parser_options_free(o);
	return 0;
}
