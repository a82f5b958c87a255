/* SPDX-License-Identifier: MIT */
/* What a PostgreSQL server says beside rows: errors with their SQLSTATE and place, and notices. */
#include "source/sql_postgres.h"

#include <string.h>

#define NOTICES_MAX 20 /* of a statement: one in a loop must not fill the log */

/* Classes (two characters) and codes of SQLSTATE that may be gone when tried again. */
static const char *const temporary[] = {
    "08",    /* connection; what poolers say of themselves */
    "25P03", /* idle in a transaction for too long */
    "40",    /* serialization, deadlock */
    "53",    /* out of memory, disk or connections */
    "55006", /* object in use */
    "55P03", /* lock not available */
    "57",    /* cancelled, timed out, shut down, not started yet */
    "58",    /* input and output */
    "72",    /* snapshot too old */
};

static enum err_kind fault_kind(const char *state)
{
	for (size_t i = 0; i < ARRAY_SIZE(temporary); i++)
		if (!strncmp(state, temporary[i], strlen(temporary[i])))
			return ERR_TEMPORARY;
	return ERR_PERMANENT;
}

/* libpq writes lines, the later ones indented, the last with an end of line. */
void postgres_one_line(struct buf *out, const char *text)
{
	static const char blanks[] = " \t\r\n";

	for (const char *word = text + strspn(text, blanks); *word; word += strspn(word, blanks)) {
		size_t length = strcspn(word, blanks);

		if (word != text)
			buf_add_char(out, ' ');
		buf_add(out, word, length);
		word += length;
	}
}

static void add_field(struct buf *out, const PGresult *result, int field, const char *before)
{
	const char *text = PQresultErrorField(result, field);

	if (!text || !*text)
		return;
	buf_add_text(out, before);
	postgres_one_line(out, text);
}

static void add_place(struct buf *out, const struct postgres *db, const PGresult *result)
{
	const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
	int line, column;

	if (!position || !db->written)
		return;
	positional_place(&db->sent, db->written, (int)strtol(position, NULL, 10), &line, &column);
	buf_format(out, ", line %d, column %d", line, column);
}

static struct err *link_fault(const struct postgres *db)
{
	cleanup(buf_done) struct buf text = {0};

	if (sql_expired(&db->base))
		return sql_expiry(&db->base);
	postgres_one_line(&text, PQerrorMessage(db->conn));
	return ERR(ERR_TEMPORARY, "%s", text.length ? text.text : "the connection to the server was lost");
}

struct err *postgres_fault(const struct postgres *db, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	cleanup(buf_done) struct buf text = {0};

	if (!state)
		return link_fault(db);
	add_field(&text, result, PG_DIAG_MESSAGE_PRIMARY, "");
	add_field(&text, result, PG_DIAG_MESSAGE_DETAIL, ": ");
	add_field(&text, result, PG_DIAG_MESSAGE_HINT, "; ");
	buf_format(&text, " (SQLSTATE %s", state);
	add_place(&text, db, result);
	buf_add_char(&text, ')');
	return ERR(fault_kind(state), "%s", text.text);
}

void postgres_notice(void *arg, const PGresult *result)
{
	struct postgres *db = arg;
	cleanup(buf_done) struct buf text = {0};

	if (!db->base.notice || db->notices > NOTICES_MAX)
		return;
	buf_format(&text, "source %s: ", db->base.source);
	if (db->notices++ == NOTICES_MAX) {
		buf_add_text(&text, "more notices of this statement are not shown");
	} else {
		add_field(&text, result, PG_DIAG_SEVERITY_NONLOCALIZED, "");
		add_field(&text, result, PG_DIAG_MESSAGE_PRIMARY, ": ");
		add_field(&text, result, PG_DIAG_MESSAGE_DETAIL, ": ");
	}
	db->base.notice(db->base.notice_arg, text.text);
}
