/* SPDX-License-Identifier: MIT */
/*
 * Feeds bytes to the reader of records as if a process had sent them: the first byte picks the kind and
 * whether it is a request or a reply. What is read must write back to the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "request/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(arena_done) struct arena arena = {0};
	cleanup(buf_done) struct buf again = {0};
	const struct record_type *type;

	if (!size)
		return 0;
	type = data[0] & 1 ? request_types[data[0] / 2 % REQ_KINDS].reply
	                   : request_types[data[0] / 2 % REQ_KINDS].request;
	if (!type)
		return 0;

	void *record = arena_alloc(&arena, type->size);
	struct err *e = record_read(type, (const char *)data + 1, size - 1, &arena, record);
	if (!e)
		record_write(type, record, &again);
	if (!e && (again.length != size - 1 || (size > 1 && memcmp(again.text, data + 1, size - 1))))
		abort();
	err_ignore(e);
	return 0;
}
