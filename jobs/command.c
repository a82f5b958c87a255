/* SPDX-License-Identifier: MIT */
/*
 * command - a job in any language: runs a program and posts what it prints.
 *
 * A JSON object on standard output is the data object; any other JSON is its `value`, and anything else its
 * `text`. A program that prints nothing has nothing to say: nothing is posted.
 */
#include <string.h>

#include <bmad/job.h>
#include <bmad/mem.h>

struct command_options {
	struct texts argv;
	const struct json *input, *env;
};

static const struct option options[] = {
    OPTION(struct command_options, argv, OPT_TEXTS, .required = true,
        .help = "the program and its arguments, as a list: there is no shell"),
    OPTION(struct command_options, input, OPT_MAP, .help = "what it reads on standard input, as JSON"),
    OPTION(struct command_options, env, OPT_MAP, .help = "variables of its environment"),
    OPTION_END,
};

static struct err *check(const void *values)
{
	const struct command_options *own = values;

	if (!own->argv.count || !*own->argv.items[0])
		return ERR(ERR_CONFIG, "argv: expected a program and its arguments, as [/usr/bin/df, -h]");
	for (const struct json *item = json_first(own->env); item; item = json_next(item))
		if (!json_text(item) || !*json_key(item) || strchr(json_key(item), '='))
			return ERR(ERR_CONFIG, "env: expected texts by name, as {LEVEL: high}; look at '%s'",
			    json_key(item));
	return NULL;
}

/* Without the newlines that programs end their output with. */
static size_t trimmed(const char *text, size_t length)
{
	while (length && strchr("\n\r\t ", text[length - 1]))
		length--;
	return length;
}

static struct err *post(struct run *run, const char *text, size_t length)
{
	struct json *data = run_data(run), *value = NULL;
	struct err *no_json = json_parse(text, length, &value);

	if (no_json)
		json_set(data, "text", json_string_n(text, length));
	else if (!json_is(value, JSON_OBJECT))
		json_set(data, "value", json_copy(value));
	for (const struct json *member = json_is(value, JSON_OBJECT) ? json_first(value) : NULL; member;
	     member = json_next(member))
		json_set(data, json_key(member), json_copy(member));
	err_destroy(no_json);
	json_destroy(value);
	return run_queue(run, &(struct message){.kind = "report"}, data);
}

static struct err *command_run(struct run *run)
{
	const struct command_options *own = run_options(run);
	cleanup(free_text) char *input = json_first(own->input) ? json_print(own->input) : NULL;
	struct program program = {.argv = own->argv, .env = own->env, .input = input};
	const char *text;
	size_t length;

	run_step(run, "run %s", own->argv.items[0]);
	PASS(run_program(run, &program, &text, &length));
	length = trimmed(text, length);
	run_step(run, "queue what it printed");
	if (length)
		return post(run, text, length);
	run_decide(run, "the program printed nothing: nothing to post");
	return NULL;
}

const struct job_module command_module = {
    .name = "command",
    .summary = "a job in any language: runs a program and posts what it prints",
    .options = options,
    .options_size = sizeof(struct command_options),
    .check = check,
    .run = command_run,
};
