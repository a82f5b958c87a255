/* SPDX-License-Identifier: MIT */
/* The table of source types. */
#include "source/source.h"

#include "source/driver.h"

const struct source_type *const source_types[] = {
    &source_sqlite,
    &source_postgresql,
    &source_postgres,
    NULL,
};

struct err *sql_open(const struct conf_source *source, struct sql **out_db)
{
	TRY(source->type->open(source, out_db), "connect to source %s", source->name);
	return NULL;
}
