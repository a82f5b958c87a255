/* SPDX-License-Identifier: MIT */
/* What is told when a lane is shut or opened: who or what did it, why, until when. */
#include "daemon/child.h"
#include "send/stream.h"

static const struct {
	const char *event;
	enum log_level level;
	enum notice_kind notice;
} changes[] = {
    [LANE_PAUSED] = {"channel_paused", LEVEL_WARNING, NOTICE_PAUSED},
    [LANE_SUSPENDED] = {"channel_suspended", LEVEL_ERROR, NOTICE_SUSPENDED},
    [LANE_RESUMED] = {"channel_resumed", LEVEL_INFO, NOTICE_RESUMED},
};

static const char *const causes[] = {
    [LANE_BY_HAND] = "hand",
    [LANE_BY_ANSWER] = "answer",
    [LANE_BY_BREAKER] = "breaker",
    [LANE_BY_CERTIFICATE] = "certificate",
};

static enum log_level level_of(struct lane_news news)
{
	/* Not mended by waiting: somebody has to look. */
	if (news.change == LANE_PAUSED && news.cause == LANE_BY_CERTIFICATE)
		return LEVEL_ERROR;
	return news.cause == LANE_BY_HAND ? LEVEL_INFO : changes[news.change].level;
}

static void tell(struct stream *stream, struct lane_news news)
{
	struct lane *lane = &stream->lane;
	struct mono now = mono_now(), until = lane_next(lane, now);
	struct log_line line;

	log_begin(&line, level_of(news), changes[news.change].event);
	log_text(&line, "channel", stream->channel->name);
	log_text(&line, "cause", causes[news.cause]);
	if (news.change == LANE_PAUSED && news.cause == LANE_BY_HAND)
		log_text(&line, "by", lane->held_by);
	if (news.change != LANE_RESUMED && until.ms > now.ms && until.ms != INT64_MAX)
		log_int(&line, "wait_ms", until.ms - now.ms);
	if (news.cause != LANE_BY_HAND && *lane->reason)
		log_text(&line, "error", lane->reason);
	log_end(&line);
	notice_lane(stream, changes[news.change].notice,
	    news.cause == LANE_BY_HAND ? "paused by hand" : lane->reason);
}

void lane_changed(struct stream *stream, struct lane_news news)
{
	if (news.change == LANE_SAME)
		return;
	settle_lane(stream);
	tell(stream, news);
}
