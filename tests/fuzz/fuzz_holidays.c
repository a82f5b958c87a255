/* SPDX-License-Identifier: MIT */
/* Holidays: any text is refused or gives days within the range that was asked for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "jobs/rota/holidays.h"

#define FROM 19000
#define TO   20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(free_text) char *text = mem_copy_n((const char *)data, size);
	struct holidays holidays = {0};

	err_destroy(holidays_parse(text, FROM, TO, &holidays));
	for (size_t i = 0; i < holidays.count; i++)
		if (holidays.days[i] < FROM || holidays.days[i] > TO)
			abort();
	holidays_done(&holidays);
	return 0;
}
