/* SPDX-License-Identifier: MIT */
/* Telephone numbers, masked where they stand. */
#include "base/mask.h"

#include <string.h>

#define DIGITS     "0123456789"
#define DIGITS_MIN 8
#define DIGITS_MAX 15
#define SHOWN      4
#define STARS      "*******"

/* LENGTH bytes at AT, the last four of which are shown, become the masked form. */
static void replace(struct buf *text, size_t at, size_t length)
{
	struct buf masked = {0};

	buf_add(&masked, text->text, at);
	buf_add_text(&masked, STARS);
	buf_add_text(&masked, text->text + at + length - SHOWN);
	buf_done(text);
	*text = masked;
}

bool mask_phones(struct buf *text)
{
	const char *plus = text->length ? strchr(text->text, '+') : NULL;
	bool found = false;

	while (plus) {
		size_t at = (size_t)(plus - text->text), digits = strspn(plus + 1, DIGITS);

		if (digits >= DIGITS_MIN && digits <= DIGITS_MAX) {
			replace(text, at, digits + 1);
			found = true;
		}
		plus = strchr(text->text + at + 1, '+');
	}
	return found;
}

bool mask_number(struct buf *text, const char *number)
{
	const char *digits = number + (*number == '+'), *at;
	size_t length = strlen(digits);
	bool found = false;

	if (length < DIGITS_MIN || strspn(digits, DIGITS) != length)
		return false;
	while (text->length && (at = strstr(text->text, digits))) {
		bool plus = at > text->text && at[-1] == '+';

		replace(text, (size_t)(at - text->text) - plus, length + plus);
		found = true;
	}
	return found;
}
