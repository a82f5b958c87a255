/* SPDX-License-Identifier: MIT */
/* The types of SQL values: what is held to which, and how both are called in errors. */
#ifndef SOURCE_SQL_KIND_H
#define SOURCE_SQL_KIND_H

#include <stddef.h>

#include <bmad/sql.h>

/* Makes VALUE one of the type ASKED, in place; false: it is none, and stays as it is. */
bool sql_kind_hold(struct sql_value *value, enum sql_type asked);

/* "an integer" */
const char *sql_kind_expected(enum sql_type asked);

/* "text 'abc'" */
void sql_kind_describe(const struct sql_value *value, char *out, size_t size);

#endif
