/* SPDX-License-Identifier: MIT */
/* The field tables of all requests and replies, and errors as records. */
#include "request/request.h"

#include <limits.h>

/* -- errors ---------------------------------------------------------------------------------------- */

/* clang-format off */

RECORD(frame_record,
    FIELD_TEXT(frame_record, function),
    FIELD_TEXT(frame_record, file),
    FIELD_TEXT(frame_record, note),
    FIELD_INT(frame_record, line));

RECORD(error_record,
    FIELD_TEXT(error_record, kind),
    FIELD_TEXT(error_record, message),
    FIELD_LIST(error_record, frames, frame_count, frame_record_record));

RECORD(id_record,
    FIELD_TEXT(id_record, id));

RECORD(nothing,
    FIELD_BOOL(nothing, unused));

RECORD(value_record,
    FIELD_TEXT(value_record, name),
    FIELD_NUMBER(value_record, number));

/* -- the store's requests -------------------------------------------------------------------------- */

RECORD(hello,
    FIELD_INT(hello, role),
    FIELD_TEXT(hello, instance),
    FIELD_INT(hello, pid),
    FIELD_INT(hello, now_ms));

RECORD(hello_reply,
    FIELD_INT(hello_reply, interrupted),
    FIELD_INT(hello_reply, recovered));

RECORD(schedule_ask,
    FIELD_TEXT(schedule_ask, job),
    FIELD_TEXT(schedule_ask, fingerprint),
    FIELD_INT(schedule_ask, recorded_s));

RECORD(schedules,
    FIELD_TEXT(schedules, instance),
    FIELD_INT(schedules, now_ms),
    FIELD_LIST(schedules, jobs, count, schedule_ask_record));

RECORD(schedule_state,
    FIELD_INT(schedule_state, since),
    FIELD_INT(schedule_state, accounted_until),
    FIELD_INT(schedule_state, paused_until),
    FIELD_LIST(schedule_state, keys, key_count, id_record_record));

RECORD(open_slot,
    FIELD_TEXT(open_slot, job),
    FIELD_TEXT(open_slot, key),
    FIELD_INT(open_slot, due),
    FIELD_INT(open_slot, attempt),
    FIELD_INT(open_slot, not_before_ms));

RECORD(schedules_reply,
    FIELD_LIST(schedules_reply, jobs, count, schedule_state_record),
    FIELD_LIST(schedules_reply, open, open_count, open_slot_record));

RECORD(claim_slot,
    FIELD_TEXT(claim_slot, job),
    FIELD_TEXT(claim_slot, key),
    FIELD_INT(claim_slot, due),
    FIELD_INT(claim_slot, action),
    FIELD_TEXT(claim_slot, reason),
    FIELD_INT(claim_slot, trigger),
    FIELD_BOOL(claim_slot, restartable),
    FIELD_INT(claim_slot, overlap),
    FIELD_INT(claim_slot, slots),
    FIELD_INT(claim_slot, first));

RECORD(claim,
    FIELD_TEXT(claim, instance),
    FIELD_INT(claim, now_ms),
    FIELD_LIST(claim, slots, count, claim_slot_record));

RECORD(claim_result,
    FIELD_INT(claim_result, state),
    FIELD_INT(claim_result, run),
    FIELD_INT(claim_result, attempt),
    FIELD_INT(claim_result, open_run));

RECORD(claim_reply,
    FIELD_LIST(claim_reply, slots, count, claim_result_record));

RECORD(start,
    FIELD_INT(start, run),
    FIELD_INT(start, now_ms));

RECORD(standby,
    FIELD_TEXT(standby, id),
    FIELD_INT(standby, of),
    FIELD_TEXT(standby, channel),
    FIELD_TEXT(standby, lane),
    FIELD_TEXT(standby, key),
    FIELD_TEXT(standby, to),
    FIELD_TEXT(standby, subject),
    FIELD_TEXT(standby, content_type),
    FIELD_BYTES(standby, payload, payload_length),
    FIELD_INT(standby, expires_ms),
    FIELD_INT(standby, after_ms),
    FIELD_INT(standby, definition));

RECORD(new_message,
    FIELD_TEXT(new_message, id),
    FIELD_TEXT(new_message, channel),
    FIELD_TEXT(new_message, lane),
    FIELD_TEXT(new_message, kind),
    FIELD_TEXT(new_message, key),
    FIELD_TEXT(new_message, to),
    FIELD_TEXT(new_message, subject),
    FIELD_TEXT(new_message, content_type),
    FIELD_BYTES(new_message, payload, payload_length),
    FIELD_INT(new_message, created_ms),
    FIELD_INT(new_message, expires_ms),
    FIELD_INT(new_message, severity),
    FIELD_INT(new_message, definition),
    FIELD_BOOL(new_message, urgent),
    FIELD_INT(new_message, key_until_ms),
    FIELD_BOOL(new_message, once),
    FIELD_BOOL(new_message, again),
    FIELD_BOOL(new_message, taken),
    FIELD_LIST(new_message, standbys, standby_count, standby_record),
    FIELD_TEXT(new_message, suppress));

RECORD(new_state,
    FIELD_TEXT(new_state, key),
    FIELD_TEXT(new_state, value),
    FIELD_INT(new_state, expires));

RECORD(commit,
    FIELD_INT(commit, run),
    FIELD_TEXT(commit, instance),
    FIELD_INT(commit, started_ms),
    FIELD_INT(commit, ended_ms),
    FIELD_BOOL(commit, degraded),
    FIELD_BOOL(commit, goes_on),
    FIELD_LIST(commit, messages, message_count, new_message_record),
    FIELD_LIST(commit, states, state_count, new_state_record),
    FIELD_LIST(commit, values, value_count, value_record_record));

RECORD(stored_message,
    FIELD_TEXT(stored_message, id),
    FIELD_TEXT(stored_message, state),
    FIELD_INT(stored_message, earlier_run),
    FIELD_TEXT(stored_message, earlier_id),
    FIELD_TEXT(stored_message, earlier_state));

RECORD(commit_reply,
    FIELD_LIST(commit_reply, messages, message_count, stored_message_record));

RECORD(close,
    FIELD_INT(close, run),
    FIELD_BOOL(close, interrupted),
    FIELD_BOOL(close, unbegun),
    FIELD_TEXT(close, reason),
    FIELD_ONE(close, error, error_record_record),
    FIELD_INT(close, started_ms),
    FIELD_INT(close, ended_ms),
    FIELD_LIST(close, values, value_count, value_record_record),
    FIELD_INT(close, retries),
    FIELD_INT(close, retry_initial_ms),
    FIELD_INT(close, retry_max_ms));

RECORD(close_reply,
    FIELD_BOOL(close_reply, committed),
    FIELD_BOOL(close_reply, again),
    FIELD_INT(close_reply, not_before_ms));

RECORD(state_ask,
    FIELD_TEXT(state_ask, job),
    FIELD_TEXT(state_ask, key),
    FIELD_INT(state_ask, now));

RECORD(state_reply,
    FIELD_TEXT(state_reply, value),
    FIELD_INT(state_reply, expires),
    FIELD_INT(state_reply, written_ms));

RECORD(states_ask,
    FIELD_TEXT(states_ask, job),
    FIELD_INT(states_ask, now),
    FIELD_LIST(states_ask, keys, count, id_record_record));

RECORD(states_reply,
    FIELD_LIST(states_reply, states, count, state_reply_record));

RECORD(send,
    FIELD_INT(send, run),
    FIELD_TEXT(send, instance),
    FIELD_ONE(send, message, new_message_record));

RECORD(message_key,
    FIELD_TEXT(message_key, channel),
    FIELD_TEXT(message_key, to),
    FIELD_TEXT(message_key, key));

RECORD(key_ask,
    FIELD_LIST(key_ask, keys, count, message_key_record));

RECORD(message_state,
    FIELD_TEXT(message_state, id),
    FIELD_TEXT(message_state, state),
    FIELD_TEXT(message_state, reason),
    FIELD_INT(message_state, attempts),
    FIELD_TEXT(message_state, answer),
    FIELD_INT(message_state, run));

RECORD(wait,
    FIELD_LIST(wait, ids, count, id_record_record),
    FIELD_INT(wait, deadline_ms));

RECORD(wait_reply,
    FIELD_LIST(wait_reply, messages, count, message_state_record));

RECORD(take,
    FIELD_TEXT(take, instance),
    FIELD_TEXT(take, channel),
    FIELD_INT(take, limit),
    FIELD_INT(take, now_ms),
    FIELD_INT(take, run),
    FIELD_BOOL(take, probe),
    FIELD_TEXT(take, except));

RECORD(taken_message,
    FIELD_TEXT(taken_message, id),
    FIELD_INT(taken_message, run),
    FIELD_TEXT(taken_message, job),
    FIELD_TEXT(taken_message, channel),
    FIELD_TEXT(taken_message, lane),
    FIELD_TEXT(taken_message, kind),
    FIELD_TEXT(taken_message, key),
    FIELD_TEXT(taken_message, to),
    FIELD_TEXT(taken_message, subject),
    FIELD_TEXT(taken_message, content_type),
    FIELD_BYTES(taken_message, payload, payload_length),
    FIELD_INT(taken_message, slot),
    FIELD_INT(taken_message, created_ms),
    FIELD_INT(taken_message, expires_ms),
    FIELD_INT(taken_message, attempts),
    FIELD_INT(taken_message, severity),
    FIELD_BOOL(taken_message, urgent),
    FIELD_BOOL(taken_message, once));

RECORD(take_reply,
    FIELD_LIST(take_reply, messages, count, taken_message_record),
    FIELD_INT(take_reply, next_ms));

RECORD(settlement,
    FIELD_TEXT(settlement, id),
    FIELD_TEXT(settlement, state),
    FIELD_TEXT(settlement, reason),
    FIELD_TEXT(settlement, answer),
    FIELD_TEXT(settlement, provider_id),
    FIELD_INT(settlement, attempts),
    FIELD_INT(settlement, not_before_ms),
    FIELD_BOOL(settlement, ambiguous));

RECORD(lane_record,
    FIELD_TEXT(lane_record, channel),
    FIELD_TEXT(lane_record, value),
    FIELD_INT(lane_record, divert_until_ms));

RECORD(settle,
    FIELD_TEXT(settle, instance),
    FIELD_INT(settle, now_ms),
    FIELD_LIST(settle, messages, count, settlement_record),
    FIELD_LIST(settle, lanes, lane_count, lane_record_record));

RECORD(settle_reply,
    FIELD_INT(settle_reply, stale),
    FIELD_LIST(settle_reply, replaced, replaced_count, id_record_record));

RECORD(lanes_reply,
    FIELD_LIST(lanes_reply, lanes, count, lane_record_record));

RECORD(wake,
    FIELD_LIST(wake, channels, count, id_record_record));

RECORD(runs_ask,
    FIELD_TEXT(runs_ask, job),
    FIELD_INT(runs_ask, since_ms),
    FIELD_INT(runs_ask, limit),
    FIELD_INT(runs_ask, run),
    FIELD_BOOL(runs_ask, latest));

RECORD(run_row,
    FIELD_INT(run_row, run),
    FIELD_TEXT(run_row, job),
    FIELD_TEXT(run_row, key),
    FIELD_TEXT(run_row, state),
    FIELD_TEXT(run_row, reason),
    FIELD_TEXT(run_row, trigger),
    FIELD_INT(run_row, slot),
    FIELD_INT(run_row, attempt),
    FIELD_INT(run_row, started_ms),
    FIELD_INT(run_row, ms),
    FIELD_INT(run_row, messages),
    FIELD_ONE(run_row, error, error_record_record),
    FIELD_LIST(run_row, values, value_count, value_record_record));

RECORD(runs_reply,
    FIELD_LIST(runs_reply, rows, count, run_row_record));

RECORD(messages_ask,
    FIELD_TEXT(messages_ask, id),
    FIELD_TEXT(messages_ask, state),
    FIELD_TEXT(messages_ask, channel),
    FIELD_INT(messages_ask, since_ms),
    FIELD_INT(messages_ask, ended_since_ms),
    FIELD_INT(messages_ask, limit),
    FIELD_INT(messages_ask, run));

RECORD(message_row,
    FIELD_TEXT(message_row, id),
    FIELD_INT(message_row, run),
    FIELD_TEXT(message_row, job),
    FIELD_TEXT(message_row, channel),
    FIELD_TEXT(message_row, lane),
    FIELD_TEXT(message_row, kind),
    FIELD_TEXT(message_row, key),
    FIELD_TEXT(message_row, to),
    FIELD_TEXT(message_row, subject),
    FIELD_TEXT(message_row, content_type),
    FIELD_TEXT(message_row, state),
    FIELD_TEXT(message_row, reason),
    FIELD_TEXT(message_row, answer),
    FIELD_TEXT(message_row, provider_id),
    FIELD_BYTES(message_row, payload, payload_length),
    FIELD_INT(message_row, slot),
    FIELD_INT(message_row, attempts),
    FIELD_INT(message_row, created_ms),
    FIELD_INT(message_row, next_ms),
    FIELD_INT(message_row, expires_ms),
    FIELD_BOOL(message_row, ambiguous),
    FIELD_TEXT(message_row, successor));

RECORD(messages_reply,
    FIELD_LIST(messages_reply, rows, count, message_row_record));

RECORD(outbox,
    FIELD_TEXT(outbox, verb),
    FIELD_LIST(outbox, ids, count, id_record_record),
    FIELD_TEXT(outbox, channel),
    FIELD_TEXT(outbox, state),
    FIELD_BOOL(outbox, again),
    FIELD_INT(outbox, now_ms),
    FIELD_INT(outbox, expires_ms));

RECORD(outbox_change,
    FIELD_TEXT(outbox_change, id),
    FIELD_TEXT(outbox_change, before),
    FIELD_TEXT(outbox_change, after),
    FIELD_TEXT(outbox_change, refused));

RECORD(outbox_reply,
    FIELD_LIST(outbox_reply, changes, count, outbox_change_record));

RECORD(count_row,
    FIELD_TEXT(count_row, channel),
    FIELD_TEXT(count_row, state),
    FIELD_BOOL(count_row, unfinished),
    FIELD_INT(count_row, messages),
    FIELD_INT(count_row, oldest_ms));

RECORD(counts_reply,
    FIELD_LIST(counts_reply, rows, count, count_row_record));

RECORD(job_pause,
    FIELD_TEXT(job_pause, job),
    FIELD_INT(job_pause, until));

RECORD(pauses,
    FIELD_LIST(pauses, jobs, count, job_pause_record));

/* -- between main and its children, and the control socket ----------------------------------------- */

RECORD(log_pair,
    FIELD_TEXT(log_pair, key),
    FIELD_TEXT(log_pair, value),
    FIELD_BOOL(log_pair, literal));

RECORD(log_record,
    FIELD_INT(log_record, level),
    FIELD_TEXT(log_record, event),
    FIELD_LIST(log_record, fields, count, log_pair_record));

RECORD(run_order,
    FIELD_INT(run_order, run),
    FIELD_TEXT(run_order, job),
    FIELD_TEXT(run_order, key),
    FIELD_INT(run_order, slot),
    FIELD_INT(run_order, now),
    FIELD_INT(run_order, attempt),
    FIELD_INT(run_order, trigger),
    FIELD_INT(run_order, deadline_ms),
    FIELD_INT(run_order, expires_base),
    FIELD_BOOL(run_order, dry_run),
    FIELD_BOOL(run_order, debug),
    FIELD_BOOL(run_order, log_message),
    FIELD_BOOL(run_order, again),
    FIELD_BOOL(run_order, by_hand),
    FIELD_BOOL(run_order, own_slot),
    FIELD_BOOL(run_order, report),
    FIELD_INT(run_order, slots_from),
    FIELD_INT(run_order, slots_to),
    FIELD_TEXT(run_order, given));

RECORD(notice,
    FIELD_INT(notice, kind),
    FIELD_TEXT(notice, channel),
    FIELD_TEXT(notice, job),
    FIELD_TEXT(notice, message),
    FIELD_INT(notice, run),
    FIELD_INT(notice, slot),
    FIELD_TEXT(notice, reason));

RECORD(notices,
    FIELD_LIST(notices, items, count, notice_record));

RECORD(slot_name,
    FIELD_TEXT(slot_name, key),
    FIELD_INT(slot_name, at));

RECORD(run_result,
    FIELD_INT(run_result, run),
    FIELD_BOOL(run_result, degraded),
    FIELD_BOOL(run_result, leaving),
    FIELD_ONE(run_result, error, error_record_record),
    FIELD_INT(run_result, started_ms),
    FIELD_INT(run_result, ended_ms),
    FIELD_INT(run_result, messages),
    FIELD_LIST(run_result, values, value_count, value_record_record),
    FIELD_TEXT(run_result, report),
    FIELD_LIST(run_result, slots, slot_count, slot_name_record));

RECORD(problem_record,
    FIELD_INT(problem_record, level),
    FIELD_TEXT(problem_record, file),
    FIELD_INT(problem_record, line),
    FIELD_INT(problem_record, column),
    FIELD_TEXT(problem_record, text));

RECORD(checked,
    FIELD_BOOL(checked, accepted),
    FIELD_INT(checked, digest),
    FIELD_LIST(checked, problems, count, problem_record_record));

RECORD(channels_pause,
    FIELD_LIST(channels_pause, channels, count, id_record_record),
    FIELD_INT(channels_pause, until_ms),
    FIELD_TEXT(channels_pause, by));

RECORD(channel_record,
    FIELD_TEXT(channel_record, name),
    FIELD_BOOL(channel_record, hold),
    FIELD_INT(channel_record, definition));

RECORD(configuration,
    FIELD_INT(configuration, log_level),
    FIELD_INT(configuration, keep_runs_ms),
    FIELD_INT(configuration, keep_messages_ms),
    FIELD_LIST(configuration, channels, count, channel_record_record));

RECORD(control,
    FIELD_TEXT(control, verb),
    FIELD_LIST(control, args, count, id_record_record),
    FIELD_INT(control, for_s),
    FIELD_LIST(control, channels, channel_count, id_record_record),
    FIELD_BOOL(control, all));

RECORD(control_reply,
    FIELD_INT(control_reply, status),
    FIELD_TEXT(control_reply, text));

/* -- the kinds ------------------------------------------------------------------------------------- */

const struct request_type request_types[REQ_KINDS] = {
    [REQ_HELLO]     = {"hello",     &hello_record,        &hello_reply_record},
    [REQ_SCHEDULES] = {"schedules", &schedules_record,    &schedules_reply_record},
    [REQ_CLAIM]     = {"claim",     &claim_record,        &claim_reply_record},
    [REQ_START]     = {"start",     &start_record,        &nothing_record},
    [REQ_COMMIT]    = {"commit",    &commit_record,       &commit_reply_record},
    [REQ_CLOSE]     = {"close",     &close_record,        &close_reply_record},
    [REQ_STATE]     = {"state",     &state_ask_record,    &state_reply_record},
    [REQ_STATES]    = {"states",    &states_ask_record,   &states_reply_record},
    [REQ_SEND]      = {"send",      &send_record,         &message_state_record},
    [REQ_KEY]       = {"key",       &key_ask_record,      &wait_reply_record},
    [REQ_WAIT]      = {"wait",      &wait_record,         &wait_reply_record},
    [REQ_TAKE]      = {"take",      &take_record,         &take_reply_record},
    [REQ_SETTLE]    = {"settle",    &settle_record,       &settle_reply_record},
    [REQ_LANES]     = {"lanes",     &nothing_record,      &lanes_reply_record},
    [REQ_RUNS]      = {"runs",      &runs_ask_record,     &runs_reply_record},
    [REQ_MESSAGES]  = {"messages",  &messages_ask_record, &messages_reply_record},
    [REQ_OUTBOX]    = {"outbox",    &outbox_record,       &outbox_reply_record},
    [REQ_COUNTS]    = {"counts",    &nothing_record,      &counts_reply_record},
    [REQ_PAUSE]     = {"pause",     &pauses_record,       &nothing_record},
    [REQ_PAUSED]    = {"paused",    &nothing_record,      &pauses_record},
    [REQ_WAKE]      = {"wake",      &wake_record,         NULL},
    [REQ_LOG]       = {"log",       &log_record_record,   NULL},
    [REQ_RUN]       = {"run",       &run_order_record,    NULL},
    [REQ_RESULT]    = {"result",    &run_result_record,   NULL},
    [REQ_DRAIN]     = {"drain",     &nothing_record,      NULL},
    [REQ_CHANNELS]  = {"channels",  &channels_pause_record, &nothing_record},
    [REQ_TRACEBACK] = {"traceback", &error_record_record, NULL},
    [REQ_CHECKED]   = {"checked",   &checked_record,      NULL},
    [REQ_NOTICES]   = {"notices",   &notices_record,      NULL},
    [REQ_CONF]      = {"conf",      &configuration_record, NULL},
    [REQ_CONTROL]   = {"control",   &control_record,      &control_reply_record},
};

/* clang-format on */

const char *const trigger_names[] = {
    [TRIGGER_SCHEDULE] = "schedule",
    [TRIGGER_CATCHUP] = "catchup",
    [TRIGGER_MANUAL] = "manual",
    [TRIGGER_START] = "start",
    [TRIGGER_RETRY] = "retry",
    [TRIGGER_ALARM] = "alarm",
};

/* -- errors as records ----------------------------------------------------------------------------- */

struct error_record *error_to_record(const struct err *e, struct arena *arena)
{
	struct error_record *record = arena_alloc(arena, sizeof(*record));

	record->kind = err_kind_name(err_kind(e));
	record->message = err_message(e);
	record->frame_count = err_frames(e);
	record->frames = arena_alloc(arena, record->frame_count * sizeof(*record->frames));
	for (size_t i = 0; i < record->frame_count; i++) {
		const struct err_frame *frame = err_frame(e, i);

		record->frames[i] =
		    (struct frame_record){frame->function, frame->file, frame->note, frame->line};
	}
	return record;
}

/* What is not there must not become a NULL that somebody prints. */
static const char *text_or(const char *text, const char *fallback)
{
	return text ? text : fallback;
}

struct err *error_from_record(const struct error_record *record)
{
	struct err *e = err_import(err_kind_by_name(record->kind), text_or(record->message, "unknown error"));

	for (size_t i = 0; i < record->frame_count; i++) {
		const struct frame_record *frame = &record->frames[i];
		int line = frame->line > 0 && frame->line <= INT_MAX ? (int)frame->line : 0;

		err_add_frame(e, text_or(frame->function, "?"), text_or(frame->file, "?"), line,
		    text_or(frame->note, ""));
	}
	return e;
}
