/* SPDX-License-Identifier: MIT */
/*
 * Template and data from one input, split at the first NUL; a second NUL begins the text of the partial `p`.
 * Besides not crashing: whatever a value holds, a JSON string of it in any mark-up parses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/escape.h"
#include "render/mustache.h"
#include "render/fit.h"
#include "render/plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

struct part {
	const char *text;
	size_t length;
};

/* Takes what is before the next NUL off REST. */
static struct part take_part(struct part *rest)
{
	const char *end = rest->length ? memchr(rest->text, '\0', rest->length) : NULL;
	struct part part = {rest->text, end ? (size_t)(end - rest->text) : rest->length};
	size_t taken = part.length + (end ? 1 : 0);

	rest->text += taken;
	rest->length -= taken;
	return part;
}

static struct err *find_partial(void *arg, const char *name, struct partial_source *out)
{
	const struct part *part = arg;

	if (!strcmp(name, "p")) {
		out->text = mem_copy_n(part->text, part->length);
		out->length = part->length;
	}
	return NULL;
}

/* Data that do not parse are themselves the value. */
static struct json *make_data(const struct part *part)
{
	struct json *data;
	struct err *e = json_parse(part->text, part->length, &data);

	if (!e)
		return data;
	err_destroy(e);
	data = json_object();
	json_set(data, "x", json_string_n(part->text, part->length));
	return data;
}

static void render_all(const struct template *template, const struct json *data)
{
	for (const char *const *format = escaping_formats(); *format; format++) {
		struct buf out = {0};

		err_ignore(
		    template_render(template, &data, 1, escaping_find(*format, "teams"), 1 << 16, &out));
		buf_done(&out);
	}
}

static void check_json(escape_function *escape, const struct part *part)
{
	struct buf out = {0};
	struct json *value;

	buf_add_char(&out, '"');
	escape(&out, part->text, part->length);
	buf_add_char(&out, '"');
	if (json_parse(out.text, out.length, &value))
		abort();
	json_destroy(value);
	buf_done(&out);
}

static void check_plain(const struct json *data)
{
	static const char *const types[] = {"console", "teams", "webhook", "discord", "slack", "pagerduty"};
	struct buf text = {0};
	size_t left_out = 0;

	plain_table(data, &text);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct plain_message message = {
		    .type = types[i], .kind = "report", .data = data, .text = buf_text(&text)};

		struct json *body = plain_body(&message);

		if (body && !fit_json(body, limits_of(types[i]), &left_out))
			abort();
		json_destroy(body);
	}
	buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static const char *const targets[] = {NULL, "teams", "discord", "slack"};
	struct part rest = {(const char *)input, size};
	struct part text = take_part(&rest), data_text = take_part(&rest);
	struct template *template;

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		check_json(escaping_find("json", targets[i])->escape, &data_text);
	struct json *data = make_data(&data_text);
	struct err *e = template_compile("fuzz", text.text, text.length, find_partial, &rest, &template);
	if (!e) {
		render_all(template, data);
		template_destroy(template);
	}
	err_ignore(e);
	check_plain(data);
	json_destroy(data);
	return 0;
}
