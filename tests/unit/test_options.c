/* SPDX-License-Identifier: MIT */
/* Option tables: each type, defaults, groups, and what is said of a value that does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "conf/options.h"
#include "conf/yaml.h"

struct sample {
	const char *text, *path, *name;
	struct secret secret;
	bool flag;
	int64_t number, port, size, duration_ms, wait_ms, inner_ms;
	int choice, plain_choice;
	struct texts texts, ints, names, keys;
	struct rates rates;
	const struct json *map;
	bool rule_off;
	int64_t most;
};

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct option inner_options[] = {
    {.name = "inner",
        .type = OPT_DURATION,
        .offset = offsetof(struct sample, inner_ms),
        .fallback = "5s",
        .help = "the inner wait"},
    OPTION_END,
};

static const struct option rule_options[] = {
    {.name = "most",
        .type = OPT_INT,
        .offset = offsetof(struct sample, most),
        .fallback = "3",
        .help = "most"},
    OPTION_END,
};

static const struct option sample_options[] = {
    OPTION(struct sample, text, OPT_TEXT, .fallback = "usual", .help = "a text"),
    OPTION(struct sample, path, OPT_PATH, .help = "a file"),
    OPTION(struct sample, secret, OPT_SECRET, .help = "a secret"),
    OPTION(struct sample, flag, OPT_BOOL, .fallback = "yes", .help = "a flag"),
    OPTION(struct sample, number, OPT_INT, .help = "a number"),
    OPTION(struct sample, port, OPT_INT, .min = 1, .max = 65535, .fallback = "80", .help = "a port"),
    OPTION(struct sample, size, OPT_SIZE, .fallback = "10M", .max = 5000000000, .help = "a size"),
    {.name = "duration",
        .type = OPT_DURATION,
        .offset = offsetof(struct sample, duration_ms),
        .fallback = "120s",
        .max = 3600000,
        .help = "a duration"},
    {.name = "wait", .type = OPT_DURATION, .offset = offsetof(struct sample, wait_ms), .help = "another"},
    OPTION(struct sample, choice, OPT_CHOICE, .choices = colours, .fallback = "green", .help = "a colour"),
    OPTION(struct sample, plain_choice, OPT_CHOICE, .choices = colours, .help = "no colour"),
    OPTION(struct sample, texts, OPT_TEXTS, .fallback = "[a, b c]", .help = "texts"),
    OPTION(struct sample, ints, OPT_INTS, .min = 100, .max = 599, .help = "statuses"),
    OPTION(struct sample, name, OPT_NAME, .section = "sources", .help = "a source"),
    OPTION(struct sample, names, OPT_NAMES, .section = "channels", .help = "channels"),
    OPTION(struct sample, keys, OPT_SECRETS, .help = "keys"),
    OPTION(struct sample, rates, OPT_RATES, .fallback = "4/s, 60/30s", .help = "rates"),
    OPTION(struct sample, map, OPT_MAP, .help = "anything"),
    {.name = "group", .type = OPT_GROUP, .group = inner_options, .help = "a group"},
    {.name = "rule",
        .type = OPT_GROUP,
        .offset = offsetof(struct sample, rule_off),
        .group = rule_options,
        .can_be_false = true,
        .help = "a group that may be off"},
    {.name = "elsewhere", .type = OPT_GROUP, .help = "another table's"},
    OPTION_END,
};

struct fixture {
	struct arena arena;
	struct conf_problems problems;
	struct buf printed;
	struct names sources, channels;
	struct option_section sections[3];
	struct option_reader reader;
	struct sample sample;
	bool good;
};

static void begin(struct fixture *f)
{
	names_add(&f->sources, "plant", 0);
	names_add(&f->channels, "ops", 0);
	names_add(&f->channels, "mail", 1);
	f->sections[0] = (struct option_section){"sources", "source", &f->sources};
	f->sections[1] = (struct option_section){"channels", "channel", &f->channels};
	f->reader = (struct option_reader){
	    .arena = &f->arena,
	    .problems = &f->problems,
	    .folder = "/etc/bmad",
	    .owner = {"job", "x", {"f", 1, 1}},
	    .sections = f->sections,
	};
}

static void read_with(struct fixture *f, const struct option *table, const char *yaml)
{
	const struct node *node = yaml_read_text("f", yaml, strlen(yaml), &f->arena, &f->problems);

	assert_non_null(node);
	options_default(&f->reader, table, &f->sample);
	f->good = options_read(&f->reader, node, &(struct option_part){table, &f->sample}, 1);
	conf_problems_print(&f->problems, &f->printed);
}

static void read_yaml(struct fixture *f, const char *yaml)
{
	begin(f);
	read_with(f, sample_options, yaml);
}

static void done(struct fixture *f)
{
	free(f->reader.references);
	names_done(&f->sources);
	names_done(&f->channels);
	arena_done(&f->arena);
	conf_problems_done(&f->problems);
	buf_done(&f->printed);
}

static void what_is_left_out_has_its_default(void **state)
{
	static const char *const texts[] = {"", "text:\nflag: ~\nduration: null\ngroup:\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		cleanup(done) struct fixture f = {0};
		const struct sample *s = &f.sample;

		read_yaml(&f, texts[i]);
		assert_string_equal(buf_text(&f.printed), "");
		assert_true(f.good);
		assert_string_equal(s->text, "usual");
		assert_null(s->path);
		assert_null(s->secret.hidden);
		assert_null(s->name);
		assert_true(s->flag);
		assert_int_equal(s->number, 0);
		assert_int_equal(s->port, 80);
		assert_int_equal(s->duration_ms, 120000);
		assert_int_equal(s->wait_ms, -1);
		assert_int_equal(s->inner_ms, 5000);
		assert_int_equal(s->choice, 1);
		assert_int_equal(s->plain_choice, -1);
		assert_int_equal(s->texts.count, 2);
		assert_string_equal(s->texts.items[1], "b c");
		assert_int_equal(s->ints.count, 0);
		assert_int_equal(s->names.count, 0);
		assert_int_equal(s->rates.count, 2);
		assert_int_equal(s->rates.items[1].count, 60);
		assert_int_equal(s->rates.items[1].window_ms, 30000);
		assert_true(json_is(s->map, JSON_OBJECT));
		assert_int_equal(json_length(s->map), 0);
	}
}

static void each_type_is_read(void **state)
{
	cleanup(done) struct fixture f = {0};
	const struct sample *s = &f.sample;

	(void)state;
	read_yaml(&f, "text: 22:30\npath: certs/ca.pem\nsecret: No\nflag: off\nnumber: 012\nport: "
	              "8080\nsize: 64k\nduration: 1h\nwait: 0\n"
	              "choice: blue\ntexts: one\nints: [409, 425]\nname: plant\nnames: [ops, mail]\nrates: "
	              "[4/s, 1/500ms]\n"
	              "map: {a: 1, b: [No]}\ngroup: {inner: 7s}\nelsewhere: {what: ever}\n");
	assert_string_equal(buf_text(&f.printed), "");
	assert_true(f.good);
	assert_string_equal(s->text, "22:30");
	assert_string_equal(s->path, "/etc/bmad/certs/ca.pem");
	assert_string_equal(s->secret.hidden, "No");
	assert_false(s->flag);
	assert_int_equal(s->number, 12);
	assert_int_equal(s->port, 8080);
	assert_int_equal(s->size, 64000);
	assert_int_equal(s->duration_ms, 3600000);
	assert_int_equal(s->wait_ms, 0);
	assert_int_equal(s->inner_ms, 7000);
	assert_int_equal(s->choice, 2);
	assert_int_equal(s->texts.count, 1);
	assert_string_equal(s->texts.items[0], "one");
	assert_int_equal(s->ints.count, 2);
	assert_string_equal(s->ints.items[1], "425");
	assert_string_equal(s->name, "plant");
	assert_string_equal(s->names.items[1], "mail");
	assert_int_equal(s->rates.items[0].window_ms, 1000);
	assert_int_equal(s->rates.items[1].window_ms, 500);
	cleanup(free_text) char *map = json_print(s->map);
	assert_string_equal(map, "{\"a\":1,\"b\":[\"No\"]}");
}

static void what_does_not_fit_is_told(void **state)
{
	static const struct {
		const char *yaml, *problem;
	} rows[] = {
	    {"txt: a", "f:1:1: error: unknown key 'txt' in job 'x'; did you mean 'text'?\n"},
	    {"zzzzzz: a", "f:1:1: error: unknown key 'zzzzzz' in job 'x'\n"},
	    {"text: [a]", "f:1:7: error: 'text' in job 'x': expected a text, not a list\n"},
	    {"text: {a: b}", "f:1:7: error: 'text' in job 'x': expected a text, not a mapping\n"},
	    {"secret: [hush]", "f:1:9: error: 'secret' in job 'x': expected a text, not a list\n"},
	    {"keys: [hush, [hushed]]",
	        "f:1:14: error: 'keys' in job 'x': expected a list of texts, not a list\n"},
	    {"path: ''", "f:1:7: error: 'path' in job 'x': expected the path of a file, not ''\n"},
	    {"flag: maybe", "f:1:7: error: 'flag' in job 'x': expected true or false, not 'maybe'\n"},
	    {"number: 1.5", "f:1:9: error: 'number' in job 'x': expected a whole number, not '1.5'\n"},
	    {"number: 99999999999999999999",
	        "f:1:9: error: 'number' in job 'x': expected a whole number, not "
	        "'99999999999999999999'\n"},
	    {"number: -1",
	        "f:1:9: error: 'number' in job 'x': '-1' is out of range: expected a whole number\n"},
	    {"port: 0", "f:1:7: error: 'port' in job 'x': '0' is out of range: expected a whole number from "
	                "1 to 65535\n"},
	    {"port: 65536", "f:1:7: error: 'port' in job 'x': '65536' is out of range: expected a whole "
	                    "number from 1 to 65535\n"},
	    {"wait: 5",
	        "f:1:7: error: 'wait' in job 'x': expected a duration such as 500ms, 90s, 15m, 1h30m or 7d, "
	        "not '5'\n"},
	    {"size: 10 MB",
	        "f:1:7: error: 'size' in job 'x': expected a size such as 500k or 10M from 0 to 5G, not '10 MB'\n"},
	    {"size: k",
	        "f:1:7: error: 'size' in job 'x': expected a size such as 500k or 10M from 0 to 5G, not 'k'\n"},
	    {"size: 6G", "f:1:7: error: 'size' in job 'x': '6G' is out of range: expected a size such as 500k or "
	                 "10M from 0 to 5G\n"},
	    {"size: 9999999999999999G",
	        "f:1:7: error: 'size' in job 'x': expected a size such as 500k or 10M from 0 to 5G, not '9999999999999999G'\n"},
	    {"duration: 2h",
	        "f:1:11: error: 'duration' in job 'x': '2h' is out of range: expected a duration such "
	        "as 500ms, 90s, 15m, 1h30m or 7d from 0s to 1h\n"},
	    {"choice: gren",
	        "f:1:9: error: 'choice' in job 'x': expected one of red, green, blue, not 'gren'; did "
	        "you mean 'green'?\n"},
	    {"texts: [a, [b]]", "f:1:12: error: 'texts' in job 'x': expected a list of texts, not a list\n"},
	    {"texts: {a: b}", "f:1:8: error: 'texts' in job 'x': expected a list of texts, not a mapping\n"},
	    {"ints: [200, 99]",
	        "f:1:13: error: 'ints' in job 'x': '99' is out of range: expected a list of whole "
	        "numbers from 100 to 599\n"},
	    {"name: plnt",
	        "f:1:7: error: 'name' in job 'x': there is no source 'plnt'; did you mean 'plant'?\n"},
	    {"names: [ops, oops]",
	        "f:1:14: error: 'names' in job 'x': there is no channel 'oops'; did you mean "
	        "'ops'?\n"},
	    {"names: [ops, ops]", "f:1:14: error: 'names' in job 'x': 'ops' is named twice\n"},
	    {"rates: 4",
	        "f:1:8: error: 'rates' in job 'x': expected a rate such as 4/s or 60/30s, or a list of "
	        "such, not '4'\n"},
	    {"rates: [4/s, 0/s]",
	        "f:1:14: error: 'rates' in job 'x': expected a rate such as 4/s or 60/30s, or a "
	        "list of such, not '0/s'\n"},
	    {"rates: 4/",
	        "f:1:8: error: 'rates' in job 'x': expected a rate such as 4/s or 60/30s, or a list of "
	        "such, not '4/'\n"},
	    {"map: x", "f:1:6: error: 'map' in job 'x': expected a mapping, not 'x'\n"},
	    {"group: x", "f:1:8: error: 'group' in job 'x': expected a mapping, not a text\n"},
	    {"rule: x", "f:1:7: error: 'rule' in job 'x': expected a mapping or false, not a text\n"},
	    {"rule: {off: 1}", "f:1:8: error: unknown key 'off' in 'rule' of job 'x'\n"},
	    {"group: {iner: 1s}",
	        "f:1:9: error: unknown key 'iner' in 'group' of job 'x'; did you mean 'inner'?\n"},
	    {"group: {inner: x}",
	        "f:1:16: error: 'inner' in 'group' of job 'x': expected a duration such as 500ms, "
	        "90s, 15m, 1h30m or 7d, not 'x'\n"},
	    {"[a]", "f:1:1: error: job 'x': expected a mapping of keys, not a list\n"},
	    {"text: ${X",
	        "f:1:7: error: 'text' in job 'x': '${' without its '}'; write '$${' for a literal '${'\n"},
	    {"map: {a: [\"${9}\"]}",
	        "f:1:11: error: 'map' in job 'x': '${9}' is no reference: expected ${NAME}, "
	        "${file:PATH} or ${cred:NAME} with the name of an environment variable; write "
	        "'$${' for a literal '${'\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {0};

		read_yaml(&f, rows[i].yaml);
		assert_string_equal(buf_text(&f.printed), rows[i].problem);
		assert_false(f.good);
	}
}

static void all_that_is_wrong_is_told_at_once(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	read_yaml(&f, "flag: x\nnumber: y\nnope: z\ngroup: {inner: w}\n");
	assert_int_equal(f.problems.errors, 4);
	assert_true(f.sample.flag); /* the default stays where a value could not be read */
}

static void required_keys_are_missed(void **state)
{
	static const struct option deep[] = {
	    OPTION(struct sample, number, OPT_INT, .required = true, .help = "how many"),
	    OPTION_END,
	};
	static const struct option table[] = {
	    OPTION(struct sample, text, OPT_TEXT, .required = true, .help = "the address"),
	    {.name = "group", .type = OPT_GROUP, .group = deep},
	    OPTION_END,
	};
	cleanup(done) struct fixture f = {0};

	(void)state;
	begin(&f);
	read_with(&f, table, "group: {}\ntext: null\n");
	conf_problems_sort(&f.problems);
	buf_truncate(&f.printed, 0);
	conf_problems_print(&f.problems, &f.printed);
	assert_string_equal(buf_text(&f.printed),
	    "f:1:1: error: the key 'text' is missing in job 'x': the address\n"
	    "f:1:8: error: the key 'number' is missing in 'group' of job 'x': how many\n");
}

static void keys_of_later_versions_are_named_as_such(void **state)
{
	static const char *const later[] = {"jitter", NULL};
	cleanup(done) struct fixture f = {0};

	(void)state;
	begin(&f);
	f.reader.later = later;
	read_with(&f, sample_options, "jitter: 5s\n");
	assert_string_equal(buf_text(&f.printed),
	    "f:1:1: error: key 'jitter' of job 'x' is not supported by this version yet\n");
}

static void references_are_noted_with_place_and_owner(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	read_yaml(
	    &f, "text: a${ONE}b${file:two}\nmap:\n  k: ['${THREE}']\nsecret: $${literal}\npath: ${DIR}/x\n");
	assert_string_equal(buf_text(&f.printed), "");
	assert_int_equal(f.reader.reference_count, 4);
	assert_string_equal(f.reader.references[1].text, "${file:two}");
	assert_string_equal(f.reader.references[1].owner, "job 'x'");
	assert_string_equal(f.reader.references[2].text, "${THREE}");
	assert_int_equal(f.reader.references[2].place.line, 3);
	assert_string_equal(f.sample.text, "a${ONE}b${file:two}");
	assert_string_equal(f.sample.path, "${DIR}/x"); /* relative or not: known when it is resolved */
}

static void references_are_refused_where_texts_are_used_as_they_stand(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	begin(&f);
	f.reader.use = REFERENCES_NONE;
	read_with(&f, sample_options, "map: {a: '${X}'}\ntext: ${X}\n");
	assert_string_equal(buf_text(&f.printed), "f:2:7: error: 'text' in job 'x': a reference '${...}' is "
	                                          "not possible here, only in options, vars, "
	                                          "sources and channels\n");
	assert_int_equal(f.reader.reference_count, 1);
}

static void references_resolve_at_once_where_that_is_wanted(void **state)
{
	cleanup(done) struct fixture f = {0};

	(void)state;
	setenv("SAMPLE_DIR", "/srv/plant", 1);
	unsetenv("NOT_SET");
	begin(&f);
	f.reader.use = REFERENCES_NOW;
	read_with(&f, sample_options, "path: ${SAMPLE_DIR}/x\ntext: ${NOT_SET}\n");
	assert_string_equal(f.sample.path, "/srv/plant/x");
	assert_string_equal(buf_text(&f.printed), "f:2:7: error: 'text' in job 'x': ${NOT_SET} does not "
	                                          "resolve: the environment variable is not set\n");
	assert_int_equal(f.reader.reference_count, 2);
	assert_true(f.reader.references[0].now && f.reader.references[1].now);
}

static void the_first_literal_secret_is_noted(void **state)
{
	static const struct {
		const char *yaml;
		int line;
	} rows[] = {{"secret: hush", 1}, {"\nsecret: hush", 2}, {"secret: ${HUSH}", 0}, {"secret: ''", 0},
	    {"", 0}, {"\nkeys: [a]", 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {0};

		read_yaml(&f, rows[i].yaml);
		assert_int_equal(f.reader.secret_place.line, rows[i].line);
	}
}

static void a_mapping_kept_as_json_is_bounded(void **state)
{
	cleanup(done) struct fixture f = {0};
	cleanup(buf_done) struct buf yaml = {0};

	(void)state;
	buf_add_text(&yaml, "map:\n");
	for (int i = 0; i < 1001; i++)
		buf_format(&yaml, "  k%d: x\n", i);
	read_yaml(&f, yaml.text);
	assert_string_equal(
	    buf_text(&f.printed), "f:2:3: error: 'map' in job 'x': more than 1000 keys or 100000 values\n");
}

static void rows_are_found_by_dotted_paths(void **state)
{
	(void)state;
	assert_string_equal(option_find(sample_options, "port")->name, "port");
	assert_string_equal(option_find(sample_options, "group.inner")->name, "inner");
	assert_null(option_find(sample_options, "group.outer"));
	assert_null(option_find(sample_options, "por"));
	assert_null(option_find(sample_options, "port.x"));
	assert_null(option_find(NULL, "port"));
}

static void a_table_prints_for_people(void **state)
{
	static const struct option table[] = {
	    OPTION(struct sample, text, OPT_TEXT, .required = true, .help = "a text"),
	    OPTION(struct sample, port, OPT_INT, .min = 1, .max = 9, .fallback = "8", .help = "a port"),
	    {.name = "group", .type = OPT_GROUP, .group = inner_options},
	    OPTION_END,
	};
	cleanup(buf_done) struct buf out = {0};

	(void)state;
	options_print(table, inner_options, &out);
	assert_string_equal(buf_text(&out), "  KEY          TYPE                DEFAULT   MEANING\n"
	                                    "  text         text                required  a text\n"
	                                    "  port         number from 1 to 9  8         a port\n"
	                                    "  group.inner  duration            5s        the inner wait\n"
	                                    "  inner        duration            5s        the inner wait\n");
}

static void a_group_that_may_be_off_keeps_its_defaults(void **state)
{
	static const struct {
		const char *yaml;
		bool off;
		int64_t most;
	} rows[] = {
	    {"rule: false", true, 3}, {"rule: {most: 7}", false, 7}, {"rule: ~", false, 3}, {"", false, 3}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cleanup(done) struct fixture f = {0};

		read_yaml(&f, rows[i].yaml);
		assert_true(f.good);
		assert_int_equal(f.sample.rule_off, rows[i].off);
		assert_int_equal(f.sample.most, rows[i].most);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_group_that_may_be_off_keeps_its_defaults),
	    cmocka_unit_test(what_is_left_out_has_its_default),
	    cmocka_unit_test(each_type_is_read),
	    cmocka_unit_test(what_does_not_fit_is_told),
	    cmocka_unit_test(all_that_is_wrong_is_told_at_once),
	    cmocka_unit_test(required_keys_are_missed),
	    cmocka_unit_test(keys_of_later_versions_are_named_as_such),
	    cmocka_unit_test(references_are_noted_with_place_and_owner),
	    cmocka_unit_test(references_are_refused_where_texts_are_used_as_they_stand),
	    cmocka_unit_test(references_resolve_at_once_where_that_is_wanted),
	    cmocka_unit_test(the_first_literal_secret_is_noted),
	    cmocka_unit_test(a_mapping_kept_as_json_is_bounded),
	    cmocka_unit_test(rows_are_found_by_dotted_paths),
	    cmocka_unit_test(a_table_prints_for_people),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
