/* SPDX-License-Identifier: MIT */
/*
 * What is peculiar to PostgreSQL as a source: how parameters are rewritten, its types, and how a server that
 * is slow, stopped, restarted or of another mind ends statements. What it shares is in test_sql.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "postgres_fixture.h"
#include "source/source.h"
#include "source/sql_postgres.h"

/* Fails with an error of KIND whose text holds each of WANTED. */
static void expect_error(struct err *e, enum err_kind kind, const char *const *wanted)
{
	assert_non_null(e);
	for (; *wanted; wanted++)
		if (!strstr(err_text(e), *wanted))
			fail_msg("'%s' is not in: %s", *wanted, err_text(e));
	assert_int_equal(err_kind(e), kind);
	err_destroy(e);
}

#define expect(e, kind, ...) expect_error((e), (kind), (const char *const[]){__VA_ARGS__, NULL})

static void must(struct err *e)
{
	if (e)
		fail_msg("%s", err_text(e));
}

/* -- parameters ------------------------------------------------------------------------------------ */

static void names_become_numbers_where_they_are_parameters(void **state)
{
	static const struct {
		const char *text, *sent;
	} rows[] = {
	    {"select :a", "select $1"},
	    {"select :a, :b, :a", "select $1, $2, $1"},
	    {":a+:b", "$1+$2"},
	    {"select :a::date", "select $1::date"},
	    {"select x::a", "select x::a"},
	    {"call f(a := :a)", "call f(a := $1)"},
	    {"call f(a :=:a)", "call f(a :=$1)"},
	    {"select ':a' || :a", "select ':a' || $1"},
	    {"select 'it''s :a'", "select 'it''s :a'"},
	    {"select 'c:\\' || :a", "select 'c:\\' || $1"},
	    {"select e'\\':a' || :a", "select e'\\':a' || $1"},
	    {"select E'\\\\' || :a", "select E'\\\\' || $1"},
	    {"select some'\\' :a", "select some'\\' $1"}, /* `some` is a name, not a string with escapes */
	    {"select \":a\" from \"x\"\":a\"", "select \":a\" from \"x\"\":a\""},
	    {"select $$ :a ' $$ || :a", "select $$ :a ' $$ || $1"},
	    {"select $x$ $$ :a $x$, :b", "select $x$ $$ :a $x$, $1"},
	    {"select a$x, :b, c$x", "select a$x, $1, c$x"},
	    {"select 1 -- :a\n, :b", "select 1 -- :a\n, $1"},
	    {"select /* :a /* :a */ :a */ :b", "select /* :a /* :a */ :a */ $1"},
	    {"select 4-:a, 4/:a", "select 4-$1, 4/$1"},
	    {"select x[1:2], x[:a : :b]", "select x[1:2], x[$1 : $2]"},
	    /* Not closed: the server will say so. */
	    {"select ':a", "select ':a"},
	    {"select $x$ :a", "select $x$ :a"},
	    {"select /* :a", "select /* :a"},
	    {"select e'\\", "select e'\\"},
	    {"select :", "select :"},
	    {"$", "$"},
	    {"", ""},
	};
	const struct sql_param params[] = {SQL_INT_PARAM("a", 1), SQL_INT_PARAM("b", 2)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct positional sent = {0};

		must(positional_make(rows[i].text, params, 2, &sent));
		assert_string_equal(buf_text(&sent.text), rows[i].sent);
		positional_done(&sent);
	}
}

static void a_parameter_without_value_or_name_is_told(void **state)
{
	const struct sql_param params[] = {SQL_INT_PARAM("a", 1)};
	struct positional sent = {0};

	(void)state;
	expect(positional_make("select :a, :ab", params, 1, &sent), ERR_PERMANENT, "no value", ":ab");
	positional_done(&sent);
	expect(positional_make("select $12 + 1", params, 1, &sent), ERR_PERMANENT, "$12 is not written");
	positional_done(&sent);
}

static void places_are_those_of_the_text_as_written(void **state)
{
	static const char text[] = "select '\xc3\xab', :long, x\nfrom :long, :b where :c";
	static const struct {
		int character, line, column;
	} rows[] = {{1, 1, 1}, {8, 1, 8}, {11, 1, 11}, {13, 1, 13}, {17, 1, 20}, {19, 2, 1}, {24, 2, 6},
	    {28, 2, 13}, {37, 2, 22}};
	const struct sql_param params[] = {
	    SQL_INT_PARAM("long", 1), SQL_INT_PARAM("b", 1), SQL_INT_PARAM("c", 1)};
	struct positional sent = {0};

	(void)state;
	must(positional_make(text, params, 3, &sent));
	assert_string_equal(sent.text.text, "select '\xc3\xab', $1, x\nfrom $1, $2 where $3");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int line, column;

		positional_place(&sent, text, rows[i].character, &line, &column);
		assert_int_equal(line, rows[i].line);
		assert_int_equal(column, rows[i].column);
	}
	positional_done(&sent);
}

/* -- on a server ----------------------------------------------------------------------------------- */

static struct conf_source source;
static volatile int cancelled;

static struct mono now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (struct mono){at.tv_sec * 1000 + at.tv_nsec / 1000000};
}

static void limit(struct sql *db, int64_t ms)
{
	sql_limit(db, (struct mono){now().ms + ms}, now, &cancelled);
}

static struct sql *connect_to(const char *url)
{
	struct sql *db;

	source.url.hidden = url;
	source.type = source_type_of(url);
	must(sql_open(&source, &db));
	limit(db, 20000);
	return db;
}

static int set_up(void **state)
{
	cancelled = 0;
	source = (struct conf_source){.name = "plant", .statement_timeout_ms = 10000};
	*state = connect_to(server.url);
	return 0;
}

static int tear_down(void **state)
{
	sql_disconnect(*state);
	return 0;
}

/* The only cell of TEXT. */
static struct err *ask(struct sql *db, const char *text, enum sql_type type, struct sql_value *out)
{
	static char copy[200];
	struct sql_rows *rows;

	PASS(sql_query(db, text, NULL, 0, &type, 1, &rows));
	while (sql_next(rows)) {
		*out = sql_value(rows, 0);
		if (out->text) {
			snprintf(copy, sizeof(copy), "%s", out->text);
			out->text = copy;
		}
	}
	return sql_close(rows);
}

static void expect_text(struct sql *db, const char *query, const char *wanted)
{
	struct sql_value got = {0};

	must(ask(db, query, SQL_TEXT, &got));
	assert_string_equal(got.text, wanted);
}

static void every_type_comes_as_the_nearest_of_ours(void **state)
{
	static const struct {
		const char *text;
		struct sql_value value;
	} rows[] = {
	    {"select (-7)::smallint", {.type = SQL_INT, .integer = -7}},
	    {"select 7::integer", {.type = SQL_INT, .integer = 7}},
	    {"select 9223372036854775807", {.type = SQL_INT, .integer = INT64_MAX}},
	    {"select sum(x) from (values (5::bigint), (6)) as v (x)", {.type = SQL_INT, .integer = 11}},
	    {"select 5.50::numeric(10, 2)", {.type = SQL_NUMBER, .number = 5.5}},
	    {"select 1e30::numeric", {.type = SQL_NUMBER, .number = 1e30}},
	    {"select 0.1::float8", {.type = SQL_NUMBER, .number = 0.1}},
	    {"select -2.5::real", {.type = SQL_NUMBER, .number = -2.5}},
	    {"select 'nan'::float8", {.type = SQL_TEXT, .text = "NaN"}},
	    {"select true", {.type = SQL_BOOL, .integer = 1}},
	    {"select 1 > 2", {.type = SQL_BOOL, .integer = 0}},
	    {"select timestamptz '2024-11-03 01:00:00-08'", {.type = SQL_INSTANT, .integer = 1730624400}},
	    {"select timestamptz '2024-11-03 09:00:00.999999Z'",
	        {.type = SQL_INSTANT, .integer = 1730624400}},
	    {"select timestamptz '1969-12-31 23:59:58.5Z'", {.type = SQL_INSTANT, .integer = -2}},
	    {"select timestamp '2024-11-03 09:00:00.5'", {.type = SQL_INSTANT, .integer = 1730624400}},
	    {"select timestamptz 'infinity'", {.type = SQL_TEXT, .text = "infinity"}},
	    {"select timestamptz '12024-01-01 00:00Z'",
	        {.type = SQL_TEXT, .text = "12024-01-01 00:00:00+00"}},
	    {"select date '2024-11-03'", {.type = SQL_DATE, .integer = 20030}},
	    {"select date '0044-03-15 BC'", {.type = SQL_TEXT, .text = "0044-03-15 BC"}},
	    {"select 'ab'::char(4)", {.type = SQL_TEXT, .text = "ab  "}},
	    {"select 'one'::varchar", {.type = SQL_TEXT, .text = "one"}},
	    {"select 'one'::name", {.type = SQL_TEXT, .text = "one"}},
	    {"select '{\"a\":1}'::json", {.type = SQL_TEXT, .text = "{\"a\":1}"}},
	    {"select '{\"a\":1}'::jsonb", {.type = SQL_TEXT, .text = "{\"a\": 1}"}},
	    {"select '09:00'::time", {.type = SQL_TEXT, .text = "09:00:00"}},
	    {"select array[1, 2]", {.type = SQL_TEXT, .text = "{1,2}"}},
	    {"select '6f0c7a52-0000-4000-8000-000000000001'::uuid",
	        {.type = SQL_TEXT, .text = "6f0c7a52-0000-4000-8000-000000000001"}},
	    {"select null::integer", {.type = SQL_NULL}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sql_value got = {0};

		must(ask(*state, rows[i].text, SQL_ANY, &got));
		if (got.type != rows[i].value.type || got.integer != rows[i].value.integer)
			fail_msg("%s: type %d, %lld", rows[i].text, got.type, (long long)got.integer);
		assert_true(got.number == rows[i].value.number);
		if (rows[i].value.text)
			assert_string_equal(got.text, rows[i].value.text);
	}
}

static void what_no_cell_can_hold_is_named(void **state)
{
	struct sql_value got;

	expect(ask(*state, "select timestamptz '-infinity' as since", SQL_INSTANT, &got), ERR_PERMANENT,
	    "column since of row 1: expected an instant", "'-infinity'");
	expect(ask(*state, "select 'nan'::numeric as x", SQL_NUMBER, &got), ERR_PERMANENT,
	    "expected a number, found text 'NaN'");
	expect(ask(*state, "select true as x", SQL_INT, &got), ERR_PERMANENT, "found boolean 1");
}

static void parameters_have_types(void **state)
{
	static const enum sql_type types[] = {
	    SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_BOOL};
	const struct sql_param params[] = {
	    SQL_TEXT_PARAM("t", "x"),
	    SQL_INT_PARAM("i", INT64_MIN),
	    SQL_INSTANT_PARAM("at", 1730624400),
	    SQL_DATE_PARAM("day", 20030),
	    SQL_INSTANT_PARAM("never", UTC_NEVER),
	    {.name = "b", .value = {.type = SQL_BOOL, .integer = 1}},
	    {.name = "n", .value = {.type = SQL_NULL}},
	};
	struct sql_rows *rows;

	must(sql_query(*state,
	    "select pg_typeof(:t)::text, pg_typeof(:i)::text, pg_typeof(:at)::text, pg_typeof(:day)::text,"
	    " pg_typeof(:b)::text, coalesce(:n, 'none'), :at < :never and :b and :at::date = :day",
	    params, ARRAY_SIZE(params), types, ARRAY_SIZE(types), &rows));
	assert_true(sql_next(rows));
	assert_string_equal(sql_text(rows, 0), "text");
	assert_string_equal(sql_text(rows, 1), "bigint");
	assert_string_equal(sql_text(rows, 2), "timestamp with time zone");
	assert_string_equal(sql_text(rows, 3), "date");
	assert_string_equal(sql_text(rows, 4), "boolean");
	assert_string_equal(sql_text(rows, 5), "none");
	assert_true(sql_bool(rows, 6));
	must(sql_close(rows));
}

static void the_session_is_set_up(void **state)
{
	struct sql_value got;

	expect_text(*state, "show statement_timeout", "10s");
	expect_text(*state, "show default_transaction_read_only", "on");
	expect_text(*state, "show client_connection_check_interval", "5s");
	expect_text(*state, "show timezone", "UTC");
	expect_text(*state, "show application_name", "bmad");
	must(sql_begin(*state));
	expect_text(*state, "show transaction_isolation", "repeatable read");
	expect_text(*state, "show transaction_read_only", "on");
	expect(ask(*state, "create table x (i int)", SQL_ANY, &got), ERR_PERMANENT, "read-only transaction");
	must(sql_end(*state));
}

static void a_schema_is_where_tables_are_looked_for(void **state)
{
	struct sql *db;
	struct sql_value got;

	(void)state;
	server_sql("drop schema if exists \"Halle \"\"7\"\"\" cascade; create schema \"Halle \"\"7\"\"\";"
	           "create table \"Halle \"\"7\"\"\".t7 as select 7 as id");
	source.schema = "Halle \"7\"";
	db = connect_to(server.url);
	must(ask(db, "select id from t7", SQL_INT, &got));
	assert_true(got.integer == 7);
	sql_disconnect(db);
	source.schema = "nowhere";
	db = connect_to(server.url);
	expect(ask(db, "select 1", SQL_INT, &got), ERR_PERMANENT, "connect to the server",
	    "no schema 'nowhere'");
	assert_false(sql_usable(db));
	sql_disconnect(db);
}

static void faults_name_state_place_and_hint(void **state)
{
	const struct sql_param params[] = {SQL_INT_PARAM("number", 0)};
	struct sql_rows *rows;
	struct sql_value got;

	expect(sql_query(*state, "/* odd */ select :number,\n  ofset", params, 1, NULL, 0, &rows),
	    ERR_PERMANENT,
	    "source plant, query 'odd': column \"ofset\" does not exist (SQLSTATE 42703, line 2, column 3)");
	expect(sql_query(*state, "select 1 / :number", params, 1, NULL, 0, &rows), ERR_PERMANENT,
	    "division by zero (SQLSTATE 22012)");
	expect(ask(*state, "select substr('x')", SQL_TEXT, &got), ERR_PERMANENT, "; No function matches");
	/* In the middle of the rows. */
	must(sql_query(*state, "select 1 / (3 - i) from generate_series(1, 5) i", NULL, 0, NULL, 0, &rows));
	assert_true(sql_next(rows));
	assert_true(sql_next(rows));
	assert_false(sql_next(rows));
	expect(sql_close(rows), ERR_PERMANENT, "division by zero");
	must(ask(*state, "select 1", SQL_INT, &got));
}

static void a_failed_snapshot_can_be_ended(void **state)
{
	struct sql_value got;
	struct sql *db;

	must(sql_begin(*state));
	expect(ask(*state, "select 1 / 0", SQL_INT, &got), ERR_PERMANENT, "division");
	expect(ask(*state, "select 1", SQL_INT, &got), ERR_PERMANENT, "25P02");
	must(sql_end(*state));
	must(ask(*state, "select 1", SQL_INT, &got));

	source.writable = true;
	db = connect_to(server.url);
	must(sql_begin(db));
	expect(ask(db, "select 1 / 0", SQL_INT, &got), ERR_PERMANENT, "division");
	expect(sql_end(db), ERR_PERMANENT, "nothing was written");
	sql_disconnect(db);
}

/* More than a connection could hold back, in memory that does not grow with it. */
static void rows_stream(void **state)
{
	struct sql_rows *rows;
	int64_t sum = 0;

	must(sql_query(
	    *state, "select i, repeat('x', 1000) from generate_series(1, 20000) i", NULL, 0, NULL, 0, &rows));
	while (sql_next(rows))
		sum += sql_int(rows, 0);
	must(sql_close(rows));
	assert_true(sum == INT64_C(200010000));
}

static void a_result_may_be_left_early_within_a_snapshot(void **state)
{
	struct sql_rows *rows;
	struct sql_value got;

	must(sql_begin(*state));
	must(sql_query(*state, "select i from generate_series(1, 1000) i", NULL, 0, NULL, 0, &rows));
	assert_true(sql_next(rows));
	must(sql_close(rows));
	must(ask(*state, "select 1", SQL_INT, &got));
	must(sql_end(*state));
	/* One without end is cut off. */
	must(sql_query(*state, "select generate_series(1, 1000000000)", NULL, 0, NULL, 0, &rows));
	assert_true(sql_next(rows));
	int64_t begin = now().ms;
	must(sql_close(rows));
	assert_in_range(now().ms - begin, 0, 5000);
	must(ask(*state, "select 1", SQL_INT, &got));
	assert_true(sql_usable(*state));
}

/* -- limits ---------------------------------------------------------------------------------------- */

/* How many sessions of ours run something; asked by another. */
static int busy_sessions(void)
{
	PGconn *conn = PQconnectdb(server.url);
	PGresult *result = PQexec(conn, "select count(*) from pg_stat_activity where state = 'active'"
	                                " and application_name = 'bmad'");
	int count = (int)strtol(PQgetvalue(result, 0, 0), NULL, 10);

	PQclear(result);
	PQfinish(conn);
	return count;
}

static void a_statement_ends_at_its_timeout_here_and_there(void **state)
{
	struct sql *db;
	struct sql_value got;

	(void)state;
	source.statement_timeout_ms = 300;
	db = connect_to(server.url);
	int64_t begin = now().ms;
	expect(ask(db, "select pg_sleep(30)", SQL_ANY, &got), ERR_TEMPORARY,
	    "source plant, query 'select pg_sleep");
	assert_in_range(now().ms - begin, 290, 2000);
	assert_int_equal(busy_sessions(), 0);
	must(ask(db, "select 1", SQL_INT, &got));
	sql_disconnect(db);
}

static void a_statement_ends_at_the_runs_deadline(void **state)
{
	struct sql_value got;

	must(ask(*state, "select 1", SQL_INT, &got));
	limit(*state, 300);
	int64_t begin = now().ms;
	expect(ask(*state, "select pg_sleep(30)", SQL_ANY, &got), ERR_TEMPORARY, "the run's timeout is over");
	assert_in_range(now().ms - begin, 290, 2000);
	assert_int_equal(busy_sessions(), 0);
	limit(*state, 5000);
	must(ask(*state, "select 1", SQL_INT, &got));
}

static void *cancel_soon(void *arg)
{
	(void)arg;
	usleep(200000);
	cancelled = 1;
	return NULL;
}

static void a_cancelled_run_cancels_its_statement(void **state)
{
	struct sql_value got;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
	int64_t begin = now().ms;
	expect(ask(*state, "select pg_sleep(30)", SQL_ANY, &got), ERR_TEMPORARY, "cancelled");
	assert_in_range(now().ms - begin, 190, 2000);
	pthread_join(thread, NULL);
	assert_int_equal(busy_sessions(), 0);
	sql_reset(*state);
	cancelled = 0;
	must(ask(*state, "select 1", SQL_INT, &got));
}

static void a_stream_ends_when_its_run_is_cancelled(void **state)
{
	struct sql_rows *rows;
	int64_t count = 0;

	must(sql_query(*state, "select generate_series(1, 1000000000)", NULL, 0, NULL, 0, &rows));
	while (sql_next(rows))
		cancelled = ++count >= 1000;
	expect(sql_close(rows), ERR_TEMPORARY, "cancelled");
	assert_in_range(count, 1000, 1000000);
	assert_int_equal(busy_sessions(), 0);
}

/* -- servers that come and go ---------------------------------------------------------------------- */

static void a_restart_between_runs_is_not_noticed(void **state)
{
	struct sql_value got;

	must(ask(*state, "select 1", SQL_INT, &got));
	sql_reset(*state);
	server_do("restart");
	limit(*state, 20000);
	must(sql_begin(*state));
	must(ask(*state, "select 1", SQL_INT, &got));
	must(sql_end(*state));
	assert_true(sql_usable(*state));
}

static void *restart_soon(void *how)
{
	usleep(200000);
	server_do(how);
	return NULL;
}

static void a_restart_in_the_middle_of_a_run_is_temporary(void **state)
{
	static const char *const ways[] = {"restart", "crash"};
	struct sql_value got;
	pthread_t thread;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		must(sql_begin(*state));
		must(ask(*state, "select 1", SQL_INT, &got));
		assert_int_equal(pthread_create(&thread, NULL, restart_soon, (void *)ways[i]), 0);
		expect(ask(*state, "select pg_sleep(30)", SQL_ANY, &got), ERR_TEMPORARY, "source plant");
		expect(ask(*state, "select 1", SQL_INT, &got), ERR_TEMPORARY, "the snapshot with it");
		assert_false(sql_usable(*state));
		pthread_join(thread, NULL);
		sql_disconnect(*state);
		*state = connect_to(server.url);
		must(ask(*state, "select 1", SQL_INT, &got));
	}
}

static void a_server_that_is_not_there_is_temporary(void **state)
{
	struct sql_value got;

	server_do("stop");
	expect(ask(*state, "select 1", SQL_INT, &got), ERR_TEMPORARY, "connect to the server",
	    "No such file or directory");
	assert_false(sql_usable(*state));
	server_do("start");
	must(ask(*state, "select 1", SQL_INT, &got));
	assert_true(sql_usable(*state));
}

/* -- urls and notices ------------------------------------------------------------------------------ */

static void a_wrong_url_is_told_without_its_password(void **state)
{
	static const char *const urls[] = {
	    "postgresql://u:sesame%zz@host/db",
	    "postgresql://u:sesame@[::1/db",
	    "postgresql://u:sesame@host/db?colour",
	    "postgres://u:sesame@host/db?colour=red",
	};
	struct sql *db;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		source.url.hidden = urls[i];
		source.type = source_type_of(urls[i]);
		struct err *e = sql_open(&source, &db);

		assert_non_null(e);
		assert_int_equal(err_kind(e), ERR_CONFIG);
		assert_null(strstr(err_text(e), "sesame"));
		assert_non_null(strstr(err_text(e), "url: not as PostgreSQL has it: "));
		err_destroy(e);
	}
}

static char notices[2000];
static int notice_count;

static void on_notice(void *arg, const char *text)
{
	assert_ptr_equal(arg, notices);
	notice_count++;
	snprintf(notices + strlen(notices), sizeof(notices) - strlen(notices), "%s\n", text);
}

static void notices_are_heard_and_counted(void **state)
{
	struct sql_value got;
	struct sql_rows *rows;

	server_sql("create or replace function speak(n int) returns int language plpgsql as"
	           " $$ begin for i in 1..n loop raise notice 'said %', i; end loop; return n; end $$");
	notices[0] = '\0';
	sql_on_notice(*state, on_notice, notices);
	must(ask(*state, "select speak(1)", SQL_INT, &got));
	assert_string_equal(notices, "source plant: NOTICE: said 1\n");
	must(sql_query(*state, "select speak(1000)", NULL, 0, NULL, 0, &rows));
	must(sql_close(rows));
	assert_int_equal(notice_count, 1 + 20 + 1);
	assert_non_null(strstr(notices, "said 20\nsource plant: more notices"));
	sql_reset(*state);
	must(ask(*state, "select speak(1)", SQL_INT, &got));
	assert_int_equal(notice_count, 22);
}

static void there_is_a_server(void **state)
{
	(void)state;
	skip(); /* why has been printed */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest pure[] = {
	    cmocka_unit_test(names_become_numbers_where_they_are_parameters),
	    cmocka_unit_test(a_parameter_without_value_or_name_is_told),
	    cmocka_unit_test(places_are_those_of_the_text_as_written),
	};
	static const struct CMUnitTest none[] = {cmocka_unit_test(there_is_a_server)};
	static const struct CMUnitTest served[] = {
	    TEST(every_type_comes_as_the_nearest_of_ours),
	    TEST(what_no_cell_can_hold_is_named),
	    TEST(parameters_have_types),
	    TEST(the_session_is_set_up),
	    TEST(a_schema_is_where_tables_are_looked_for),
	    TEST(faults_name_state_place_and_hint),
	    TEST(a_failed_snapshot_can_be_ended),
	    TEST(rows_stream),
	    TEST(a_result_may_be_left_early_within_a_snapshot),
	    TEST(a_statement_ends_at_its_timeout_here_and_there),
	    TEST(a_statement_ends_at_the_runs_deadline),
	    TEST(a_cancelled_run_cancels_its_statement),
	    TEST(a_stream_ends_when_its_run_is_cancelled),
	    TEST(a_restart_between_runs_is_not_noticed),
	    TEST(a_restart_in_the_middle_of_a_run_is_temporary),
	    TEST(a_server_that_is_not_there_is_temporary),
	    TEST(a_wrong_url_is_told_without_its_password),
	    TEST(notices_are_heard_and_counted),
	};
	int failed = cmocka_run_group_tests_name("PostgreSQL: text", pure, NULL, NULL);

	if (!server_start())
		return failed + cmocka_run_group_tests_name("PostgreSQL: server", none, NULL, NULL);
	failed += cmocka_run_group_tests_name("PostgreSQL: server", served, NULL, NULL);
	server_stop();
	return failed;
}
