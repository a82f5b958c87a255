/* SPDX-License-Identifier: MIT */
/* Bodies of forms. */
#include "send/form.h"

#include <stdio.h>
#include <string.h>

static void add_encoded(struct buf *out, const char *text, size_t length)
{
	static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-._";

	for (size_t i = 0; i < length; i++) {
		if (text[i] && strchr(kept, text[i]))
			buf_add_char(out, text[i]);
		else if (text[i] == ' ')
			buf_add_char(out, '+');
		else
			buf_format(out, "%%%02X", (unsigned char)text[i]);
	}
}

void form_add(struct buf *out, const char *name, const char *value, size_t length)
{
	if (out->length)
		buf_add_char(out, '&');
	add_encoded(out, name, strlen(name));
	buf_add_char(out, '=');
	add_encoded(out, value, length);
}

void form_add_int(struct buf *out, const char *name, int64_t value)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%lld", (long long)value);

	form_add(out, name, text, (size_t)length);
}
