/* SPDX-License-Identifier: MIT */
/* Telephone numbers and senders of texts. */
#include "send/phone.h"

#include <string.h>

#define DIGITS_MIN 8
#define DIGITS_MAX 15
#define DIGITS     "0123456789"
#define LETTERS    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool phone_e164(const char *text, char out[PHONE_TEXT])
{
	size_t length = 1;

	while (*text == ' ')
		text++;
	if (*text++ != '+')
		return false;
	out[0] = '+';
	for (; *text; text++) {
		if (strchr(" -.()", *text))
			continue;
		if (*text < '0' || *text > '9' || length > DIGITS_MAX || (length == 1 && *text == '0'))
			return false;
		out[length++] = *text;
	}
	out[length] = '\0';
	return length > DIGITS_MIN;
}

bool phone_is_service(const char *text)
{
	return !strncmp(text, "MG", 2) && strlen(text) == 34 &&
	       !text[2 + strspn(text + 2, DIGITS "abcdefABCDEF")];
}

static bool is_short_code(const char *text)
{
	size_t length = strlen(text);

	return length >= 3 && length <= 8 && strspn(text, DIGITS) == length;
}

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	return length >= 1 && length <= 11 && strspn(text, DIGITS LETTERS " ") == length &&
	       strpbrk(text, LETTERS);
}

bool phone_is_sender(const char *text)
{
	char number[PHONE_TEXT];

	return phone_e164(text, number) || is_short_code(text) || is_name(text) || phone_is_service(text);
}
