/* SPDX-License-Identifier: MIT */
/* JSON pointers (RFC 6901): how a configuration names a value inside an answer. Pure. */
#include "send/channels.h"

#include <string.h>

#include "base/buf.h"

/* One reference token without its escapes: `~1` is `/`, `~0` is `~`. */
static void unescape(struct buf *token, const char *text, size_t length)
{
	buf_truncate(token, 0);
	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '~' && i + 1 < length && (text[i + 1] == '0' || text[i + 1] == '1'))
			c = text[++i] == '1' ? '/' : '~';
		buf_add_char(token, c);
	}
}

static const struct json *array_item(const struct json *array, const char *token)
{
	size_t index = 0;
	const struct json *item = json_first(array);

	if (!*token || strspn(token, "0123456789") != strlen(token) || strlen(token) > 6)
		return NULL;
	for (; *token; token++)
		index = 10 * index + (size_t)(*token - '0');
	while (item && index--)
		item = json_next(item);
	return item;
}

static const struct json *step(const struct json *value, const char *token)
{
	return json_is(value, JSON_ARRAY) ? array_item(value, token) : json_get(value, token);
}

const struct json *json_pointer(const struct json *value, const char *pointer)
{
	struct buf token = {0};

	while (value && *pointer == '/') {
		size_t length = strcspn(pointer + 1, "/");

		unescape(&token, pointer + 1, length);
		value = step(value, buf_text(&token));
		pointer += 1 + length;
	}
	buf_done(&token);
	return *pointer ? NULL : value;
}
