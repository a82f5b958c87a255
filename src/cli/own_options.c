/* SPDX-License-Identifier: MIT */
/* Options of modules, as their tables name them. */
#include "cli/own_options.h"

#include <string.h>

#include <bmad/job.h>

#include "base/mem.h"
#include "cli/store_access.h"

/* The row of MODULE for `--WORD` or `--WORD=...`, or NULL. */
static const char *find_row(const struct job_module *module, const char *word)
{
	size_t length = strncmp(word, "--", 2) ? 0 : strcspn(word + 2, "=");

	for (size_t i = 0; length && module->by_hand && module->by_hand[i]; i++)
		if (strcspn(module->by_hand[i], "=") == length &&
		    !strncmp(module->by_hand[i], word + 2, length))
			return module->by_hand[i];
	return NULL;
}

static bool takes_value(const char *row)
{
	return strchr(row, '=');
}

/* As JSON names it. */
static char *key_of(const char *row)
{
	char *key = mem_copy_n(row, strcspn(row, "="));

	for (char *at = key; *at; at++)
		if (*at == '-')
			*at = '_';
	return key;
}

static struct err *take(struct json *given, const char *row, int argc, char **argv, int *i)
{
	cleanup(free_text) char *key = key_of(row);
	cleanup(free_text) char *name = mem_format("--%.*s", (int)strcspn(row, "="), row);
	const char *value;

	if (!takes_value(row)) {
		if (strcmp(argv[*i], name))
			return ERR(ERR_CONFIG, "%s takes no value", name);
		json_set_bool(given, key, true);
		return NULL;
	}
	if (!cli_option(argc, argv, i, name, &value))
		return ERR(ERR_CONFIG, "%s needs a value", name);
	json_set_string(given, key, value);
	return NULL;
}

struct err *own_option_take(struct json *given, int argc, char **argv, int *i, bool *out_taken)
{
	for (size_t m = 0; job_modules[m]; m++) {
		const char *row = find_row(job_modules[m], argv[*i]);

		if (!row)
			continue;
		*out_taken = true;
		return take(given, row, argc, argv, i);
	}
	*out_taken = false;
	return NULL;
}

struct err *own_options_check(const struct json *given, const struct job_module *module)
{
	json_each(member, given) {
		cleanup(free_text) char *word = mem_format("--%s", json_key(member));

		for (char *at = word; *at; at++)
			if (*at == '_')
				*at = '-';
		if (!find_row(module, word))
			return ERR(ERR_CONFIG, "%s is not for jobs of module '%s'", word, module->name);
	}
	return NULL;
}
