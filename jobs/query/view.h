/* SPDX-License-Identifier: MIT */
/*
 * What the templates of query_report show: formatted cells, and the same as lines of aligned text.
 *
 *	{sections: [{title, none, columns: [{label, align}], rows: [{cells: [{text, align}]}], lines:
 *[text]}]}
 *
 * Totals are the last of the rows.
 */
#ifndef JOBS_QUERY_VIEW_H
#define JOBS_QUERY_VIEW_H

#include <bmad/json.h>

struct json *query_view(const struct json *data);

#endif
