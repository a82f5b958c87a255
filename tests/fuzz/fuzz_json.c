/* SPDX-License-Identifier: MIT */
/*
 * What the parser takes must survive being printed and read again, in both forms; what it refuses must
 * be told with a place.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bmad/json.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
	if (!holds)
		abort();
}

static void read_back(const struct json *value, char *text)
{
	struct json *again = NULL;
	struct err *e = json_parse(text, strlen(text), &again);

	check(!e);
	check(json_equal(value, again));
	char *second = json_print(again);
	char *first = json_print(value);
	check(!strcmp(first, second));
	free(first);
	free(second);
	free(text);
	json_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json *value = NULL;
	struct err *e = json_parse((const char *)data, size, &value);

	if (e) {
		check(err_kind(e) == ERR_PERMANENT);
		check(strstr(err_message(e), "byte ") != NULL);
		err_destroy(e);
		return 0;
	}
	struct json *copy = json_copy(value);
	check(json_equal(value, copy));
	read_back(value, json_print(value));
	read_back(value, json_print_pretty(copy));
	json_destroy(copy);
	json_destroy(value);
	return 0;
}
