/* SPDX-License-Identifier: MIT */
/*
 * SQL sources: what holds over every database (types, errors, snapshots), and the limits of SQLite. The
 * peculiarities of PostgreSQL are test_sql_postgres.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bmad/sql.h>

#include "base/mem.h"
#include "postgres_fixture.h"
#include "source/source.h"

/* What the cases for every database run on. */
static const struct database {
	void (*make)(void);
	void (*change)(const char *text); /* as another program would */
	struct sql *(*connect)(bool writable);
	const char *with_nul;     /* a query for A, NUL, B */
	const char *side_by_side; /* after this a snapshot keeps no writer out */
	struct wrong {
		const char *text, *told;
	} wrong[12]; /* statements that cannot run */
} * database;

static char folder[] = "/tmp/bmad-test-sql-XXXXXX";
static char path[80];

static void change(const char *text)
{
	sqlite3 *db;
	char *fault = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, text, NULL, NULL, &fault);
	if (fault)
		fail_msg("%s: %s", text, fault);
	sqlite3_close(db);
}

static struct conf_source source_of(const char *url)
{
	return (struct conf_source){
	    .name = "plant",
	    .type = source_type_of(url),
	    .url = {url},
	    .statement_timeout_ms = 60000,
	};
}

static struct sql *connect_to(const char *url, bool writable)
{
	static struct conf_source source; /* outlives the connection */
	struct sql *db = NULL;

	source = source_of(url);
	source.writable = writable;
	assert_null(sql_open(&source, &db));
	return db;
}

/* -- the databases --------------------------------------------------------------------------------- */

static struct sql *connect_sqlite(bool writable)
{
	static char url[100];

	snprintf(url, sizeof(url), "sqlite:%s", path);
	return connect_to(url, writable);
}

static void make_sqlite(void)
{
	snprintf(path, sizeof(path), "%s/plant.db", folder);
	unlink(path);
	change("create table t (id integer primary key, txt text, num real, at text, day text, raw blob);"
	       "insert into t values (1, 'one', 1.5, '2024-11-03T09:00:00Z', '2024-11-03', x'61ff00'),"
	       "(2, null, 2, '2024-11-03 09:00', '2024-11-31', x''),"
	       "(3, 'Zo\xc3\xab', null, null, null, null)");
}

static const struct database sqlite = {
    .make = make_sqlite,
    .change = change,
    .connect = connect_sqlite,
    .with_nul = "select cast(x'410042' as text)",
    .side_by_side = "pragma journal_mode = wal",
    .wrong = {{"select ?", "not written as :name"}, {"select @zone", "not written as :name"},
        {"select 1; select 2", "more than one statement"}, {"select colour from t", "no such column: colour"},
        {"insert into t (id) values (9)", "readonly"}, {"select abs(-9223372036854775807 - 1)", "overflow"}},
};

static struct sql *connect_postgres(bool writable)
{
	return connect_to(server.url, writable);
}

static void make_postgres(void)
{
	server_sql(
	    "drop table if exists t;"
	    "create table t (id integer primary key, txt text, num float8, at text, day text, raw bytea);"
	    "insert into t values (1, 'one', 1.5, '2024-11-03T09:00:00Z', '2024-11-03', '\\x61ff00'),"
	    "(2, null, 2, '2024-11-03 09:00', '2024-11-31', ''),"
	    "(3, 'Zo\xc3\xab', null, null, null, null)");
}

static const struct database postgres = {
    .make = make_postgres,
    .change = server_sql,
    .connect = connect_postgres,
    .with_nul = "select '\\x410042'::bytea",
    .side_by_side = "select 1",
    .wrong = {{"select $1", "$1 is not written as :name"}, {"select 1; select 2", "multiple commands"},
        {"select colour from t", "column \"colour\" does not exist (SQLSTATE 42703, line 1, column 8)"},
        {"insert into t (id) values (9)", "in a read-only transaction"},
        {"select abs(-9223372036854775807 - 1)", "out of range"}, {"copy t to stdout", "is not a query"}},
};

static int set_up(void **state)
{
	database->make();
	*state = database->connect(false);
	return 0;
}

static int tear_down(void **state)
{
	sql_disconnect(*state);
	return 0;
}

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

/* Reads TEXT to its end; the cell of the first row and column is copied out. */
static struct err *read_all(struct sql *db, const char *text, enum sql_type type, struct sql_value *out_first)
{
	static char copy[100];
	struct sql_rows *rows;

	PASS(sql_query(db, text, NULL, 0, &type, 1, &rows));
	for (bool first = true; sql_next(rows); first = false)
		if (first) {
			*out_first = sql_value(rows, 0);
			if (out_first->text) {
				snprintf(copy, sizeof(copy), "%s", out_first->text);
				out_first->text = copy;
			}
		}
	return sql_close(rows);
}

static void cells_come_as_the_types_asked_for(void **state)
{
	static const struct {
		const char *text;
		struct sql_value value;
	} rows[] = {
	    {"select txt from t where id = 1", {.type = SQL_TEXT, .text = "one"}},
	    {"select txt from t where id = 3", {.type = SQL_TEXT, .text = "Zo\xc3\xab"}},
	    {"select 9007199254740993", {.type = SQL_INT, .integer = INT64_C(9007199254740993)}},
	    {"select -9223372036854775807 - 1", {.type = SQL_INT, .integer = INT64_MIN}},
	    {"select 1.5", {.type = SQL_NUMBER, .number = 1.5}},
	    {"select 2", {.type = SQL_NUMBER, .number = 2}},
	    {"select 1", {.type = SQL_BOOL, .integer = 1}},
	    {"select at from t where id = 1", {.type = SQL_INSTANT, .integer = 1730624400}},
	    {"select day from t where id = 1", {.type = SQL_DATE, .integer = 20030}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sql_value got = {0};
		struct err *e = read_all(*state, rows[i].text, rows[i].value.type | SQL_REQUIRED, &got);

		if (e)
			fail_msg("%s: %s", rows[i].text, err_text(e));
		assert_int_equal(got.type, rows[i].value.type);
		assert_true(got.integer == rows[i].value.integer);
		assert_true(got.number == rows[i].value.number);
		if (rows[i].value.text)
			assert_string_equal(got.text, rows[i].value.text);
	}
}

static void any_shows_cells_as_the_database_has_them(void **state)
{
	struct sql_rows *rows;

	assert_null(sql_query(*state, "select id, txt, num, at from t order by id", NULL, 0, NULL, 0, &rows));
	assert_int_equal(sql_columns(rows), 4);
	assert_string_equal(sql_column_name(rows, 2), "num");
	assert_true(sql_next(rows));
	assert_int_equal(sql_value(rows, 0).type, SQL_INT);
	assert_int_equal(sql_value(rows, 2).type, SQL_NUMBER);
	assert_int_equal(sql_value(rows, 3).type, SQL_TEXT);
	assert_true(sql_next(rows));
	assert_true(sql_is_null(rows, 1));
	assert_null(sql_text(rows, 1));
	assert_null(sql_close(rows));
}

static void null_is_zero_unless_the_column_is_required(void **state)
{
	struct sql_value got = {.integer = 7};

	assert_null(read_all(*state, "select null", SQL_INT, &got));
	assert_int_equal(got.type, SQL_NULL);
	assert_true(got.integer == 0);
	expect(read_all(*state, "select null as n", SQL_INT | SQL_REQUIRED, &got), ERR_PERMANENT, "column n",
	    "row 1", "expected an integer", "found NULL");
}

static void a_wrong_cell_is_named_by_query_column_row_and_value(void **state)
{
	struct sql_value got;

	expect(read_all(*state, "/* instants of t */ select at from t order by id", SQL_INSTANT, &got),
	    ERR_PERMANENT, "source plant", "query 'instants of t'", "column at of row 2", "an instant like",
	    "'2024-11-03 09:00'");
	expect(read_all(*state, "-- days\nselect day from t order by id", SQL_DATE, &got), ERR_PERMANENT,
	    "query 'days'", "column day of row 2", "'2024-11-31'");
	expect(read_all(*state, "select  id\n\tfrom t", SQL_TEXT, &got), ERR_PERMANENT,
	    "query 'select id from t'", "column id of row 1", "expected text, found integer 1");
	expect(
	    read_all(*state, "select 2 as flag", SQL_BOOL, &got), ERR_PERMANENT, "column flag", "integer 2");
	expect(read_all(*state, "select 1.25 as units", SQL_INT, &got), ERR_PERMANENT, "column units",
	    "number 1.25");
	/* Later than midnight by the clock, but not in text order: only the one form will do. */
	expect(read_all(*state, "select '2024-11-03T09:00:00+00:00' as at", SQL_INSTANT, &got), ERR_PERMANENT,
	    "'2024-11-03T09:00:00+00:00'");
}

static void rows_before_a_wrong_cell_are_read(void **state)
{
	static const enum sql_type types[] = {SQL_INSTANT};
	struct sql_rows *rows;

	assert_null(sql_query(*state, "select at from t order by id", NULL, 0, types, 1, &rows));
	assert_true(sql_next(rows));
	assert_true(sql_instant(rows, 0) == 1730624400);
	assert_false(sql_next(rows));
	assert_false(sql_next(rows));
	expect(sql_close(rows), ERR_PERMANENT, "row 2");
}

static void a_row_that_the_caller_refuses_ends_the_loop(void **state)
{
	struct sql_rows *rows;

	assert_null(sql_query(*state, "/* all */ select id from t order by id", NULL, 0, NULL, 0, &rows));
	assert_true(sql_next(rows));
	sql_refuse(rows, NULL);
	assert_true(sql_next(rows));
	sql_refuse(rows, ERR(ERR_CONFIG, "row %d is wrong", (int)sql_int(rows, 0)));
	sql_refuse(rows, ERR(ERR_BUG, "not told"));
	assert_false(sql_next(rows));
	expect(sql_close(rows), ERR_CONFIG, "query 'all'", "row 2 is wrong");
}

static void the_number_of_columns_is_checked(void **state)
{
	struct sql_value got;

	expect(read_all(*state, "select 1, 2", SQL_INT, &got), ERR_PERMANENT,
	    "returns 2 columns where 1 are expected");
	assert_null(read_all(*state, "select 1", SQL_INT, &got)); /* and the connection goes on */
}

static void a_query_that_is_tried_has_columns_and_no_rows(void **state)
{
	const struct sql_param params[] = {SQL_INT_PARAM("most", 9)};
	struct sql *db = *state;
	struct sql_rows *rows;

	assert_null(sql_try(db, "select id, txt as label from t where id < :most", params, 1, &rows));
	assert_int_equal(sql_columns(rows), 2);
	assert_string_equal(sql_column_name(rows, 1), "label");
	assert_false(sql_next(rows));
	assert_null(sql_close(rows));
	expect(sql_try(db, "select colour from t", NULL, 0, &rows), ERR_PERMANENT, "colour");
	expect(sql_try(db, "select :most", NULL, 0, &rows), ERR_PERMANENT, "most");
	assert_null(sql_query(db, "select id from t", NULL, 0, NULL, 0, &rows)); /* the connection goes on */
	assert_true(sql_next(rows));
	assert_null(sql_close(rows));
}

static void text_that_is_no_utf8_shows_replacement_characters(void **state)
{
	struct sql_value got;

	assert_null(read_all(*state, "select raw from t where id = 1", SQL_TEXT, &got));
	assert_string_equal(got.text, "a\xef\xbf\xbd\xef\xbf\xbd");
	assert_null(read_all(*state, "select raw from t where id = 2", SQL_TEXT, &got));
	assert_string_equal(got.text, "");
	assert_null(read_all(*state, database->with_nul, SQL_TEXT, &got));
	assert_string_equal(got.text, "A\xef\xbf\xbd"
	                              "B");
}

static void parameters_are_bound_by_name(void **state)
{
	static const enum sql_type types[] = {SQL_TEXT, SQL_INT, SQL_INSTANT, SQL_DATE, SQL_NUMBER, SQL_TEXT};
	const struct sql_param params[] = {
	    SQL_INT_PARAM("n", -5),
	    SQL_TEXT_PARAM("text", "it's; drop table t --"),
	    SQL_INSTANT_PARAM("at", 1730624400),
	    SQL_DATE_PARAM("day", 20030),
	    {.name = "half", .value = {.type = SQL_NUMBER, .number = 0.5}},
	    SQL_TEXT_PARAM("none", NULL),
	    SQL_INT_PARAM("unused", 1),
	};
	struct sql_rows *rows;

	assert_null(
	    sql_query(*state, "select :text, :n + :n, :at, :day, :half, :none /* :nobody */ where ':x' <> ''",
	        params, ARRAY_SIZE(params), types, ARRAY_SIZE(types), &rows));
	assert_true(sql_next(rows));
	assert_string_equal(sql_text(rows, 0), "it's; drop table t --");
	assert_true(sql_int(rows, 1) == -10);
	assert_true(sql_instant(rows, 2) == 1730624400);
	assert_true(sql_date(rows, 3) == 20030);
	assert_true(sql_is_null(rows, 5));
	assert_false(sql_next(rows));
	assert_null(sql_close(rows));
}

static void a_statement_that_cannot_run_is_told(void **state)
{
	static const struct wrong everywhere[] = {
	    {"select :zone", "no value for the parameter :zone"},
	    {"", "is empty"},
	    {"-- nothing", "is empty"},
	    {"selec 1", "syntax error"},
	    {NULL, NULL},
	};
	struct sql_value got;

	for (const struct wrong *row = everywhere; row->text; row++) {
		expect(read_all(*state, row->text, SQL_INT, &got), ERR_PERMANENT, row->told, "source plant");
		assert_null(read_all(*state, "select 1;  ", SQL_INT, &got));
	}
	for (const struct wrong *row = database->wrong; row->text; row++) {
		expect(read_all(*state, row->text, SQL_INT, &got), ERR_PERMANENT, row->told, "source plant");
		assert_null(read_all(*state, "select 1;  ", SQL_INT, &got));
	}
}

static void one_result_is_open_at_a_time(void **state)
{
	struct sql_rows *rows, *second;

	assert_null(sql_query(*state, "select id from t", NULL, 0, NULL, 0, &rows));
	expect(sql_query(*state, "select 1", NULL, 0, NULL, 0, &second), ERR_BUG,
	    "'select id from t' is still open");
	assert_null(sql_close(rows));
	assert_null(sql_query(*state, "select 1", NULL, 0, NULL, 0, &second));
	assert_null(sql_close(second));
}

static void a_reset_ends_what_a_run_left_open(void **state)
{
	struct sql_rows *rows;
	struct sql_value got;

	assert_null(sql_begin(*state));
	assert_null(sql_query(*state, "select at from t order by id", NULL, 0, NULL, 0, &rows));
	assert_true(sql_next(rows));
	sql_reset(*state);
	assert_null(sql_begin(*state));
	assert_null(read_all(*state, "select 1", SQL_INT, &got));
	assert_null(sql_end(*state));
}

static void a_snapshot_shows_one_state(void **state)
{
	static const char count[] = "select count(*) from t";
	struct sql_value got;

	database->change(database->side_by_side);
	assert_null(sql_begin(*state));
	assert_null(read_all(*state, count, SQL_INT, &got));
	database->change("insert into t (id) values (4)");
	assert_null(read_all(*state, count, SQL_INT, &got));
	assert_true(got.integer == 3);
	assert_null(sql_end(*state));
	assert_null(read_all(*state, count, SQL_INT, &got));
	assert_true(got.integer == 4);
}

static void more_queries_than_are_kept_prepared_all_work(void **state)
{
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 100; i++) {
			struct sql_value got;
			char text[40];

			snprintf(text, sizeof(text), "select %d", i);
			assert_null(read_all(*state, text, SQL_INT, &got));
			assert_true(got.integer == i);
		}
}

static void a_kept_statement_follows_a_change_of_the_schema(void **state)
{
	struct sql_rows *rows;

	for (size_t columns = 6; columns <= 8; columns++) {
		char more[60];

		assert_null(sql_query(*state, "select * from t", NULL, 0, NULL, 0, &rows));
		assert_int_equal(sql_columns(rows), columns);
		assert_true(sql_next(rows));
		assert_null(sql_close(rows));
		snprintf(more, sizeof(more), "alter table t add column more%zu int", columns);
		database->change(more);
	}
}

/* -- limits ---------------------------------------------------------------------------------------- */

static const char endless[] =
    "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n";
static int64_t fake_ms;

static struct mono tick(void)
{
	return (struct mono){++fake_ms};
}

static void a_statement_ends_at_its_timeout(void **state)
{
	static char url[100];
	struct sql_value got;
	struct sql *db;

	(void)state;
	snprintf(url, sizeof(url), "sqlite:%s", path);
	struct conf_source source = source_of(url);
	source.statement_timeout_ms = 2000;
	assert_null(sql_open(&source, &db));
	fake_ms = 0;
	sql_limit(db, (struct mono){1000000}, tick, NULL);
	expect(read_all(db, endless, SQL_INT, &got), ERR_TEMPORARY, "longer than statement_timeout (2s)",
	    "with recursive");
	assert_in_range(fake_ms, 2000, 2100);
	assert_null(read_all(db, "select 1", SQL_INT, &got));
	sql_disconnect(db);
}

static void a_statement_ends_at_the_runs_deadline(void **state)
{
	struct sql_value got;

	fake_ms = 0;
	sql_limit(*state, (struct mono){500}, tick, NULL);
	expect(read_all(*state, endless, SQL_INT, &got), ERR_TEMPORARY, "the run's timeout is over");
	assert_in_range(fake_ms, 500, 600);
	/* Too late for any other, however small. */
	expect(read_all(*state, "select 1", SQL_INT, &got), ERR_TEMPORARY, "the run's timeout is over");
}

static volatile int cancelled;

static struct mono cancel_soon(void)
{
	cancelled = ++fake_ms > 100;
	return (struct mono){0};
}

static void a_statement_ends_when_the_run_is_cancelled(void **state)
{
	struct sql_value got;

	fake_ms = 0;
	cancelled = 0;
	sql_limit(*state, (struct mono){1000}, cancel_soon, &cancelled);
	expect(read_all(*state, endless, SQL_INT, &got), ERR_TEMPORARY, "cancelled");
}

static void a_file_held_by_a_writer_is_waited_for_until_the_deadline(void **state)
{
	struct sql_value got;
	sqlite3 *writer;

	assert_int_equal(sqlite3_open(path, &writer), SQLITE_OK);
	assert_int_equal(sqlite3_exec(writer, "begin exclusive", NULL, NULL, NULL), SQLITE_OK);
	fake_ms = 0;
	sql_limit(*state, (struct mono){30}, tick, NULL);
	expect(
	    read_all(*state, "select id from t", SQL_INT, &got), ERR_TEMPORARY, "the run's timeout is over");
	sqlite3_close(writer);
}

static void *release_soon(void *writer)
{
	usleep(30000);
	sqlite3_exec(writer, "commit", NULL, NULL, NULL);
	return NULL;
}

static void a_file_that_a_writer_lets_go_is_read(void **state)
{
	struct sql_value got;
	sqlite3 *writer;
	pthread_t thread;

	assert_int_equal(sqlite3_open(path, &writer), SQLITE_OK);
	assert_int_equal(sqlite3_exec(writer, "begin exclusive", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(pthread_create(&thread, NULL, release_soon, writer), 0);
	assert_null(read_all(*state, "select count(*) from t", SQL_INT, &got));
	assert_true(got.integer == 3);
	pthread_join(thread, NULL);
	sqlite3_close(writer);
}

/* -- connecting ------------------------------------------------------------------------------------ */

static struct err *open_url(const char *url)
{
	struct conf_source source = source_of(url);
	struct sql *db = NULL;
	struct err *e = sql_open(&source, &db);

	assert_true(e || db);
	sql_disconnect(db);
	return e;
}

static void a_file_that_is_not_there_or_no_database_is_told(void **state)
{
	static char url[100];

	(void)state;
	expect(open_url("sqlite:/nowhere/plant.db"), ERR_TEMPORARY, "connect to source plant",
	    "/nowhere/plant.db: No such file");
	expect(open_url("sqlite:"), ERR_CONFIG, "no path");
	snprintf(url, sizeof(url), "sqlite:%s/text", folder);
	FILE *file = fopen(url + strlen("sqlite:"), "w");
	for (int i = 0; i < 200; i++)
		fputs("not a database\n", file);
	fclose(file);
	expect(open_url(url), ERR_PERMANENT, "connect to source plant", "/text", "not a database");
	assert_null(source_type_of("mysql://localhost/plant"));
}

static void only_a_writable_source_can_be_written(void **state)
{
	struct sql *db = database->connect(true);
	struct sql_value got;
	struct sql_rows *rows;

	assert_null(sql_query(db, "insert into t (id) values (9)", NULL, 0, NULL, 0, &rows));
	assert_false(sql_next(rows));
	assert_null(sql_close(rows));
	sql_disconnect(db);
	assert_null(read_all(*state, "select max(id) from t", SQL_INT, &got));
	assert_true(got.integer == 9);
}

static void a_file_that_was_replaced_makes_the_connection_unusable(void **state)
{
	char aside[100];

	assert_true(sql_usable(*state));
	change("insert into t (id) values (8)");
	assert_true(sql_usable(*state));
	snprintf(aside, sizeof(aside), "%s.old", path);
	assert_int_equal(rename(path, aside), 0);
	assert_false(sql_usable(*state));
	change("create table t (id int)");
	assert_false(sql_usable(*state));
	unlink(aside);
}

static void there_is_a_postgresql_server(void **state)
{
	(void)state;
	skip(); /* why has been printed */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* What every database must do alike. */
static const struct CMUnitTest common[] = {
    TEST(cells_come_as_the_types_asked_for),
    TEST(any_shows_cells_as_the_database_has_them),
    TEST(null_is_zero_unless_the_column_is_required),
    TEST(a_wrong_cell_is_named_by_query_column_row_and_value),
    TEST(rows_before_a_wrong_cell_are_read),
    TEST(a_row_that_the_caller_refuses_ends_the_loop),
    TEST(the_number_of_columns_is_checked),
    TEST(a_query_that_is_tried_has_columns_and_no_rows),
    TEST(text_that_is_no_utf8_shows_replacement_characters),
    TEST(parameters_are_bound_by_name),
    TEST(a_statement_that_cannot_run_is_told),
    TEST(one_result_is_open_at_a_time),
    TEST(a_reset_ends_what_a_run_left_open),
    TEST(a_snapshot_shows_one_state),
    TEST(more_queries_than_are_kept_prepared_all_work),
    TEST(a_kept_statement_follows_a_change_of_the_schema),
    TEST(only_a_writable_source_can_be_written),
};

static int test_sqlite(void)
{
	static const struct CMUnitTest own[] = {
	    TEST(a_statement_ends_at_its_timeout),
	    TEST(a_statement_ends_at_the_runs_deadline),
	    TEST(a_statement_ends_when_the_run_is_cancelled),
	    TEST(a_file_held_by_a_writer_is_waited_for_until_the_deadline),
	    TEST(a_file_that_a_writer_lets_go_is_read),
	    TEST(a_file_that_is_not_there_or_no_database_is_told),
	    TEST(a_file_that_was_replaced_makes_the_connection_unusable),
	};
	char command[100];

	if (!mkdtemp(folder))
		return 1;
	database = &sqlite;
	int failed = cmocka_run_group_tests_name("sql: SQLite", common, NULL, NULL);
	failed += cmocka_run_group_tests_name("sql: SQLite alone", own, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) ? 1 : failed;
}

static int test_postgres(void)
{
	static const struct CMUnitTest none[] = {cmocka_unit_test(there_is_a_postgresql_server)};

	if (!server_start())
		return cmocka_run_group_tests_name("sql: PostgreSQL", none, NULL, NULL);
	database = &postgres;
	int failed = cmocka_run_group_tests_name("sql: PostgreSQL", common, NULL, NULL);
	server_stop();
	return failed;
}

int main(void)
{
	int failed = test_sqlite();

	return failed + test_postgres();
}
