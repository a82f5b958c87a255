/* SPDX-License-Identifier: MIT */
/*
 * Where a crashed or hung worker stands.
 *
 * Three ways, each better than the one before and each more likely to fail on a broken stack; what was
 * found is published before the next is tried. The instruction alone; the chain of frame pointers, which
 * our code has and libc has not; the unwinder, which goes through libc too. A fault in the handler finds
 * all signals blocked and ends the process with what is published by then.
 */
#include "worker/crash.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/mem.h"

#define STACK_SIZE ((size_t)64 << 10) /* the unwinder takes about 5 KiB */

/* What handlers reach, which are given nothing. */
static struct {
	struct crash_record *record;
	const uintptr_t *stack_top;
	pid_t
	    pid; /* a program that a job starts shares the record until its exec: it is not to write there */
} watch;

struct registers {
	uintptr_t at;    /* the instruction */
	uintptr_t stack; /* stack pointer */
	uintptr_t frame; /* frame pointer */
};

/* Zeros on machines that are not known here: the unwinder has to do. */
static struct registers registers_of(const ucontext_t *context)
{
#if defined(__x86_64__)
	const greg_t *saved = context->uc_mcontext.gregs;

	return (struct registers){
	    (uintptr_t)saved[REG_RIP], (uintptr_t)saved[REG_RSP], (uintptr_t)saved[REG_RBP]};
#elif defined(__aarch64__)
	const mcontext_t *saved = &context->uc_mcontext;

	return (struct registers){saved->pc, saved->sp, saved->regs[29]};
#else
	(void)context;
	return (struct registers){0};
#endif
}

/* The count is what makes frames visible to main. */
static void publish(struct crash_record *record, size_t count)
{
	__atomic_store_n(&record->count, count, __ATOMIC_RELEASE);
}

static size_t add(struct crash_record *record, size_t count, uintptr_t address)
{
	if (count == CRASH_FRAMES)
		return count;
	record->frames[count] = address;
	return count + 1;
}

/* -- the chain of frame pointers ------------------------------------------------------------------- */

/* A call to nowhere (a null function pointer): the caller's address was just pushed, no frame was made. */
static bool called_nowhere(uintptr_t at)
{
	struct dl_find_object found;

	return _dl_find_object((void *)at, &found) != 0;
}

static bool on_stack(const uintptr_t *frame, uintptr_t above)
{
	return (uintptr_t)frame >= above && frame + 2 <= watch.stack_top &&
	       (uintptr_t)frame % sizeof(*frame) == 0;
}

/*
 * Each frame begins with the frame pointer of its caller and the address to return to; callers lie higher.
 * To a sanitizer this is a read of other functions' memory.
 */
__attribute__((no_sanitize("address"))) static size_t walk(
    struct crash_record *record, size_t count, const uintptr_t *frame, uintptr_t above)
{
	while (count < CRASH_FRAMES && on_stack(frame, above)) {
		count = add(record, count, frame[1]);
		above = (uintptr_t)(frame + 2);
		frame = (const uintptr_t *)frame[0];
	}
	return count;
}

__attribute__((no_sanitize("address"))) static size_t walk_from(
    struct crash_record *record, size_t count, const struct registers *registers)
{
	const uintptr_t *top = (const uintptr_t *)registers->stack;

	if (called_nowhere(registers->at) && on_stack(top, registers->stack))
		count = add(record, count, *top);
	return walk(record, count, (const uintptr_t *)registers->frame, registers->stack);
}

/* -- the unwinder -------------------------------------------------------------------------------------- */

/* Replaces the record's frames by those from AT on, if the unwinder came to AT and beyond it. */
static void unwind(struct crash_record *record, uintptr_t at)
{
	void *found[CRASH_FRAMES + 8]; /* the handler's own frames come first */
	size_t total = (size_t)backtrace(found, (int)ARRAY_SIZE(found));
	size_t skip = 0, count = 0;

	while (skip < total && (uintptr_t)found[skip] != at)
		skip++;
	if (skip + 1 >= total)
		return;
	publish(record, 0);
	for (size_t i = skip; i < total; i++)
		count = add(record, count, (uintptr_t)found[i]);
	publish(record, count);
}

/* -- the handlers -------------------------------------------------------------------------------------- */

static void record_stack(enum crash_cause cause, uintptr_t where, const ucontext_t *context)
{
	struct crash_record *record = watch.record;
	struct registers registers = registers_of(context);

	publish(record, 0);
	record->cause = (int)cause;
	record->where = where;
	publish(record, add(record, 0, registers.at));
	publish(record, walk_from(record, 1, &registers));
	unwind(record, registers.at);
}

/* The action is the default one by now (SA_RESETHAND): the process dies as this returns. */
static void on_fault(int signal_number, siginfo_t *info, void *context)
{
	int saved = errno;
	bool has_address = (signal_number == SIGSEGV || signal_number == SIGBUS) && info->si_code > 0;

	if (getpid() == watch.pid)
		record_stack(CRASH_FAULT, has_address ? (uintptr_t)info->si_addr : 0, context);
	raise(signal_number);
	errno = saved;
}

static void on_asked(int signal_number, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)signal_number, (void)info;
	if (getpid() == watch.pid)
		record_stack(CRASH_OVERDUE, 0, context);
	errno = saved;
}

static void catch_signal(int signal_number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | flags};

	sigfillset(&action.sa_mask);
	sigaction(signal_number, &action, NULL);
}

void crash_watch(struct crash_record *record, uintptr_t root, const void *stack_top)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
	void *warm[1];
	/* For the life of the process; a stack that overflowed has no room for a handler. */
	stack_t stack = {.ss_size = STACK_SIZE};

	record->root = root;
	watch.record = record;
	watch.stack_top = stack_top;
	watch.pid = getpid();
	backtrace(warm, 1); /* loads the unwinder now: in a handler it may not */
	stack.ss_sp = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack.ss_sp != MAP_FAILED)
		sigaltstack(&stack, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		catch_signal(faults[i], on_fault, (int)SA_RESETHAND);
	catch_signal(CRASH_ASK, on_asked, SA_RESTART);
}

/* -- the record ---------------------------------------------------------------------------------------- */

void crash_note(enum crash_cause cause)
{
	if (!watch.record)
		return;
	crash_clear(watch.record);
	watch.record->cause = (int)cause;
	unwind(watch.record, (uintptr_t)__builtin_return_address(0));
}

void crash_step(void)
{
	const uintptr_t *own = __builtin_frame_address(0);
	const uintptr_t *frame;

	if (!watch.record)
		return;
	frame = (const uintptr_t *)*own; /* of the caller */
	crash_clear(watch.record);
	watch.record->cause = CRASH_STEP;
	publish(watch.record, walk(watch.record, 0, frame, (uintptr_t)own));
}

void crash_clear(struct crash_record *record)
{
	publish(record, 0);
	record->cause = CRASH_NONE;
	record->where = 0;
}

struct crash_record crash_copy(const struct crash_record *record)
{
	size_t count = __atomic_load_n(&record->count, __ATOMIC_ACQUIRE);
	struct crash_record copy = *record;

	copy.count = count < CRASH_FRAMES ? count : CRASH_FRAMES;
	if (!copy.count || copy.cause < CRASH_NONE || copy.cause > CRASH_STEP)
		copy = (struct crash_record){.cause = CRASH_NONE};
	return copy;
}
