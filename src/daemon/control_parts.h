/* SPDX-License-Identifier: MIT */
/* What the files of the control socket share: control.c, control_status.c, control_pause.c. */
#ifndef DAEMON_CONTROL_PARTS_H
#define DAEMON_CONTROL_PARTS_H

#include <bmad/json.h>

#include "daemon/control.h"
#include "request/peer.h"

struct lane_view;

/* A call that is not answered yet. */
struct control_call {
	struct control_call *prev, *next;
	struct control_socket *control;
	struct peer *peer; /* NULL: the caller went */
	uint64_t sequence;
	int64_t run;
	bool wait;
	int64_t reload; /* that is waited for; 0: none */
	uid_t uid;            /* who asks */
	struct json *changed; /* of pause and resume: the answer once it is stored */
	int open_parts;       /* of which so many are not yet */
	struct err *failed;   /* the first that could not be */
	struct arena arena;
	const struct conf *conf;        /* whose channels status tells of; it holds a reference */
	const struct lane_view *states; /* of these channels; in `arena` */
};

struct control_socket {
	struct control_setup setup;
	struct event *accept;
	int listener;
	int64_t started_ms, loaded_ms;
	struct control_peer *peers;
	struct control_call *calls;
};

/* Ends CALL with the exit STATUS of the command and VALUE, which is taken; or with E, which is taken. */
void control_answer(struct control_call *call, int64_t status, struct json *value);
void control_refuse(struct control_call *call, struct err *e);

/* The verbs that have files of their own. */
void control_status(struct control_call *call, const struct control *request);
void control_pause(struct control_call *call, const struct control *request);
void control_resume(struct control_call *call, const struct control *request);

#endif
