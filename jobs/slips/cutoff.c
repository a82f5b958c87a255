/* SPDX-License-Identifier: MIT */
/* The cutoff record, and the ledger of windows. */
#include "jobs/slips/cutoff.h"

#include <stdio.h>

#include <bmad/json.h>

#include "jobs/slips/gather.h"

#define LEDGER_S                                                                                             \
	INT64_C(34560000)  /* 400 days: a cutoff that is set back further than that is reported anew */
#define MOVES_MAX     1000 /* windows that are gone through at a time */
#define RECORD        "artifact = 'NOTIFICATION' and instance = 'region-slips' and version_instance = 0"
#define STATE_KEY     "cutoff"
#define LEDGER_PREFIX "window|"

typedef char ledger_key[sizeof(LEDGER_PREFIX) + TIME_TEXT];

/* By the old cutoff; all that is none are one: the first run. */
static const char *key_of(const struct cutoff *cutoff, ledger_key out)
{
	char at[TIME_TEXT];

	snprintf(out, sizeof(ledger_key), LEDGER_PREFIX "%s",
	    cutoff->usable ? utc_format(cutoff->at, at) : "first");
	return out;
}

/* -- where it stands -------------------------------------------------------------------------------- */

static struct sql_value kept(struct sql_value value, struct arena *arena)
{
	if (value.type == SQL_TEXT)
		value.text = arena_copy(arena, value.text);
	return value;
}

static struct err *read_record(struct sql *db, struct arena *arena, struct cutoff *out)
{
	static const enum sql_type columns[] = {SQL_ANY};
	struct sql_rows *rows;

	PASS(sql_query(
	    db, "/* slips: cutoff */ select date from buildables where " RECORD, NULL, 0, columns, 1, &rows));
	while (sql_next(rows)) {
		out->exists = true;
		out->stored = kept(sql_value(rows, 0), arena);
		out->usable = read_instant(&out->stored, &out->at);
	}
	return sql_close(rows);
}

static struct err *read_state(struct run *run, const char *key, bool *out_there, utc_t *out_at)
{
	const struct json *value;

	*out_there = false;
	PASS(run_state_get(run, key, &value));
	if (!value)
		return NULL;
	*out_there = true;
	if (!json_text(value))
		return ERR(ERR_BUG, "state %s is no text", key);
	TRY(utc_parse(json_text(value), out_at), "read state %s", key);
	return NULL;
}

static struct err *read_once(
    struct run *run, const struct cutoff_place *place, struct arena *arena, struct cutoff *out)
{
	struct sql *db;

	*out = (struct cutoff){0};
	if (!place->in_table) {
		PASS(read_state(run, STATE_KEY, &out->exists, &out->at));
		out->usable = out->exists;
		return NULL;
	}
	PASS(run_source(run, place->source, &db));
	return read_record(db, arena, out);
}

/* -- moving it -------------------------------------------------------------------------------------- */

/* Only from where it was: an instant is compared as one, whatever fraction the database keeps of it. */
static const char *move_query(const struct cutoff *from)
{
#define MOVE                                                                                                 \
	"/* slips: move the cutoff */ update buildables set date = :until, updated = :now, updater = "       \
	"'bmad' where " RECORD
	if (!from->exists)
		return "/* slips: first cutoff */ insert into buildables"
		       " (artifact, instance, version_instance, date, updated, updater)"
		       " values ('NOTIFICATION', 'region-slips', 0, :until, :now, 'bmad')"
		       " on conflict do nothing returning 1";
	if (from->stored.type == SQL_NULL)
		return MOVE " and date is null returning 1";
	if (from->stored.type == SQL_TEXT)
		return MOVE " and date = :was returning 1";
	return MOVE " and date >= :was and date < :second_after returning 1";
#undef MOVE
}

static struct err *move_record(struct run *run, struct sql *db, const struct cutoff *from, utc_t until)
{
	static const enum sql_type columns[] = {SQL_INT};
	const struct sql_param params[] = {
	    SQL_INSTANT_PARAM("until", until),
	    SQL_INSTANT_PARAM("now", run_now(run)),
	    {.name = "was", .value = from->stored},
	    SQL_INSTANT_PARAM("second_after", from->at + 1),
	};
	struct sql_rows *rows;
	bool moved = false;

	PASS(sql_query(db, move_query(from), params, ARRAY_SIZE(params), columns, 1, &rows));
	while (sql_next(rows))
		moved = true;
	PASS(sql_close(rows));
	if (!moved)
		run_warn(run, "the cutoff record was changed by somebody else meanwhile: it stays as it is");
	return NULL;
}

/* Whether the ledger has the window that begins at CUTOFF, and then its end. */
static struct err *read_ledger(
    struct run *run, const struct cutoff *cutoff, bool *out_there, utc_t *out_until)
{
	ledger_key key;

	return read_state(run, key_of(cutoff, key), out_there, out_until);
}

struct err *cutoff_move(struct run *run, const struct cutoff_place *place)
{
	cleanup(arena_done) struct arena arena = {0};
	struct cutoff cutoff;
	struct sql *db;
	utc_t until;
	bool there;

	if (!place->in_table)
		return NULL; /* its state was in the commit */
	TRY(read_once(run, place, &arena, &cutoff), "read the cutoff");
	PASS(read_ledger(run, &cutoff, &there, &until));
	if (!there)
		return NULL;
	PASS(run_source(run, place->source, &db));
	TRY(move_record(run, db, &cutoff, until), "move the cutoff");
	return NULL;
}

/* A dry run changes nothing: it goes on as if the cutoff stood where it belongs. */
static struct err *step(struct run *run, const struct cutoff_place *place, struct arena *arena, utc_t until,
    struct cutoff *cutoff)
{
	char at[TIME_TEXT];

	run_decide(
	    run, "an earlier run has reported up to %s and could not move the cutoff", utc_format(until, at));
	if (run_is_dry(run)) {
		*cutoff = (struct cutoff){.exists = true, .usable = true, .at = until};
		return NULL;
	}
	PASS(cutoff_move(run, place));
	return read_once(run, place, arena, cutoff);
}

struct err *cutoff_read(
    struct run *run, const struct cutoff_place *place, struct arena *arena, struct cutoff *out_cutoff)
{
	utc_t until;
	bool there;

	TRY(read_once(run, place, arena, out_cutoff), "read the cutoff");
	for (int i = 0; place->in_table && i < MOVES_MAX; i++) {
		PASS(read_ledger(run, out_cutoff, &there, &until));
		if (!there)
			break;
		TRY(step(run, place, arena, until, out_cutoff), "finish what an earlier run began");
	}
	return NULL;
}

void cutoff_promise(
    struct run *run, const struct cutoff_place *place, const struct cutoff *cutoff, utc_t until)
{
	char at[TIME_TEXT];
	ledger_key key;

	utc_format(until, at);
	if (place->in_table)
		run_state_set(run, key_of(cutoff, key), json_string(at), run_now(run) + LEDGER_S);
	else
		run_state_set(run, STATE_KEY, json_string(at), 0);
}
