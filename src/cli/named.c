/* SPDX-License-Identifier: MIT */
/* Modules asked for slots by a command. */
#include "cli/named.h"

#include "cli/cli.h"
#include "daemon/slots.h"
#include "worker/naming.h"

#define DAY_S       86400
#define AHEAD_DAYS  2 /* at first, as the daemon asks; then four times as many */
#define AHEAD_TIMES 5

struct err *named_load(
    const struct conf *conf, const struct conf_job *job, utc_t from, size_t count, struct slot_list *out_list)
{
	int64_t days = AHEAD_DAYS;

	if (!slots_have(job, SCHEDULE_MODULE))
		return NULL;
	for (int time = 0; time < AHEAD_TIMES && out_list->count < count; time++, days *= 4) {
		cleanup(arena_done) struct arena arena = {0};
		struct slot_name *names;
		size_t named;

		PASS(naming_ask(conf, job, from + 1, from + days * DAY_S, cli_now(), &arena, &names, &named));
		slot_list_replace(out_list, names, named, from + days * DAY_S);
	}
	return NULL;
}
