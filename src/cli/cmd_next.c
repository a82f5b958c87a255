/* SPDX-License-Identifier: MIT */
/* `bmad next`: when a job, or an expression, fires. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bmad/json.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/named.h"
#include "schedule/schedule.h"

#define COUNT_DEFAULT 10
#define COUNT_MAX     1000000

struct options {
	const char *expression, *timezone, *job_name, *dst; /* of --expr */
	const char *job;                                    /* of the configuration */
	const char *count_text, *from_text, *json_text;     /* as given */
	int count;
	utc_t from;
};

/* -- printing -------------------------------------------------------------------------------------- */

struct fire {
	utc_t at;
	const struct tz *tz; /* of the schedule that fires */
};

/* All that fires together. */
struct fires {
	const struct schedule *const *schedules;
	size_t count;
	struct slot_list named; /* by the job's module */
	const struct tz *tz;    /* of those */
};

/* The first fire of all after AFTER; those that fire in the same instant are one. */
static struct fire next_fire(const struct fires *fires, utc_t after)
{
	struct fire first = {slot_list_next(&fires->named, after), fires->tz};

	for (size_t i = 0; i < fires->count; i++) {
		utc_t at = schedule_next(fires->schedules[i], after);

		if (at < first.at)
			first = (struct fire){at, schedule_tz(fires->schedules[i])};
	}
	return first;
}

static void print_line(const struct fire *fire)
{
	char local[TIME_TEXT], utc[TIME_TEXT];

	printf("%s\t%s\n", tz_format(fire->tz, fire->at, local), utc_format(fire->at, utc));
}

static void add_object(struct json *array, const struct fire *fire)
{
	struct json *object = json_add_object(array);
	char text[TIME_TEXT];

	json_set_string(object, "local", tz_format(fire->tz, fire->at, text));
	json_set_instant(object, "utc", fire->at);
}

static void print_array(struct json *array)
{
	char *text = json_print(array);

	puts(text);
	free(text);
}

/* Prints the N fires that come after FROM; returns the exit status. */
static int next_print(const struct fires *fires, utc_t from, int n, bool json)
{
	struct json *array = json_array();
	struct fire fire = {.at = from};
	int printed = 0;

	for (; printed < n; printed++) {
		fire = next_fire(fires, fire.at);
		if (fire.at == UTC_NEVER)
			break;
		if (json)
			add_object(array, &fire);
		else
			print_line(&fire);
	}
	if (json)
		print_array(array);
	else if (!printed)
		puts("never");
	json_destroy(array);
	if (fflush(stdout))
		return cli_fail(ERR(ERR_TEMPORARY, "write to standard output: %s", strerror(errno)));
	return EXIT_OK;
}

/* "never" alone would puzzle. */
static void explain_kinds(const struct fires *fires)
{
	static const char *const reasons[] = {
	    [SCHEDULE_REBOOT] = "@reboot fires once per boot of the host, not by the clock",
	    [SCHEDULE_MODULE] = "@module fires when the job's module says so: name a job that has it",
	};

	for (size_t i = 0; i < fires->count; i++) {
		enum schedule_kind kind = schedule_kind(fires->schedules[i]);
		bool asked = kind == SCHEDULE_MODULE && fires->named.until;

		if (!asked && kind < ARRAY_SIZE(reasons) && reasons[kind])
			fprintf(stderr, "bmad: %s\n", reasons[kind]);
	}
}

static int print_all(const struct fires *fires, const struct options *options)
{
	explain_kinds(fires);
	return next_print(fires, options->from, options->count, options->json_text);
}

/* -- what to print --------------------------------------------------------------------------------- */

static struct err *parse_expression(const struct options *options, struct schedule **out_schedule)
{
	const char *zone = options->timezone ? options->timezone : tz_system_name();
	enum dst_rule dst = DST_VIXIE;
	const struct tz *tz;

	TRY(tz_get(zone, &tz), "--timezone");
	if (options->dst)
		TRY(dst_rule_parse(options->dst, &dst), "--dst");
	TRY(schedule_parse(options->expression, tz, options->job_name, dst, out_schedule, NULL), "--expr");
	return NULL;
}

static int print_expression(const struct options *options)
{
	struct schedule *schedule = NULL;
	struct err *e = parse_expression(options, &schedule);

	if (e)
		return cli_fail(e);
	const struct schedule *one = schedule;
	int status = print_all(&(struct fires){.schedules = &one, .count = 1}, options);
	schedule_destroy(schedule);
	return status;
}

static int print_fires_of(const struct conf *conf, const struct conf_job *job, const struct options *options)
{
	struct fires fires = {
	    .schedules = (const struct schedule *const *)job->schedules,
	    .count = job->schedule_count,
	    .tz = job->tz,
	};
	struct err *e = named_load(conf, job, options->from, (size_t)options->count, &fires.named);
	int status = e ? cli_fail(e) : print_all(&fires, options);

	slot_list_done(&fires.named);
	return status;
}

static int print_job(const struct options *options)
{
	struct conf *conf = cli_load_conf();
	const struct conf_job *job;

	if (!conf)
		return EXIT_USAGE;
	struct err *e = conf_job_get(conf, options->job, &job);
	int status = e ? cli_fail(e) : print_fires_of(conf, job, options);
	conf_destroy(conf);
	return status;
}

/* -- the command line ------------------------------------------------------------------------------ */

struct word {
	const char *name;
	bool alone; /* takes no value */
	const char **value;
};

/* What is behind the NAME that TEXT begins with: "", `=value`, for -n the number itself; else NULL. */
static const char *after_name(const char *text, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(text, name, length) != 0)
		return NULL;
	text += length;
	return !*text || *text == '=' || length == 2 ? text : NULL;
}

/* Takes argv[*I], and argv[*I + 1] if that is its value. */
static struct err *take_word(const struct word *word, const char *rest, int argc, char **argv, int *i)
{
	if (word->alone && *rest)
		return ERR(ERR_CONFIG, "next: %s takes no value", word->name);
	if (word->alone || *rest) {
		*word->value = *rest == '=' ? rest + 1 : rest;
		return NULL;
	}
	if (*i + 1 == argc)
		return ERR(ERR_CONFIG, "next: %s needs a value", word->name);
	*word->value = argv[++*i];
	return NULL;
}

static struct err *take_words(struct options *options, int argc, char **argv)
{
	const struct word words[] = {
	    {"--expr", false, &options->expression},
	    {"--timezone", false, &options->timezone},
	    {"--job", false, &options->job_name},
	    {"--dst", false, &options->dst},
	    {"--from", false, &options->from_text},
	    {"-n", false, &options->count_text},
	    {"--json", true, &options->json_text},
	};

	for (int i = 1; i < argc; i++) {
		const char *rest = NULL;
		size_t n = 0;

		while (n < ARRAY_SIZE(words) && !(rest = after_name(argv[i], words[n].name)))
			n++;
		if (rest)
			PASS(take_word(&words[n], rest, argc, argv, &i));
		else if (argv[i][0] == '-')
			return ERR(ERR_CONFIG, "next: unknown option %s", argv[i]);
		else if (options->job)
			return ERR(ERR_CONFIG, "next: unexpected '%s': one job at a time", argv[i]);
		else
			options->job = argv[i];
	}
	return NULL;
}

static struct err *parse_count(const char *text, int *out_count)
{
	char *end;
	long count = strtol(text, &end, 10);

	if (end == text || *end || count < 1 || count > COUNT_MAX)
		return ERR(ERR_CONFIG, "-n: '%s' is no count: expected 1 to %d", text, COUNT_MAX);
	*out_count = (int)count;
	return NULL;
}

static struct err *take_arguments(struct options *options, int argc, char **argv)
{
	PASS(take_words(options, argc, argv));
	if (options->count_text)
		PASS(parse_count(options->count_text, &options->count));
	if (options->from_text)
		TRY(utc_parse(options->from_text, &options->from), "--from");
	if (options->expression && options->job)
		return ERR(ERR_CONFIG, "next: '%s' beside --expr: expected one of them", options->job);
	if (!options->expression && !options->job)
		return ERR(ERR_CONFIG, "next: expected the name of a job, or --expr EXPRESSION");
	if (options->job && (options->timezone || options->job_name || options->dst))
		return ERR(ERR_CONFIG, "next: --timezone, --job and --dst go with --expr; a job has its own");
	return NULL;
}

int cmd_next(int argc, char **argv)
{
	struct options options = {.count = COUNT_DEFAULT, .from = cli_now()};
	struct err *e = take_arguments(&options, argc, argv);

	if (e)
		return cli_fail(e);
	return options.expression ? print_expression(&options) : print_job(&options);
}
