/* SPDX-License-Identifier: MIT */
/* Reuse within a configuration: `like`, patterns, `each`, null; places that stay where a value was said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bmad/api.h>

#include "conf/conf.h"
#include "send/channel.h"
#include "source/source.h"

/* -- modules and types of the tests' own -- */

struct report_options {
	const char *source, *zone;
	struct texts shifts;
	int64_t grace_ms;
};

/* clang-format off */
static const struct option report_table[] = {
    OPTION(struct report_options, source, OPT_NAME, .section = "sources", .required = true, .help = "the database"),
    OPTION(struct report_options, zone, OPT_TEXT, .help = "the zone"),
    OPTION(struct report_options, shifts, OPT_TEXTS, .help = "names of shifts"),
    {.name = "grace", .type = OPT_DURATION, .offset = offsetof(struct report_options, grace_ms), .fallback = "120s",
        .help = "time given to late rows"},
    OPTION_END,
};
/* clang-format on */

static const struct job_module report_module = {.name = "report",
    .options = report_table,
    .options_size = sizeof(struct report_options),
    .names_channels = true};
static const struct job_module plain_module = {.name = "plain", .names_channels = true};
const struct job_module *const job_modules[] = {&report_module, &plain_module, NULL};

struct hook_options {
	struct secret url;
	const char *dir;
};

static const struct option hook_table[] = {
    OPTION(struct hook_options, url, OPT_SECRET, .required = true, .help = "the address"),
    OPTION(struct hook_options, dir, OPT_PATH, .help = "a folder"),
    OPTION_END,
};

static const struct channel_type console_type = {.name = "console"};
static const struct channel_type hook_type = {
    .name = "hook", .options = hook_table, .options_size = sizeof(struct hook_options)};
const struct channel_type *const channel_types[] = {&console_type, &hook_type, NULL};

static const struct source_type sqlite_type = {.name = "sqlite", .scheme = "sqlite:"};
const struct source_type *const source_types[] = {&sqlite_type, NULL};
const struct api_type *const api_types[] = {NULL};

/* -- the bench -- */

struct fixture {
	struct conf_problems problems;
	struct buf printed;
	struct conf *conf;
	char path[40];
};

static void load(struct fixture *f, const char *yaml)
{
	strcpy(f->path, "/tmp/bmad-reuse-XXXXXX");
	int fd = mkstemp(f->path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);
	f->conf = conf_load(&(struct conf_request){.path = f->path}, &f->problems);
	unlink(f->path);
	for (size_t i = 0; i < f->problems.count; i++)
		if (f->problems.items[i].level == PROBLEM_ERROR)
			buf_format(&f->printed, "%d:%d: %s\n", f->problems.items[i].place.line,
			    f->problems.items[i].place.column, f->problems.items[i].text);
}

static void done(struct fixture *f)
{
	conf_destroy(f->conf);
	conf_problems_done(&f->problems);
	buf_done(&f->printed);
}

static int set_up(void **state)
{
	(void)state;
	unsetenv("BMAD_ENV");
	setenv("STATE_DIRECTORY", "/var/lib/bmad", 1);
	return 0;
}

static void load_good(struct fixture *f, const char *yaml)
{
	load(f, yaml);
	assert_string_equal(buf_text(&f->printed), "");
	assert_non_null(f->conf);
}

static const struct report_options *options_of(const struct fixture *f, const char *job)
{
	assert_non_null(conf_job(f->conf, job));
	return conf_job(f->conf, job)->options;
}

/* -- like -- */

static void an_entry_starts_as_a_copy_and_its_own_keys_merge_over_it(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load_good(&f,
	    "sources: {p: 'sqlite:x'}\n"
	    "jobs:\n"
	    "  a: {module: report, about: one, options: {source: p, zone: Z1, shifts: [day, night]}}\n"
	    "  b: {like: a, about: two, options: {zone: Z2, shifts: [late]}}\n");
	const struct report_options *a = options_of(&f, "a"), *b = options_of(&f, "b");
	assert_string_equal(conf_job(f.conf, "a")->about, "one");
	assert_string_equal(conf_job(f.conf, "b")->about, "two");
	assert_string_equal(b->source, "p");
	assert_string_equal(a->zone, "Z1");
	assert_string_equal(b->zone, "Z2");
	assert_int_equal(a->shifts.count, 2);
	assert_int_equal(b->shifts.count, 1); /* a list takes the place of the old one */
	assert_string_equal(b->shifts.items[0], "late");
}

static void a_null_removes_what_was_copied(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load_good(&f, "sources: {p: 'sqlite:x'}\n"
	              "jobs:\n"
	              "  a: {module: report, about: one, options: {source: p, zone: Z1, grace: 5m}}\n"
	              "  b: {like: a, about: null, options: {zone: ~, grace: }}\n");
	assert_null(conf_job(f.conf, "b")->about);
	assert_null(options_of(&f, "b")->zone);
	assert_int_equal(options_of(&f, "b")->grace_ms, 120000);
	assert_int_equal(options_of(&f, "a")->grace_ms, 300000);
}

static void copies_of_copies_are_made_in_any_order(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load_good(&f, "jobs:\n"
	              "  c: {like: b, timeout: 3m}\n"
	              "  b: {like: .a, about: b}\n"
	              "  .a: {module: plain, about: a, timeout: 1m}\n");
	assert_int_equal(f.conf->job_count, 2);
	assert_string_equal(conf_job(f.conf, "c")->about, "b");
	assert_int_equal(conf_job(f.conf, "c")->timeout_ms, 180000);
	assert_int_equal(conf_job(f.conf, "b")->timeout_ms, 60000);
}

static void a_pattern_needs_nothing_and_makes_nothing(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load_good(&f, "sources: {.s: {statement_timeout: 5s}, s: {like: .s, url: 'sqlite:x'}}\n"
	              "channels: {.c: {type: hook, dir: out}, c: {like: .c, url: 'https://x/${each:y}'"
	              ", each: {y: [1]}}}\n"
	              "apis: {.a: {type: none}}\n"
	              "jobs: {.j: {channels: [c]}, j: {like: .j, module: plain}}\n");
	assert_int_equal(f.conf->source_count, 1);
	assert_int_equal(f.conf->channel_count, 2); /* console is always there */
	assert_int_equal(f.conf->job_count, 1);
	assert_int_equal(f.conf->sources[0].statement_timeout_ms, 5000);
	assert_ptr_equal(conf_job(f.conf, "j")->channels[0], conf_channel(f.conf, "c"));
}

static void a_bare_url_can_be_copied_too(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load_good(&f, "sources: {a: 'sqlite:/x', b: {like: a, statement_timeout: 5s}}\n");
	assert_string_equal(conf_source(f.conf, "b")->url.hidden, "sqlite:/x");
	assert_int_equal(conf_source(f.conf, "b")->statement_timeout_ms, 5000);
}

/* -- each -- */

static void each_makes_an_entry_for_every_value(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load_good(&f,
	    "sources: {p: 'sqlite:x'}\n"
	    "channels: {'to-${each:z}': {each: {z: [Z1, Z2]}, type: hook, url: 'https://x/${each:z}'}}\n"
	    "jobs:\n"
	    "  '${each:z}-hourly':\n"
	    "    each: {z: [Z1, Z2]}\n"
	    "    module: report\n"
	    "    channels: ['to-${each:z}']\n"
	    "    about: 'zone ${each:z}'\n"
	    "    vars: {literal: '$${each:z}'}\n"
	    "    options: {source: p, zone: '${each:z}', shifts: [x, '${each:z}${each:z}']}\n");
	assert_int_equal(f.conf->job_count, 2);
	assert_string_equal(f.conf->jobs[0].name, "Z1-hourly");
	assert_string_equal(f.conf->jobs[1].name, "Z2-hourly");
	assert_string_equal(options_of(&f, "Z2-hourly")->zone, "Z2");
	assert_string_equal(options_of(&f, "Z1-hourly")->shifts.items[1], "Z1Z1");
	assert_string_equal(conf_job(f.conf, "Z2-hourly")->channels[0]->name, "to-Z2");
	assert_string_equal(conf_job(f.conf, "Z2-hourly")->about, "zone Z2");
	assert_string_equal(
	    json_text(json_get(conf_job(f.conf, "Z1-hourly")->vars, "literal")), "$${each:z}");
}

static void several_keys_make_all_combinations(void **state)
{
	cleanup(done) struct fixture f = {0};
	static const char *const names[] = {"a-1", "a-2", "a-3", "b-1", "b-2", "b-3"};

	(void)state;
	load_good(&f, "jobs: {'${each:x}-${each:n}': {module: plain, each: {x: [a, b], n: [1, 2, 3]}}}");
	assert_int_equal(f.conf->job_count, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(f.conf->jobs[i].name, names[i]);
}

static void each_is_inherited_and_can_be_added_to_or_removed(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load_good(&f, "jobs:\n"
	              "  .base: {module: plain, each: {z: [Z1, Z2]}}\n"
	              "  '${each:z}-a': {like: .base}\n"
	              "  '${each:z}-${each:s}': {like: .base, each: {s: [day, night]}}\n"
	              "  '${each:z}-b': {like: .base, each: {z: [Z9]}}\n"
	              "  single: {like: .base, each: null}\n");
	static const char *const names[] = {
	    "Z1-a", "Z2-a", "Z1-day", "Z1-night", "Z2-day", "Z2-night", "Z9-b", "single"};
	assert_int_equal(f.conf->job_count, ARRAY_SIZE(names));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_string_equal(f.conf->jobs[i].name, names[i]);
}

static void twelve_zones_with_four_jobs_are_six_entries(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load_good(&f,
	    "sources: {p: 'sqlite:x'}\n"
	    "channels: {'${each:z}': {each: &zones {z: [Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, ZA, ZB, ZC]},"
	    " type: hook, url: '${${each:z}_HOOK}'}}\n"
	    "jobs:\n"
	    "  .zone: {module: report, each: *zones, channels: ['${each:z}'], options: {source: p, zone: "
	    "'${each:z}'}}\n"
	    "  '${each:z}-hourly': {like: .zone, schedule: '5 * * * *'}\n"
	    "  '${each:z}-shift': {like: .zone, schedule: '5 6,14,22 * * *'}\n"
	    "  '${each:z}-daily': {like: .zone, schedule: '5 6 * * *'}\n"
	    "  '${each:z}-weekly': {like: .zone, schedule: '5 6 * * 1'}\n");
	assert_int_equal(f.conf->job_count, 48);
	assert_int_equal(f.conf->channel_count, 13);
	assert_int_equal(f.conf->reference_count, 12);
	assert_string_equal(f.conf->references[11].text, "${ZC_HOOK}");
}

/* -- what is refused -- */

static void mistakes_in_reuse_are_told_where_they_stand(void **state)
{
	static const struct {
		const char *yaml, *problems;
	} rows[] = {
	    {"jobs: {a: {like: b}, b: {like: c}, c: {like: a}}",
	        "1:46: 'like' goes round in a circle: a -> b -> c -> a\n"},
	    {"jobs: {x: {like: a}, a: {like: a, module: plain}}",
	        "1:32: 'like' goes round in a circle: a -> a\n"},
	    {"jobs: {.base: {module: plain}, x: {like: .bas}}",
	        "1:42: 'like' in job 'x': there is no job '.bas' to copy; did you mean '.base'?\n"},
	    {"channels: {x: {like: [a]}}",
	        "1:22: 'like' in channel 'x': expected the name of another channel, not a list\n"},
	    {"jobs: {'.a b': {}}",
	        "1:8: 'a b' is no name for a job: letters, digits, '_', '.' and '-', at most 64, a letter or "
	        "digit first\n"},
	    {"jobs: {x: {module: plain, each: {z: [a, b]}}}",
	        "1:37: 'each' in job 'x': the name must hold ${each:z}, or 2 of them would have the same "
	        "one\n"},
	    {"jobs: {'${each:z}': {module: plain, each: {z: [a, b, a]}}}",
	        "1:8: two jobs are named 'a': the other stands in line 1\n"},
	    {"jobs:\n  a: {module: plain}\n  '${each:z}': {module: plain, each: {z: [a]}}",
	        "3:3: two jobs are named 'a': the other stands in line 2\n"},
	    {"jobs: {x: {module: plain, about: '${each:zon}', each: {zone: [a]}}}",
	        "1:34: 'each' in job 'x': there is no key 'zon' for ${each:zon}; did you mean 'zone'?\n"},
	    {"jobs: {x: {module: plain, about: '${each:z}'}}",
	        "1:34: 'each' in job 'x': there is no key 'z' for ${each:z}\n"},
	    {"jobs: {x: {module: plain, each: {z: a}}}",
	        "1:37: 'each' in job 'x': expected a list of texts for 'z', at least one\n"},
	    {"jobs: {x: {module: plain, each: {z: []}}}",
	        "1:37: 'each' in job 'x': expected a list of texts for 'z', at least one\n"},
	    {"jobs: {x: {module: plain, each: {z: [[a]]}}}",
	        "1:37: 'each' in job 'x': expected a list of texts for 'z', at least one\n"},
	    {"jobs: {x: {module: plain, each: [z]}}",
	        "1:33: 'each' in job 'x': expected a mapping such as {zone: [Z1, Z2]} of at most 16 keys\n"},
	    {"jobs: {'${each:z}': {module: plain, each: {z: ['-a']}}}",
	        "1:8: '-a' is no name for a job: letters, digits, '_', '.' and '-', at most 64, a letter or "
	        "digit first\n"},
	    {"apis: {.a: {type: none}, b: {like: .a}}", "1:19: 'type' in API 'b': there is no API type 'none'\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {0};

		load(&f, rows[i].yaml);
		assert_null(f.conf);
		if (strcmp(buf_text(&f.printed), rows[i].problems) != 0)
			fail_msg("%s\n%s\n%s", rows[i].yaml, rows[i].problems, buf_text(&f.printed));
	}
}

static void a_mistake_stands_where_the_value_was_said(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load(&f, "sources: {p: 'sqlite:x'}\n"
	         "jobs:\n"
	         "  .base:\n"
	         "    module: report\n"
	         "    options: {source: p, grace: soon}\n"
	         "  a: {like: .base, schedule: '61 * * * *'}\n");
	assert_null(f.conf);
	assert_non_null(
	    strstr(buf_text(&f.printed), "5:33: 'grace' in options of job 'a': expected a duration"));
	assert_non_null(strstr(buf_text(&f.printed), "6:31: 'schedule' in job 'a': column 1: "));
}

static void what_goes_wrong_alike_for_all_is_told_once(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	load(&f,
	    "jobs:\n"
	    "  '${each:z}': {module: plain, each: {z: [a, b, c]}, schedul: x, timezone: 'X/${each:z}'}\n");
	assert_null(f.conf);
	assert_non_null(
	    strstr(buf_text(&f.printed), "in job 'a'; did you mean 'schedule'? (and so in 2 more)"));
	assert_null(strstr(buf_text(&f.printed), "unknown key 'schedul' in job 'b'"));
	assert_non_null(strstr(buf_text(&f.printed), "X/c"));
}

/* -- size -- */

/* `each: {NAME: [n0, n1, ...]}` */
static void add_each(struct buf *yaml, const char *name, int count)
{
	buf_format(yaml, "each: {%s: [n0", name);
	for (int i = 1; i < count; i++)
		buf_format(yaml, ", n%d", i);
	buf_add_text(yaml, "]}");
}

static void a_short_file_cannot_become_an_endless_configuration(void **state)
{
	cleanup(done) struct fixture f = {0};
	cleanup(buf_done) struct buf yaml = {0};

	(void)state;
	buf_add_text(&yaml, "jobs:\n  .a: {");
	add_each(&yaml, "a", 2000);
	buf_add_text(&yaml, "}\n  '${each:a}-${each:b}': {module: plain, like: .a, ");
	add_each(&yaml, "b", 2000);
	buf_add_text(&yaml, "}\n");
	load(&f, buf_text(&yaml));
	assert_null(f.conf);
	assert_int_equal(f.problems.errors, 1);
	assert_non_null(strstr(buf_text(&f.printed), "more than 1000000 values"));
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void ten_thousand_jobs_are_one_entry_and_small(void **state)
{
	cleanup(done) struct fixture f = {0};
	cleanup(buf_done) struct buf yaml = {0};

	(void)state;
	buf_add_text(&yaml,
	    "sources: {p: 'sqlite:x'}\njobs:\n  'j-${each:n}': {module: report, schedule: '5 * * * *', "
	    "channels: [console], options: {source: p, zone: '${each:n}'}, ");
	add_each(&yaml, "n", 10000);
	buf_add_text(&yaml, "}\n");
	double start = seconds();
	size_t before = mallinfo2().uordblks;
	load_good(&f, buf_text(&yaml));
	double took = seconds() - start;
	size_t bytes = mallinfo2().uordblks - before;
	assert_int_equal(f.conf->job_count, 10000);
	assert_string_equal(options_of(&f, "j-n9999")->zone, "n9999");
	print_message("10,000 jobs of one entry: %.0f ms, %zu bytes a job\n", took * 1000, bytes / 10000);
	assert_true(took < 5); /* instrumented builds on busy machines; bench/ measures */
	assert_true(bytes < 10000 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_entry_starts_as_a_copy_and_its_own_keys_merge_over_it),
	    cmocka_unit_test(a_null_removes_what_was_copied),
	    cmocka_unit_test(copies_of_copies_are_made_in_any_order),
	    cmocka_unit_test(a_pattern_needs_nothing_and_makes_nothing),
	    cmocka_unit_test(a_bare_url_can_be_copied_too),
	    cmocka_unit_test(each_makes_an_entry_for_every_value),
	    cmocka_unit_test(several_keys_make_all_combinations),
	    cmocka_unit_test(each_is_inherited_and_can_be_added_to_or_removed),
	    cmocka_unit_test(twelve_zones_with_four_jobs_are_six_entries),
	    cmocka_unit_test(mistakes_in_reuse_are_told_where_they_stand),
	    cmocka_unit_test(a_mistake_stands_where_the_value_was_said),
	    cmocka_unit_test(what_goes_wrong_alike_for_all_is_told_once),
	    cmocka_unit_test(a_short_file_cannot_become_an_endless_configuration),
	    cmocka_unit_test(ten_thousand_jobs_are_one_entry_and_small),
	};

	return cmocka_run_group_tests_name("conf_reuse", tests, set_up, NULL);
}
